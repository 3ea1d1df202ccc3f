"""`depthart doctor`: looks at everything that depth depends on, and says what is wrong and what cures it."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator

from depthart_core import ConfigError
from depthart_ros.dds.middleware import VARIABLE, missing
from depthart_ros.doctor.findings import Finding, is_wrong, report
from depthart_ros.doctor.machine import check_gpu, check_ros, check_shared_memory, check_versions
from depthart_ros.imports import is_of_ros
from depthart_ros.parameters.files import add_options

SUMMARY = "say what is wrong with this machine, the model, the parameters or the running ROS graph, and what cures it"

JOINING = """try:
    import rclpy
except ImportError:
    raise SystemExit(0)
rclpy.init()
rclpy.create_node("depthart_doctor")
rclpy.shutdown()"""
OF_NO_USE = re.compile(r"\x1b\[[0-9;]*m|^rclpy\S+: |, at /.*", re.MULTILINE)
"""In what ROS says: colours, the names of its errors, and places in its sources."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_options(parser)
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long to listen to the ROS graph [s]; 0: not (default 5)"
    )
    parser.add_argument("--skip-model", action="store_true", help="do not load the model, which takes some seconds")


def run(args: argparse.Namespace) -> int:
    """Look, print the report, and return 1 where something is wrong, else 0.

    Raises:
        ConfigError: an option that makes no sense.
    """
    if not 0 <= args.seconds <= 3600:
        raise ConfigError(f"--seconds is {args.seconds:g}; expected 0 to 3600")
    findings = list(_look(args))
    print(report(findings))
    return 1 if is_wrong(findings) else 0


def _look(args: argparse.Namespace) -> Iterator[Finding]:
    from depthart_ros.doctor.model import check_model, check_parameters

    yield from check_versions()
    yield from check_ros(os.environ)
    yield from check_gpu()
    yield from check_shared_memory(os.environ)
    found, settings = check_parameters(args.params_file, args.param)
    yield from found
    if args.skip_model:
        yield Finding("model", "not looked at: --skip-model")
    elif settings is not None:
        yield from check_model(settings)
    yield from _look_at_graph(args.seconds)


def _look_at_graph(seconds: float) -> Iterator[Finding]:
    """Listen, unless that is not wanted or there is no ROS."""
    if not seconds:
        yield Finding("topics", "not looked at: --seconds 0")
        return
    absent = missing(os.environ)
    if absent:
        yield Finding("topics", f"not looked at: {absent[0]}", absent[1])
        return
    reason = _why_ros_cannot_be_joined()
    if reason:
        yield Finding("topics", f"ROS cannot be joined: {reason}", _cure(reason))
        return
    try:
        from depthart_ros.doctor.graph import check_graph
        from depthart_ros.doctor.listening import listen
    except ImportError as error:
        if not is_of_ros(error):
            raise
        yield Finding("topics", f"not looked at: there is no ROS ({error}); source yours, or pip install .[ros]")
        return
    yield from check_graph(listen(seconds))


def _why_ros_cannot_be_joined() -> str:
    """The last words of another process that tries, as ROS ends some; "" where it can be joined or is not there."""
    done = subprocess.run([sys.executable, "-c", JOINING], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not done.returncode:
        return ""
    lines = OF_NO_USE.sub("", done.stdout.decode(errors="replace")).splitlines()
    return next(filter(None, reversed(lines)), f"status {done.returncode}")


def _cure(reason: str) -> str:
    if "log dir" in reason or "logging" in reason:
        return "export ROS_LOG_DIR=FOLDER, one that can be written"
    if "domain" in reason.lower():
        return "export ROS_DOMAIN_ID=0, or another number up to 101"
    middleware = os.environ.get(VARIABLE)
    if middleware:
        return f"unset {VARIABLE}, or install the package {middleware}"
    return "look at what is set: env | grep -e ROS -e DDS"
