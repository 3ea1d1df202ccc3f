"""`depthart SUBCOMMAND`: finds the module of the subcommand and turns named errors into one sentence."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from depthart_ros.import_errors import explain, is_interrupt
from depthart_ros.spin import INTERRUPTED

SUBCOMMANDS = {
    "predict": "depthart_ros.cli.predict",
    "camera": "depthart_ros.cli.camera",
    "bag": "depthart_ros.cli.bag",
    "doctor": "depthart_ros.cli.doctor",
    "demo": "depthart_ros.cli.demo",
    "convert": "depthart_ros.cli.convert",
    "export": "depthart_ros.cli.export",
    "build-trt": "depthart_ros.cli.build_trt",
    "benchmark": "depthart_ros.cli.benchmark",
}
"""Name -> module with SUMMARY, add_arguments(parser) and run(args) -> exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status; an expected failure is printed as one sentence with status 1.

    Args:
        argv: the arguments after the program's name; those of the process by default. What stands between `--ros-args`
            and `--` (or the end) is for ROS and reaches the subcommand as `args.ros_args`.
    """
    own, ros = split_ros_args(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr has it: names of files need not be UTF-8
    try:
        try:
            return _run(own, ros)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a failure can be told
    except KeyboardInterrupt:
        return _interrupted()
    except ImportError as error:
        if is_interrupt(error):
            return _interrupted()
        print(explain("depthart", error), file=sys.stderr)
        return 1
    except OSError as error:  # of the output: any other has been told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries again when it ends
        if not isinstance(error, BrokenPipeError):  # as of `| head`
            print(f"depthart: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 1


def _run(own: Sequence[str], ros: list[str]) -> int:
    """Run what the arguments ask for; imports what can be broken, so that this is told."""
    from depthart_core import DepthartError
    from depthart_ros.errors import tell

    try:
        args = _parser(own).parse_args(own)
        args.ros_args = ros
        return int(args.run(args))
    except BrokenPipeError:
        raise
    except (DepthartError, OSError, MemoryError) as error:
        if isinstance(error, OSError) and not error.filename:
            print(flush=True)  # where the output is what failed, this fails too, and `main` tells it
        tell(_sentence(error))
        return 1


def _interrupted() -> int:
    print("depthart: interrupted", file=sys.stderr)
    return INTERRUPTED


def _sentence(error: Exception) -> str:
    """What an expected failure says."""
    if isinstance(error, MemoryError):
        return f"there is not enough memory{str(error) and f': {error}'}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def split_ros_args(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments for argparse and those for ROS, `--ros-args` included."""
    own: list[str] = []
    ros: list[str] = []
    for_ros = False
    for argument in argv:
        for_ros = for_ros or argument == "--ros-args"
        (ros if for_ros else own).append(argument)
        if for_ros and argument == "--":
            for_ros = False
    return own, ros


def _parser(own: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser of every subcommand; only the one that is asked for is imported, or all of them for the help."""
    parser = argparse.ArgumentParser(prog="depthart", description="Monocular depth by autoregressive refinement.")
    commands = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    asked = next((argument for argument in own if argument in SUBCOMMANDS), None)
    for name, path in SUBCOMMANDS.items():
        if asked in (None, name):
            module: Any = importlib.import_module(path)
            command = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
