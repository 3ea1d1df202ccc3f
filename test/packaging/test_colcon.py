"""colcon builds the package as a ROS workspace would, and what it installs is complete and starts."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("colcon_core", "colcon_ros")),
    reason="colcon is not installed (extra `dev`)",
)


@pytest.fixture(scope="module")
def install(tmp_path_factory) -> Path:
    base = tmp_path_factory.mktemp("workspace")
    command = [
        *(sys.executable, "-m", "colcon", "--log-base", str(base / "log"), "build"),
        *("--base-paths", str(ROOT)),
        *("--build-base", str(base / "build"), "--install-base", str(base / "install"), "--merge-install"),
    ]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    built = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=base)
    assert built.returncode == 0, built.stdout + built.stderr
    return base / "install"


def site_packages(install: Path) -> Path:
    return next(install.glob("lib/python*/site-packages"))


@pytest.mark.parametrize(
    "path",
    [
        "lib/depthart_ros/depth_node",
        "lib/depthart_ros/depthart",
        "share/ament_index/resource_index/packages/depthart_ros",
        "share/depthart_ros/package.xml",
        "share/depthart_ros/launch/depth.launch.py",
        "share/depthart_ros/launch/examples/webcam.launch.py",
        "share/depthart_ros/config/depth.yaml",
        "share/depthart_ros/config/nav2_depth.yaml",
        "share/depthart_ros/config/depth.rviz",
        "share/depthart_ros/config/fastdds.xml",
    ],
)
def test_colcon_installs(install, path):
    assert (install / path).is_file()


@pytest.mark.parametrize("folder", ["depthart_core/models", "depthart_ros/samples"])
def test_colcon_installs_every_data_file_of(install, folder):
    tracked = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not tracked:
        pytest.skip(f"git does not list {folder}: this is no checkout")
    assert [path for path in tracked if not (site_packages(install) / path).is_file()] == []


@pytest.mark.parametrize("package", ["depthart_core", "depthart_ros"])
def test_colcon_installs_every_module_of(install, package):
    modules = [path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")]
    assert [module for module in modules if not (site_packages(install) / module).is_file()] == []


def test_training_stays_in_the_checkout(install):
    assert not (site_packages(install) / "training").exists()


def test_the_installed_command_starts(install):
    search = os.pathsep.join([str(site_packages(install)), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(install / "lib/depthart_ros/depthart"), "--help"]
    shown = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": search}, cwd=install
    )
    assert shown.returncode == 0, shown.stderr
    assert "predict" in shown.stdout
