"""Whether an export is still the one that was proven, and in that version of its runtime; see docs/engines.md."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import BackendError

if TYPE_CHECKING:
    from depthart_core.store.exports import Record

_log = logging.getLogger(__name__)

CHUNK = 1 << 20


def check_files(folder: Path, record: Record) -> None:
    """Demand that the files of an export are those that were proven.

    Raises:
        BackendError: One is missing, unreadable, or not what the record tells of.
    """
    command = record.export_command()
    for name, expected in record.files.items():
        try:
            found = file_hash(folder / name)
        except OSError as error:
            raise BackendError(
                f"{folder / name} cannot be read: {error.strerror}; make it anew with: {command}"
            ) from error
        if found != expected:
            raise BackendError(
                f"{folder / name} is damaged: its SHA-256 starts with {found[:12]}, that of the proven one with "
                f"{expected[:12]}; make it anew with: {command}"
            )


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()


def warn_of_version(folder: Path, record: Record, library: str, version: str) -> None:
    """Say that an export runs in another version of a library than the one that it was compared with PyTorch in."""
    proven = record.versions.get(library)
    if proven != version:
        _log.warning(
            "%s was compared with PyTorch in %s %s, here is %s; prove it anew with: %s",
            folder, library, proven, version, record.export_command(),
        )  # fmt: skip
