"""`depthart doctor`: looks at everything that depth depends on, and says what is wrong and what cures it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from depthart_core import ConfigError
from depthart_ros.dds.middleware import missing_middleware
from depthart_ros.doctor.findings import Finding, is_wrong, report
from depthart_ros.doctor.joining import check_joining
from depthart_ros.doctor.machine import check_gpu, check_ros, check_shared_memory, check_versions
from depthart_ros.import_errors import is_of_ros
from depthart_ros.parameters.files import add_options

SUMMARY = "say what is wrong with this machine, the model, the parameters or the running ROS graph, and what cures it"


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

    of_graph, node_heard = _look_at_graph(args.seconds)
    yield from check_versions()
    yield from check_ros(os.environ)
    yield from check_gpu()
    yield from check_shared_memory(os.environ)
    found, settings = check_parameters(args.params_file, args.param, node_heard=node_heard)
    yield from found
    if args.skip_model:
        yield Finding("model", "not looked at: --skip-model")
    elif settings is not None:
        yield from check_model(settings)
    yield from of_graph


def _look_at_graph(seconds: float) -> tuple[list[Finding], bool]:
    """Listen, unless that is not wanted or there is no ROS; returns what was found and whether a depth node was."""
    if not seconds:
        return [Finding("topics", "not looked at: --seconds 0")], False
    absent = missing_middleware(os.environ)
    if absent:
        return [Finding("topics", f"not looked at: {absent[0]}", absent[1])], False
    if wrong := list(check_joining(os.environ)):
        return wrong, False
    try:
        from depthart_ros.doctor.graph import check_graph, reports
        from depthart_ros.doctor.listening import listen
    except ImportError as error:
        if not is_of_ros(error):
            raise
        text = f"not looked at: there is no ROS ({error}); source yours, or pip install .[ros]"
        return [Finding("topics", text)], False
    graph = listen(seconds)
    return list(check_graph(graph)), bool(reports(graph))
