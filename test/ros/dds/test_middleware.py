"""An RMW that is not installed: one sentence instead of the end of the process in rcl."""

import os
import subprocess
import sys

import pytest

from depthart_ros.dds.middleware import INDEX, installed_middleware, missing_middleware


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """A prefix of ROS with two RMWs, in a Python that has none."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "python"))
    (tmp_path / "ros" / INDEX).mkdir(parents=True)
    for name in ("rmw_zenoh_cpp", "rmw_fastrtps_cpp", "rmw_implementation"):
        (tmp_path / "ros" / INDEX / name).touch()
    return {"AMENT_PREFIX_PATH": f"{tmp_path / 'nothing'}{os.pathsep}{tmp_path / 'ros'}"}


def test_the_installed_ones_are_those_of_the_ament_index(prefix):
    assert installed_middleware(prefix) == ["rmw_fastrtps_cpp", "rmw_zenoh_cpp"]


@pytest.mark.parametrize("asked", ["", "rmw_zenoh_cpp"])
def test_nothing_is_wrong_with_an_installed_one_or_none(prefix, asked):
    assert missing_middleware(prefix | {"RMW_IMPLEMENTATION": asked}) is None


def test_nothing_is_said_where_there_is_no_index(prefix):
    assert missing_middleware({"RMW_IMPLEMENTATION": "rmw_zenoh_cpp"}) is None


def test_one_that_the_loader_finds_is_not_missing(prefix, tmp_path):
    (tmp_path / "librmw_own_cpp.so").touch()
    assert missing_middleware(prefix | {"RMW_IMPLEMENTATION": "rmw_own_cpp", "LD_LIBRARY_PATH": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("distribution", "cure"),
    [
        ("", "unset RMW_IMPLEMENTATION"),
        ("jazzy", "unset RMW_IMPLEMENTATION, or install it: sudo apt install ros-jazzy-rmw-cyclonedds-cpp"),
    ],
)
def test_a_missing_one_is_named_with_the_installed_ones_and_the_cure(prefix, distribution, cure):
    asked = {"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp", "ROS_DISTRO": distribution}
    assert missing_middleware(prefix | asked) == (
        "RMW_IMPLEMENTATION is rmw_cyclonedds_cpp, which is not installed; installed: rmw_fastrtps_cpp, rmw_zenoh_cpp",
        cure,
    )


@pytest.mark.parametrize("program", ["depthart_ros.cli.depth_node", "depthart_ros.cli.main"])
def test_a_node_says_so_in_one_sentence_with_status_1(program):
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")
    arguments = [] if program == "depthart_ros.cli.depth_node" else ["camera", "--source", "sample"]
    environment = os.environ | {"RMW_IMPLEMENTATION": "rmw_nobody_cpp"}
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 1, done.stderr
    [sentence] = done.stderr.strip().splitlines()
    assert "cannot start: RMW_IMPLEMENTATION is rmw_nobody_cpp, which is not installed; installed: rmw_" in sentence
    assert "unset RMW_IMPLEMENTATION" in sentence
