"""The error of a training run, and the most frequent cause of one."""

from __future__ import annotations

from pathlib import Path

from depthart_core.errors import DepthartError


class TrainingError(DepthartError):
    """A training run that cannot begin or go on."""


def make_folder(path: Path) -> None:
    """Make the folder that results go to, and those above it.

    Raises:
        TrainingError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise TrainingError(f"{error.filename} is a file; expected a folder") from error
    except OSError as error:
        raise TrainingError(f"{path} cannot be made a folder: {error.strerror}") from error
