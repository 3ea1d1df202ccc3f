"""The frame of every command of this package: an expected failure is one sentence and status 1, not a traceback."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import torch

from depthart_core.errors import ConfigError, DepthartError

INTERRUPTED = 130


def run_command(name: str, action: Callable[[], None]) -> int:
    """Run what a command does.

    Args:
        name: of the command, as ``training.evaluate``; begins the sentence on stderr.
        action: the whole work.

    Returns:
        0 when done; 1 after a named error, a package that is not installed, or a file that cannot be read or written;
        130, as of shells, after Ctrl-C.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr has it: names of files need not be UTF-8
    try:
        with _plain_warnings(name):
            action()
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        print(f"{name} needs {error.name}: scripts/setup, or pip install -e '.[train]'", file=sys.stderr)
        return 1
    except (DepthartError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def _plain_warnings(name: str) -> Iterator[None]:
    """Within this context our warnings are sentences, without the line of code that gave them."""
    before = warnings.formatwarning

    def sentence(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> str:
        return f"{name}: {message}\n" if category is UserWarning else before(message, category, *where, **more)

    warnings.formatwarning = sentence
    try:
        yield
    finally:
        warnings.formatwarning = before


@contextlib.contextmanager
def on_stop_signal(action: Callable[[], None]) -> Iterator[None]:
    """Within this context a SIGTERM or SIGINT does the action and nothing else."""

    def handle(_signal: int, _frame: FrameType | None) -> None:
        action()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def set_threads(count: int) -> None:
    """Let torch compute with so many CPU threads.

    Raises:
        ConfigError: Fewer than one.
    """
    if count < 1:
        raise ConfigError(f"threads must be a whole number from 1 up, got {count}")
    torch.set_num_threads(count)
