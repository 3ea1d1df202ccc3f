"""Runs one node in this process: initialises rclpy, spins the node, ends cleanly at a signal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from depthart_ros.dds.middleware import missing_middleware
from depthart_ros.import_errors import explain, is_interrupt

if TYPE_CHECKING:
    from rclpy.node import Node

INTERRUPTED = 130
"""Exit status of a command after Ctrl-C, as of shells."""


def run_node(program: str, make: Callable[[], Node], args: Sequence[str] | None = None) -> int:
    """Make a node and spin it until SIGINT or SIGTERM; returns the exit status, 1 with one sentence where ROS fails.

    Args:
        program: its name, for that sentence.
        make: imports and makes the node; it runs with rclpy initialised.
        args: the command line with its ROS arguments; that of the process by default.
    """
    absent = missing_middleware(os.environ)
    if absent:
        return _refuse(program, ": ".join(absent))
    try:
        return _spin(program, make, args)
    except KeyboardInterrupt:
        return 0  # before rclpy was there, or for the second time
    except ImportError as error:
        if is_interrupt(error):
            return 0
        print(explain(program, error), file=sys.stderr)
        return 1


def _spin(program: str, make: Callable[[], Node], args: Sequence[str] | None) -> int:
    """Initialise rclpy, spin the node, and clean up; returns the exit status.

    The first signal makes rclpy end the spinning, and raises nothing besides: that could leave a lock held. Until
    rclpy is ready for signals (it prints a traceback for one that comes too early) they are only noted.
    """
    import rclpy
    from rclpy.exceptions import NotInitializedException, ParameterException
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
    from rclpy.impl.implementation_singleton import rclpy_implementation
    from rclpy.qos_overriding_options import InvalidQosOverridesError
    from rclpy.signals import SignalHandlerOptions, install_signal_handlers

    signals = _note_signals()
    try:
        rclpy.init(args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # arguments of ROS, a file of parameters
        return _refuse(program, error)
    node = None
    try:
        executor = SingleThreadedExecutor()
        install_signal_handlers(SignalHandlerOptions.ALL)
        if not signals:
            try:
                node = make()
            except (ParameterException, InvalidQosOverridesError, RuntimeError) as error:  # given as ROS arguments
                if not rclpy.ok():
                    return 0  # a signal came while it was being made
                return _refuse(program, error)
            rclpy.spin(node, executor)
    except ExternalShutdownException:
        pass  # a signal came: this is how it is meant to end
    except (NotInitializedException, rclpy_implementation.RCLError):
        if rclpy.ok():  # else the signal came while something was being made
            raise
    finally:
        if node is not None:
            node.destroy_node()
        if rclpy.ok():
            rclpy.shutdown()
    return 0


def _refuse(program: str, reason: object) -> int:
    """Say in one sentence why a program cannot start; returns its exit status."""
    print(f"{program} cannot start: {str(reason).splitlines()[0]}", file=sys.stderr)
    return 1


def _note_signals() -> list[int]:
    """Let SIGINT and SIGTERM do nothing but be noted in the list that is returned; a second SIGINT interrupts."""
    came: list[int] = []

    def note(number: int, _: object) -> None:
        came.append(number)
        if came.count(signal.SIGINT) > 1:  # somebody is in a hurry: a large model, a long frame
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return came
