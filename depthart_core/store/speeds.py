"""What `depthart benchmark` measured on this machine: which backend is the fastest for a model."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from depthart_core.errors import BackendError
from depthart_core.model_files import fingerprint, model_path, write_atomically
from depthart_core.processor import processor_name
from depthart_core.store.cache import weights_folder

_log = logging.getLogger(__name__)


def speeds_path(weights_sha256: str, decode: str) -> Path:
    """The file in the cache about some weights: processor and precision -> backend -> seconds.

    Raises:
        BackendError: There is no home folder.
    """
    return weights_folder(weights_sha256) / f"speeds-{decode}.json"


def write_speeds(model: str | Path, decode: str, precision: str, seconds: dict[str, float]) -> Path:
    """Remember the seconds a picture takes with every backend that runs; returns the file.

    Args:
        model: What was measured.
        decode: Likewise.
        precision: What was asked for, such as "auto".
        seconds: By the name of the backend.

    Raises:
        CheckpointError: The model is missing or damaged.
        OSError: The file cannot be written.
    """
    path = speeds_path(fingerprint(model_path(model)).sha256, decode)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {**_read(path), _key(precision): seconds}
    write_atomically(path, (json.dumps(kept, indent=1) + "\n").encode())
    return path


def read_speeds(model: str | Path, decode: str, precision: str) -> dict[str, float]:
    """The seconds a picture takes with every backend that was measured on this processor; often none.

    Raises:
        CheckpointError: The model is missing or damaged.
    """
    weights = fingerprint(model_path(model)).sha256
    try:
        path = speeds_path(weights, decode)
    except BackendError:  # no home folder: nothing was kept, and PyTorch needs nothing that is
        return {}
    return _read(path).get(_key(precision), {})


def fastest_first(model: str | Path, decode: str, precision: str, backends: tuple[str, ...]) -> list[str]:
    """Backends with those that were measured in front, the fastest first; as given where nothing can be kept.

    Raises:
        CheckpointError: The model is missing or damaged.
    """
    seconds = read_speeds(model, decode, precision)
    return sorted(backends, key=lambda name: seconds.get(name, float("inf")))


def _read(path: Path) -> dict[str, dict[str, float]]:
    """What was kept; nothing where it cannot be read or another version wrote it."""
    try:
        kept = {
            str(key): {str(name): float(value) for name, value in each.items()}
            for key, each in json.loads(path.read_bytes()).items()
            if isinstance(each, dict)  # else of a version before, which knew no precisions
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        _log.warning("%s cannot be read (%s); measure anew with: depthart benchmark MODEL", path, error)
        return {}
    return kept


def _key(precision: str) -> str:
    """This processor and a precision."""
    return f"{processor_name()}, {precision}"
