"""Puts on the disk what was made: each thing whole or not at all, and nothing in the place of another model's."""

from __future__ import annotations

import glob
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import BackendError
from depthart_core.model_files import write_atomically
from depthart_core.store.cache import cache_folder
from depthart_core.store.engines import record_path
from depthart_core.store.locking import locked
from depthart_core.store.machine import Machine, machine_name
from depthart_core.store.records import write_record

if TYPE_CHECKING:
    from depthart_core.model_files import Fingerprint
    from depthart_core.store.engines import EngineRecord
    from depthart_core.store.exports import Record

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


def put_in_place(temporary: Path, target: Path, *, check: Callable[[], object] = lambda: None) -> None:
    """Give the folder its name; an older one goes aside first, for no folder replaces another.

    Args:
        temporary: What was made.
        target: Its name.
        check: Called when nobody else can put anything there any more; where it raises, nothing changes.

    Raises:
        OSError: That is impossible; an older one is where it was.
    """
    with locked(target):
        check()
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


def write_engine(engine: Path, data: bytes, record: EngineRecord) -> None:
    """Put an engine and then its record in place, each whole or not at all.

    Whoever reads between the two finds an engine that does not match its record, and refuses it.

    Raises:
        BackendError: The folder cannot be written.
    """
    try:
        engine.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(engine, data)
        write_record(record_path(engine), record)
    except OSError as error:
        raise BackendError(_unwritable(engine.parent, error)) from error


def written_ns(engine: Path) -> int:
    """When the record of an engine was written, in nanoseconds; 0: there is none."""
    with suppress(OSError):
        return record_path(engine).stat().st_mtime_ns
    return 0


@contextmanager
def building(engine: Path, *, on_wait: Callable[[], object]) -> Iterator[bool]:
    """Let no other process build an engine meanwhile; says whether one had to be waited for.

    Raises:
        BackendError: No lock can be made there.
    """
    with ExitStack() as stack:
        try:
            waited = stack.enter_context(locked(engine, on_wait=on_wait))
        except OSError as error:
            raise BackendError(_unwritable(engine.parent, error)) from error
        yield waited


def read_timings(machine: Machine) -> bytes:
    """What earlier builds on a machine measured about kernels; empty where nothing is kept."""
    with suppress(OSError, BackendError):  # no such file, no home folder
        return _timings(machine).read_bytes()
    return b""


def write_timings(machine: Machine, data: bytes) -> None:
    """Keep measurements of kernels, or not where it is impossible: a build needs them only to be faster."""
    with suppress(OSError, BackendError):
        path = _timings(machine)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


def _timings(machine: Machine) -> Path:
    return cache_folder() / f"{machine_name(machine)}.timings"


def check_writable(folder: Path) -> None:
    """Find out before minutes of building whether the result can be kept.

    Raises:
        BackendError: The folder cannot be made or written.
    """
    probe = folder / f".depthart.{uuid.uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BackendError(_unwritable(folder, error)) from error


def _unwritable(folder: Path, error: OSError) -> str:
    return f"{folder} cannot be written ({error.strerror}); give a folder that can: depthart-build-trt MODEL --out DIR"
