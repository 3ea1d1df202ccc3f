"""Where what was made goes: folders get their name only when they are whole, and nothing of others is replaced."""

from __future__ import annotations

import glob
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import BackendError
from depthart_core.export.locking import locked

if TYPE_CHECKING:
    from depthart_core.backends.engines import EngineRecord
    from depthart_core.backends.graphs import Record
    from depthart_core.model_files import Fingerprint

LEFT_SECONDS = 24 * 3600


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """A folder to write to before `target` is made; nothing is left of it.

    Raises:
        BackendError: Something there cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.export")
    try:
        temporary.mkdir(parents=True)
        _remove_left(target)
        yield temporary
    except OSError as error:
        raise BackendError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove_left(target: Path) -> None:
    """Remove what exports that were killed have left, a day later: until then one may be at work."""
    for folder in target.parent.glob(f".{glob.escape(target.name)}.*.export"):
        with suppress(FileNotFoundError):  # another one was faster
            if time.time() - folder.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def put_in_place(temporary: Path, target: Path) -> None:
    """Give the folder its name; an older one goes aside first, for no folder replaces another.

    Raises:
        OSError: That is impossible; an older one is where it was.
    """
    with locked(target):
        old = temporary.with_suffix(".old")
        if target.exists():
            target.replace(old)
        try:
            temporary.replace(target)
        except BaseException:
            if old.exists():
                old.replace(target)
            raise
        for left in target.parent.glob(f".{glob.escape(target.name)}.*.old"):  # of those that were killed, too
            shutil.rmtree(left, ignore_errors=True)


def refuse_other_weights(
    target: Path, read: Callable[[Path], Record | EngineRecord], model: str | Path, weights: Fingerprint
) -> None:
    """Demand that what can be used and lies where something is to be put was made from the same weights.

    Args:
        target: Where it is to be put.
        read: Gives the record of what lies there.
        model: How the caller names the model.
        weights: Of the model.

    Raises:
        BackendError: It was not; names both.
    """
    try:
        there = read(target)
    except BackendError:
        return  # nothing that could be used
    if there.weights_sha256 != weights.sha256:
        raise BackendError(
            f"{target} is of {there.model} (weights {there.weights_sha256[:12]}), not of {model} "
            f"({weights.sha256[:12]}): remove it, or give another folder with --out"
        )
