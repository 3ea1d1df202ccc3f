"""Whether ROS can be joined, tried by another process: what is wrong with a middleware ends some."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from depthart_ros.dds.middleware import RMW_VARIABLE, installed_middleware
from depthart_ros.doctor.findings import Finding

PATIENCE = 60.0
LARGEST_DOMAIN = 101
"""Above it, ports of a domain may be taken by Linux for something else."""
JOINED = "depthart joined ROS"
JOINING = f"""try:
    import rclpy
except ImportError:
    rclpy = None  # whoever needs it says so
else:
    rclpy.init()
    rclpy.create_node("depthart_doctor")
print("{JOINED}", flush=True)
if rclpy is not None:
    rclpy.shutdown()"""
OF_NO_USE = re.compile(r"\x1b\[[0-9;]*m|^rclpy\S+: |, at /.*", re.MULTILINE)
"""In what ROS says: colours, the names of its errors, and places in its sources."""


def check_joining(environment: Mapping[str, str], patience: float = PATIENCE) -> Iterator[Finding]:
    """Yield why ROS cannot be joined; nothing where it can be, or is not there.

    Args:
        environment: such as os.environ.
        patience: how long to wait for it [s].
    """
    command = [sys.executable, "-c", JOINING]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, timeout=patience
        )
    except subprocess.TimeoutExpired as error:
        said, reason = error.stdout or b"", f"it takes more than {patience:g} s"
    else:
        said = done.stdout
        lines = OF_NO_USE.sub("", said.decode(errors="replace")).splitlines()
        reason = next(filter(None, reversed(lines)), f"status {done.returncode}")
    if JOINED.encode() not in said:
        yield Finding("topics", f"ROS cannot be joined: {reason}", cure_of_joining(environment))


def cure_of_joining(environment: Mapping[str, str]) -> str:
    """Return what to do where ROS cannot be joined, by what is set: its own words are those of the middleware.

    Args:
        environment: such as os.environ.
    """
    cures = []
    if not _can_hold_logs(environment):
        cures.append("export ROS_LOG_DIR=FOLDER, one that can be written")
    if not _is_domain(environment.get("ROS_DOMAIN_ID") or "0"):
        cures.append(f"export ROS_DOMAIN_ID=0, or another number up to {LARGEST_DOMAIN}")
    middleware = environment.get(RMW_VARIABLE)
    if middleware and not cures and middleware not in installed_middleware(environment):
        cures.append(f"unset {RMW_VARIABLE}, or install the package {middleware}")
    return "; ".join(cures) or "look at what is set: env | grep -e ROS -e DDS"


def _is_domain(text: str) -> bool:
    try:
        return 0 <= int(text) <= LARGEST_DOMAIN
    except ValueError:
        return False


def _can_hold_logs(environment: Mapping[str, str]) -> bool:
    """Whether the folder of ROS's logs can be written, or made."""
    home = Path(environment.get("ROS_HOME") or "~/.ros")
    try:
        folder = Path(environment.get("ROS_LOG_DIR") or home / "log").expanduser().absolute()
    except RuntimeError:  # no home folder
        return False
    there = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
