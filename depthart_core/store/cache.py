"""Where in the user's cache graphs, engines and measurements are kept."""

from __future__ import annotations

import os
from pathlib import Path

from depthart_core.errors import BackendError


def cache_folder() -> Path:
    """Where all is kept: $XDG_CACHE_HOME/depthart, by default ~/.cache/depthart.

    Raises:
        BackendError: The user has no home folder.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (given if given.is_absolute() else Path.home() / ".cache") / "depthart"
    except RuntimeError as error:
        raise BackendError("there is no home folder to keep anything in; set XDG_CACHE_HOME") from error


def weights_folder(weights_sha256: str) -> Path:
    """Folder in the cache for what was made from some weights and measured of them: graphs, engines, speeds.

    Raises:
        BackendError: The user has no home folder.
    """
    return cache_folder() / weights_sha256[:16]
