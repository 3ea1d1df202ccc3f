"""The command that made the results in a folder, kept beside them: no other one replaces them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from pathlib import Path

from training.errors import TrainingError

NAME = "evaluate.txt"

UNSAID = ("model", "out", "threads")
"""Arguments that begin the command, or change none of its results."""


def command_of(args: argparse.Namespace) -> str:
    """The command as it could be typed, without the folder it writes to; equal ones give equal results."""
    words = [args.model]
    for name, value in vars(args).items():
        if name not in UNSAID and value is not None:
            words += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(["python", "-m", "training.evaluate", *words])


def check_own(folder: Path | None, command: str, results: Iterable[str]) -> None:
    """Refuse a folder in which files of something else would be replaced.

    Args:
        folder: Of --out.
        command: That is about to write there.
        results: Names of its files.

    Raises:
        TrainingError: Another command's are there, or some that no command is known of.
    """
    if folder is None:
        return
    record = folder / NAME
    before = record.read_text(encoding="utf-8", errors="surrogateescape").strip() if record.is_file() else ""
    if before and before != command:
        raise TrainingError(f"{folder} holds the results of `{before}`; give another --out, or repeat that command")
    there = [] if before else [folder / name for name in results if (folder / name).exists()]
    if there:
        raise TrainingError(f"{there[0]} is there already, without {NAME} that says what made it; give another --out")


def write_record(folder: Path, command: str) -> None:
    """Write what `check_own` reads."""
    (folder / NAME).write_text(f"{command}\n", encoding="utf-8", errors="surrogateescape")
