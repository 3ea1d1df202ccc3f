"""The frame of every command of this package: an expected failure is one sentence and status 1, not a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from depthart_core.errors import DepthartError


def run_command(name: str, action: Callable[[], None]) -> int:
    """Run what a command does.

    Args:
        name: of the command, as ``training.evaluate``; begins the sentence on stderr.
        action: the whole work.

    Returns:
        0 when done; 1 after a named error, a package that is not installed, or a file that cannot be read or written.
    """
    try:
        action()
    except ModuleNotFoundError as error:
        print(f"{name} needs {error.name}: scripts/setup, or pip install -e '.[train]'", file=sys.stderr)
        return 1
    except (DepthartError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0
