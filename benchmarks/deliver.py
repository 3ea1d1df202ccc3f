"""What every benchmark prints around its numbers: the machine, the date, the command."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from depthart_core.processor import processor_name

FOLDERS_OUTSIDE = re.compile(r"^((?:[^=?/]*=)*)(?:\.\.)?/(?:[^?]*/)?")
"""In an argument, after --option= or NAME=: the folders of a path that leads out of the checkout."""


def machine() -> str:
    """Return one line about the processor, the cores this process may use, and the software."""
    cores = len(os.sched_getaffinity(0))
    return f"{processor_name()}, {cores} cores, Python {platform.python_version()}, {platform.system()}"


def command_line(program: str, argv: Sequence[str] | None) -> str:
    """Return the command as it was given; of what lies outside of the checkout the name alone."""
    given = sys.argv[1:] if argv is None else argv
    return shlex.join(["python", "-m", program, *(FOLDERS_OUTSIDE.sub(r"\1", word.rstrip("/")) for word in given)])


def deliver(title: str, lines: Sequence[str], *, program: str, argv: Sequence[str] | None, out: Path | None) -> None:
    """Print a report, and write it where a file is given.

    Args:
        title: of the report.
        lines: paragraphs and tables.
        program: module that was run.
        argv: its arguments; None for those of this process.
        out: file to write; None for the screen alone.
    """
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    head = f"{today}, {machine()}. Command: `{command_line(program, argv)}`"
    text = "\n\n".join([f"# {title}", head, *lines]) + "\n"
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text)
