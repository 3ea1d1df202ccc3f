"""One process or thread at a time, for what two would spoil."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE, POLL = 10.0, 0.02
"""Seconds to wait for whoever puts a folder in place, which takes milliseconds unless it hangs; and between looks."""


@contextmanager
def locked(target: Path, *, on_wait: Callable[[], object] = lambda: None) -> Iterator[bool]:
    """Wait until nobody else is at work on `target`, and keep others waiting meanwhile; says whether it had to wait.

    A hidden file in the folder of `target`, which must exist, is locked and then removed; whoever is killed leaves the
    file, but not the lock.

    Args:
        target: What is to be made.
        on_wait: Called before waiting, which may take long.

    Raises:
        OSError: The file cannot be made or locked.
    """
    path, waited = lock_path(target), False
    while True:
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waited:
                    on_wait()
                waited = True
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _names(path, file.fileno()):  # whoever had it before removed it
                waited = True
                continue
            try:
                yield waited
            finally:
                path.unlink(missing_ok=True)
            return


def lock_path(target: Path) -> Path:
    """The file that whoever is at work on `target` has locked."""
    target = target.absolute()  # "." has no name
    return target.parent / f".{target.name}.lock"


def wait_for(lock: Path) -> None:
    """Wait a while for nobody to have locked that file; not at all where nobody has, or where that cannot be seen."""
    end = time.monotonic() + PATIENCE
    with suppress(FileNotFoundError, PermissionError, NotADirectoryError, ValueError), lock.open("rb") as file:
        while time.monotonic() < end:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return
            time.sleep(POLL)


def _names(path: Path, descriptor: int) -> bool:
    """Whether a path still is that of an open file."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False
