"""What the doctor says of the machine."""

import os
import sys

import pytest

from depthart_ros.doctor import machine
from depthart_ros.doctor.findings import Finding, is_wrong, report
from depthart_ros.doctor.machine import check_gpu, check_ros, check_shared_memory, check_versions


def test_the_report_ends_with_what_is_wrong_and_its_cure():
    lines = report(
        [Finding("a", "fine"), Finding("a", "broken", "mend it"), Finding("b", "gone", "find it")]
    ).splitlines()
    assert lines[:3] == ["a           fine", "            WRONG: broken", "b           WRONG: gone"]
    assert lines[4:] == ["2 things are wrong:", "1. a: broken", "   cure: mend it", "2. b: gone", "   cure: find it"]


def test_the_report_ends_with_nothing_where_nothing_is_wrong():
    findings = [Finding("a", "fine")]
    assert not is_wrong(findings)
    assert report(findings).endswith("\n\nnothing is wrong")


def test_versions_are_those_that_are_installed():
    import platform

    import numpy as np

    text = "\n".join(finding.text for finding in check_versions())
    assert f"Python {platform.python_version()}" in text
    assert f"numpy {np.__version__}" in text


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "no ROS_DISTRO"),
        ({"ROS_DISTRO": "rolling"}, "rolling;"),
        ({"ROS_DISTRO": "foxy"}, "foxy, which is none of humble"),
    ],
)
def test_the_ros_distribution_is_named(environment, said):
    (finding,) = check_ros(environment)
    assert said in finding.text
    assert not finding.cure


@pytest.mark.parametrize(
    ("distribution", "cure"),
    [("humble", 'pip install "numpy<2"'), ("kilted", 'pip install "numpy<2"'), ("rolling", "")],
)
def test_a_numpy_that_breaks_the_messages_of_a_distribution_is_wrong(tmp_path, monkeypatch, distribution, cure):
    (tmp_path / "numpy-2.9.1.dist-info").mkdir()
    (tmp_path / "numpy-2.9.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 2.9.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    *_, finding = check_ros({"ROS_DISTRO": distribution})
    assert finding.cure == cure


@pytest.mark.parametrize(
    ("of_numpy", "of_rclpy", "fits"),
    [
        (None, None, True),
        ("conda\n", None, True),
        ("conda\n", "pip\n", True),
        ("pip\n", "pip\n", True),
        ("pip\n", "uv\n", True),
        ("pip\n", None, False),
        ("pip\n", "conda\n", False),
    ],
)
@pytest.mark.parametrize("name", ["rclpy", "ros_rclpy"])
def test_a_numpy_that_was_installed_with_ros_fits_it_but_not_one_that_pip_has_put_over_condas(
    tmp_path, monkeypatch, name, of_numpy, of_rclpy, fits
):
    for package, installer in (("numpy", of_numpy), (name, of_rclpy)):
        (folder := tmp_path / f"{package}-2.9.1.dist-info").mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.9.1\n")
        if installer:
            (folder / "INSTALLER").write_text(installer)
    (tmp_path / "rclpy").mkdir()
    (tmp_path / "rclpy" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "rclpy", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert is_wrong(check_ros({"ROS_DISTRO": "jazzy"})) is not fits


def program(folder, text):
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "nvidia-smi").chmod(0o755)


def test_gpus_are_those_that_the_driver_names(tmp_path, monkeypatch):
    program(tmp_path, "echo 'NVIDIA Card, 570.1, 8192 MiB, 100 MiB'")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert Finding("GPU", "NVIDIA Card, 570.1, 8192 MiB, 100 MiB") in list(check_gpu())


def test_a_driver_that_fails_is_wrong(tmp_path, monkeypatch):
    program(tmp_path, "echo 'driver/library version mismatch' >&2; exit 18")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert any("version mismatch" in finding.text and finding.cure for finding in check_gpu())


def test_no_gpu_is_fine(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not is_wrong(check_gpu())


@pytest.mark.parametrize(
    ("board", "absent"), [("NVIDIA Jetson AGX Orin Developer Kit\0", False), ("Raspberry Pi 5 Model B Rev 1.0\0", True)]
)
def test_the_gpu_of_a_jetson_is_not_denied_where_nvidia_smi_is_missing(tmp_path, monkeypatch, board, absent):
    (tmp_path / "model").write_text(board)
    monkeypatch.setenv("PATH", str(tmp_path))
    named, gpu = check_gpu(tmp_path / "model")
    assert named == Finding("GPU", f"board {board[:-1]}")
    assert gpu.text.startswith("none") is absent
    assert not gpu.cure


def test_no_shared_memory_is_wrong(tmp_path):
    assert any(finding.cure for finding in check_shared_memory({}, tmp_path / "nothing"))


def test_little_shared_memory_as_in_a_container_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "LEAST_SHARED_MEMORY", 1 << 62)
    assert any("--shm-size" in finding.cure for finding in check_shared_memory({}, tmp_path))


NEW, OLD = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"


@pytest.mark.parametrize(
    ("environment", "cure"),
    [
        ({NEW: __file__}, ""),
        ({NEW: "/nowhere.xml"}, f"unset {NEW}"),
        ({OLD: __file__}, f"export {NEW}=${OLD}"),
        ({OLD: __file__, "ROS_DISTRO": "humble"}, ""),
        ({NEW: __file__, "ROS_DISTRO": "humble"}, f"export {OLD}=${NEW}"),
        ({NEW: "/nowhere.xml", "RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, ""),
    ],
)
def test_a_profile_that_does_not_count_is_wrong(environment, cure):
    *_, finding = check_shared_memory(environment)
    assert finding.about == "transport"
    assert bool(finding.cure) == bool(cure)
    assert finding.cure.startswith(cure)
