"""Model files without PyTorch: where they are, what configuration and weights they carry, how they are written."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError, safe_open

from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError, ConfigError
from depthart_core.store.locking import lock_path, wait_for

FORMAT = "depthart/1"
ENGINE_SUFFIX = ".engine"
PACKAGED = Path(__file__).parent / "models"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """What a model is, however its file is arranged.

    Attributes:
        config: Its configuration.
        sha256: Of the configuration and of name, type, shape and values of every tensor.
    """

    config: ModelConfig
    sha256: str


def is_packaged(model: str | Path) -> bool:
    """Whether this is the name of a packaged model, whatever else is called so."""
    name = str(model)
    return Path(name).name == name and Path(name).suffix == "" and (PACKAGED / f"{name}.safetensors").is_file()


def is_export(model: str | Path) -> bool:
    """Whether this names an export and not a model."""
    if not (Path(model).exists() or is_engine(model)):
        wait_for(lock_path(export_folder(model)))  # an export may just be making way for a new one
    return Path(model).suffix == ".onnx" or (Path(model).is_dir() and not is_packaged(model))


def is_engine(model: str | Path) -> bool:
    """Whether this names an engine and not a model."""
    return Path(model).suffix == ENGINE_SUFFIX


def export_folder(model: str | Path) -> Path:
    """The folder that `is_export` found named, itself or by a graph in it."""
    path = Path(model)
    return path.parent if path.suffix == ".onnx" and not path.is_dir() else path


def model_path(model: str | Path) -> Path:
    """The file of a packaged model's name or of a path.

    Raises:
        CheckpointError: There is no such model.
    """
    path = Path(model)
    if is_packaged(model):
        return PACKAGED / f"{model}.safetensors"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in PACKAGED.glob("*.safetensors"))) or "none"
        raise CheckpointError(f"no model file {str(model)!r}; packaged models: {names}")
    return path


def lasting_name(model: str | Path) -> str:
    """How a model is called from every folder, too: its packaged name, or the whole path of its file."""
    return str(model) if is_packaged(model) else str(Path(model).resolve())


def read_config(path: Path, metadata: Mapping[str, str]) -> ModelConfig:
    """The configuration in the metadata of a model file.

    Raises:
        CheckpointError: Another format, or a configuration that does not fit.
    """
    if metadata.get("format") != FORMAT or "config" not in metadata:
        raise CheckpointError(
            f"{path} is not a {FORMAT} model (format {metadata.get('format')!r}); "
            "for released files run: depthart convert --released FILE --out MODEL.safetensors"
        )
    try:
        return ModelConfig.from_json(metadata["config"])
    except ConfigError as error:
        raise CheckpointError(f"{path} carries a configuration that does not fit: {error}") from error


def fingerprint(path: Path) -> Fingerprint:
    """Read a model file's configuration and hash its weights, independent of the order in the file.

    The file is read once in a process, unless it is another one meanwhile.

    Raises:
        CheckpointError: Unreadable, damaged, another format, or a configuration that does not fit.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error
    return _fingerprint(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@lru_cache(maxsize=16)
def _fingerprint(path: Path, _identity: tuple[int, ...]) -> Fingerprint:
    try:
        with safe_open(path, framework="np") as file:  # checks that the header fits the file
            config = read_config(path, file.metadata() or {})
        digest = hashlib.sha256(config.to_json().encode())
        with path.open("rb") as data:
            _hash_tensors(digest, data)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error
    return Fingerprint(config, digest.hexdigest())


def _hash_tensors(digest: Any, file: BinaryIO) -> None:
    """Feed a safetensors file (8 bytes length of the header, JSON header, data) to a hash, tensors by name."""
    length = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    for name, entry in sorted(header.items()):
        digest.update(json.dumps([name, entry["dtype"], entry["shape"]]).encode())
        start, end = entry["data_offsets"]
        file.seek(8 + length + start)
        for left in range(end - start, 0, -CHUNK):
            digest.update(file.read(min(left, CHUNK)))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; see `open_atomically`.

    Raises:
        OSError: See there.
    """
    with open_atomically(path) as file:
        file.write(data)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Let a file be written beside `path`, flush it to the disk, then put it in place; see `remove_temporaries`.

    Raises:
        OSError: That is impossible, or something else than a file is there; of a link, where it leads to.
    """
    path = Path(os.path.realpath(path))
    if os.path.lexists(path) and not path.is_file():  # a link that is left leads to itself
        raise OSError(errno.EINVAL, "what is there is no file", str(path))
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")  # containers share numbers of processes
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporaries(*paths: Path) -> None:
    """Remove what was left beside files when a process was killed while it wrote; nobody may write there now."""
    for path in paths:
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            left.unlink(missing_ok=True)
