"""Puts on the disk what a build makes: engines with their records, and what it measured about kernels."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from depthart_core.backends import engines
from depthart_core.backends.cache import cache_folder
from depthart_core.backends.machine import Machine, machine_name
from depthart_core.errors import BackendError
from depthart_core.model_files import write_atomically


def write_engine(engine: Path, data: bytes, record: engines.EngineRecord) -> None:
    """Put an engine and then its record in place, each whole or not at all; between the two neither is believed.

    Raises:
        BackendError: The folder cannot be written.
    """
    try:
        engine.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(engine, data)
        write_atomically(engines.record_path(engine), (json.dumps(asdict(record), indent=1) + "\n").encode())
    except OSError as error:
        raise BackendError(_unwritable(engine.parent, error)) from error


def timings_path(machine: Machine) -> Path:
    """The file in the cache of what builds on a machine have measured about kernels, for the next ones.

    Raises:
        BackendError: The user has no home folder.
    """
    return cache_folder() / f"{machine_name(machine)}.timings"


def read_timings(path: Path) -> bytes:
    """Measurements of earlier builds; empty where there are none."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def write_timings(path: Path, data: bytes) -> None:
    """Keep measurements of kernels, or not where it is impossible: a build needs them only to be faster."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


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
