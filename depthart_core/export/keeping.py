"""Puts on the disk what a build makes: engines with their records, and what it measured about kernels."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

from depthart_core.backends import engines
from depthart_core.backends.cache import cache_folder
from depthart_core.backends.engine_checks import read_engine
from depthart_core.backends.machine import Machine, machine_name
from depthart_core.backends.records import write_record
from depthart_core.errors import BackendError
from depthart_core.inference import BackendOptions
from depthart_core.model_files import write_atomically


def write_engine(engine: Path, data: bytes, record: engines.EngineRecord) -> None:
    """Put an engine and then its record in place, each whole or not at all; between the two neither is believed.

    Raises:
        BackendError: The folder cannot be written.
    """
    try:
        engine.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(engine, data)
        write_record(engines.record_path(engine), record)
    except OSError as error:
        raise BackendError(_unwritable(engine.parent, error)) from error


def find_finished(engine: Path, machine: Machine, options: BackendOptions) -> engines.EngineRecord | None:
    """The record of an engine that is there and does what is asked for; None: there is none."""
    try:
        return read_engine(engine, machine, options)[0]
    except BackendError:
        return None


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
