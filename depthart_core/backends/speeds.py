"""What `depthart benchmark` measured on this machine: which backend is the fastest for a model."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from depthart_core.backends.cache import weights_folder
from depthart_core.errors import BackendError
from depthart_core.model_files import fingerprint, model_path, write_atomically

_log = logging.getLogger(__name__)


def speeds_path(weights_sha256: str, decode: str) -> Path:
    """The file in the cache about some weights.

    Raises:
        BackendError: There is no home folder.
    """
    return weights_folder(weights_sha256) / f"speeds-{decode}.json"


def write_speeds(model: str | Path, decode: str, seconds: dict[str, float]) -> Path:
    """Remember the seconds a picture takes with every backend; returns the file.

    Raises:
        CheckpointError: The model is missing or damaged.
        OSError: The file cannot be written.
    """
    path = speeds_path(fingerprint(model_path(model)).sha256, decode)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(seconds, indent=1) + "\n").encode())
    return path


def fastest_first(model: str | Path, decode: str, backends: tuple[str, ...]) -> list[str]:
    """Backends with those that were measured in front, the fastest first; as given where nothing can be kept.

    Raises:
        CheckpointError: The model is missing or damaged.
    """
    weights = fingerprint(model_path(model)).sha256
    try:
        path = speeds_path(weights, decode)
    except BackendError:  # no home folder: nothing was kept, and PyTorch needs nothing that is
        return list(backends)
    try:
        seconds = {str(name): float(value) for name, value in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return list(backends)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        _log.warning("%s cannot be read (%s); measure anew with: depthart benchmark %s", path, error, model)
        return list(backends)
    return sorted(backends, key=lambda name: seconds.get(name, float("inf")))
