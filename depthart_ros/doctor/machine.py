"""Versions, ROS distribution, GPU and shared memory, without importing what is heavy."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution, distributions, version
from pathlib import Path

from depthart_core.errors import pip_install
from depthart_core.processor import BOARD
from depthart_ros.dds.middleware import RMW_VARIABLE
from depthart_ros.dds.transport import profile_variables
from depthart_ros.doctor.findings import Finding

RUNTIMES = {"torch": ("torch",), "onnxruntime": ("onnxruntime", "onnxruntime-gpu"), "openvino": ("openvino",),
            "tensorrt": ("tensorrt", "tensorrt-cu12", "tensorrt-cu13"), "tensorrt_rtx": ("tensorrt-rtx",)}  # fmt: skip
LIBRARIES = {"numpy": ("numpy",), "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python"),
             "rosbags": ("rosbags",)}  # fmt: skip
DISTRIBUTIONS = ("humble", "jazzy", "kilted", "rolling")
NUMPY_1 = ("humble", "jazzy", "kilted")
"""Distributions whose messages, as they come from apt, and whose Ubuntu's OpenCV were compiled for it."""
SHARED_MEMORY = Path("/dev/shm")
LEAST_SHARED_MEMORY = 128 << 20
"""Bytes: the segments of config/fastdds.xml have 64 MiB, and camera and node need one each."""
LEAST_FREE = 64 << 20


def check_versions() -> Iterator[Finding]:
    """Yield the versions of Python, the libraries and what can run a model."""
    found = [f"{module} {known}" for module, names in LIBRARIES.items() if (known := _version(module, names))]
    yield Finding("versions", f"Python {platform.python_version()} ({sys.executable}), {', '.join(found)}")
    runtimes = [f"{module} {known}" for module, names in RUNTIMES.items() if (known := _version(module, names))]
    if runtimes:
        yield Finding("runtimes", ", ".join(runtimes))
        return
    cure = f"{pip_install('torch')}, or {pip_install('onnxruntime')} and a graph of `depthart export`"
    yield Finding("runtimes", "nothing that runs a model is installed", cure)


def check_ros(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what the environment says of ROS.

    Args:
        environment: such as os.environ.
    """
    ros = environment.get("ROS_DISTRO", "")
    known = not ros or ros in DISTRIBUTIONS
    name = ros or "no ROS_DISTRO (nothing sourced, or the Python wheels)"
    tested = "" if known else f", which is none of {', '.join(DISTRIBUTIONS)}"
    rclpy = _version("rclpy", ("rclpy",)) or "missing"
    domain = environment.get("ROS_DOMAIN_ID", "0")
    yield Finding("ROS", f"{name}{tested}; rclpy {rclpy}; domain {domain}")
    numpy = _version("numpy", ("numpy",))
    newer = numpy.partition(".")[0] not in ("", "0", "1", "of the system")
    if newer and ros in NUMPY_1 and not _came_with_ros("numpy"):
        text = f"{ros} and its Ubuntu's OpenCV were compiled for NumPy 1, here is {numpy}: the node may crash"
        yield Finding("ROS", text, 'pip install "numpy<2"')


def check_gpu(board: Path = BOARD) -> Iterator[Finding]:
    """Yield the GPUs that the NVIDIA driver names; none is fine.

    Args:
        board: Where Linux names the board on most Arm machines.
    """
    query = ["--query-gpu=name,driver_version,memory.total,memory.used", "--format=csv,noheader"]
    program = shutil.which("nvidia-smi")
    name = board.read_text(errors="replace").strip("\0\n ") if board.is_file() else ""
    if name:
        yield Finding("GPU", f"board {name}")
    if program is None and "NVIDIA" in name:  # a Jetson, whose older JetPacks have no nvidia-smi
        yield Finding("GPU", "the board's own; nvidia-smi, which would tell of it, is not there")
        return
    if program is None:
        yield Finding("GPU", "none: nvidia-smi is not there; the model runs on the CPU")
        return
    try:
        done = subprocess.run([program, *query], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("GPU", f"nvidia-smi does not answer: {error}", "restart the machine, or install its driver anew")
        return
    if done.returncode:
        yield Finding("GPU", f"nvidia-smi fails: {(done.stderr or done.stdout).strip()}", "install the driver anew")
    for line in done.stdout.splitlines() if not done.returncode else ():
        yield Finding("GPU", line)


def check_shared_memory(environment: Mapping[str, str], folder: Path = SHARED_MEMORY) -> Iterator[Finding]:
    """Yield what images between processes on this machine go through.

    Args:
        environment: such as os.environ.
        folder: where the system keeps shared memory.
    """
    yield from _check_space(folder)
    middleware = environment.get(RMW_VARIABLE, "")
    if "fast" not in (middleware or "fast"):
        yield Finding("transport", f"{middleware}: profiles of Fast DDS do not count")
        return
    ours, other = profile_variables(environment)
    if ours in environment:
        missing = not Path(environment[ours]).is_file()
        text = f"{ours} is {environment[ours]}" + (", which does not exist" if missing else "")
        yield Finding("transport", text, f"unset {ours}, or let it name config/fastdds.xml" if missing else "")
    elif other in environment:
        yield Finding("transport", f"{other} is set, but this Fast DDS reads {ours}", f"export {ours}=${other}")
    else:
        yield Finding(
            "transport", "Fast DDS as it comes; for large images on one machine: local_transport:=true at launch"
        )


def _check_space(folder: Path) -> Iterator[Finding]:
    try:
        room = os.statvfs(folder)
    except OSError as error:
        yield Finding("memory", f"{folder} is not there: {error.strerror}", "give the container a /dev/shm")
        return
    size, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
    text = f"{folder} has {size >> 20} MiB, {free >> 20} MiB of them free"
    cure = ""
    if size < LEAST_SHARED_MEMORY:
        cure = "docker run --shm-size=512m (or --ipc=host)"
    elif free < LEAST_FREE:
        cure = "end processes that use it, then remove what dead ones left: fastdds shm clean"
    yield Finding("memory", text, cure)


def _came_with_ros(name: str) -> bool:
    """Whether a package lies where rclpy does, by the same package manager, which chose versions that fit."""
    spec = importlib.util.find_spec("rclpy")
    if spec is None or spec.origin is None:
        return False
    place = Path(spec.origin).resolve().parents[1]
    if Path(str(distribution(name).locate_file(""))).resolve() != place:
        return False
    return not _is_of_pip(place, name) or _is_of_pip(place, "ros-rclpy") or _is_of_pip(place, "rclpy")


def _is_of_pip(place: Path, name: str) -> bool:
    """Whether pip, or what is like it, has put a package there: conda says so, or leaves no word."""
    installers = [found.read_text("INSTALLER") for found in distributions(name=name, path=[str(place)])]
    return any((installer or "conda").strip() != "conda" for installer in installers)


def _version(module: str, names: tuple[str, ...]) -> str:
    """Return the version of an installed package, "" where there is none; the module is not imported."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "of the system" if importlib.util.find_spec(module) else ""
