"""What every benchmark prints around its numbers: the machine, the date, a Markdown table."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path


def machine() -> str:
    """Return one line about the processor, the cores this process may use, and the software."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        names = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}, {platform.system()}"


def deliver(title: str, command: str, lines: Sequence[str], out: Path | None) -> None:
    """Print a report, and write it where a file is given.

    Args:
        title: of the report.
        command: that makes it.
        lines: paragraphs and tables.
        out: file to write; None for the screen alone.
    """
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    text = "\n\n".join([f"# {title}", f"{today}, {machine()}. Command: `{command}`", *lines]) + "\n"
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text)
