"""The rendered rooms: WebDataset tar shards of ``NNNNNN.webp``, ``.png`` and ``.json``.

Source: README.md beside the shards (logarithmic depth codes; pixel centres at half integers).
"""

from __future__ import annotations

import json
import math
import tarfile
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.frames import Frames
from training.data.sample import DataError, Sample, decode_image, listed

LAYOUT = "tar shards of NNNNNN.webp (or .jpg), NNNNNN.png and NNNNNN.json"
NEAREST = 0.2
RATIO = 200.0
LAST_CODE = 4095
PICTURES = (".webp", ".jpg")
MEMBERS = frozenset({".png", ".json"})


@dataclass(frozen=True)
class EncodedRoom:
    """One sample as it lies in the shard."""

    name: str
    picture: str
    image: bytes
    depth: bytes
    description: bytes


def matches(path: Path) -> bool:
    """Whether a path is a shard or a folder of shards."""
    return path.suffix == ".tar" or next(path.glob("*.tar"), None) is not None


def open_rooms(path: Path) -> Frames:
    """Read a shard, or all shards of a folder.

    Raises:
        DataError: there is none, one is no tar file, or none holds a complete sample.
    """
    shards = sorted(path.glob("*.tar")) if path.is_dir() else [path]
    if not shards:
        raise DataError(f"{path} holds no shard, expected {LAYOUT}")
    return read_rooms(shards)


def read_rooms(paths: Sequence[Path]) -> Frames:
    """Read shards into memory, still compressed; incomplete samples and empty shards are left out with a warning.

    Raises:
        DataError: when a shard is missing or is no tar file, or none holds a complete sample.
    """
    if not paths:
        raise DataError("no shard given, expected tar files such as rooms/train-000.tar")
    shards = [_read_shard(Path(path)) for path in paths]
    empty = listed([path for path, shard in zip(paths, shards, strict=True) if not shard], ", ")
    if not any(shards):
        raise DataError(f"{empty}: no complete sample, expected .webp or .jpg, .png, .json of one name")
    if empty:
        warnings.warn(f"{empty}: no complete sample, skipped", stacklevel=2)
    return Frames([room for shard in shards for room in shard], decode_room)


def decode_room(room: EncodedRoom) -> Sample:
    """Decode one sample.

    Raises:
        DataError: when a member is corrupt; names it.
    """
    bgr = decode_image(room.picture, room.image, cv2.IMREAD_COLOR)
    codes = decode_image(f"{room.name}.png", room.depth, cv2.IMREAD_UNCHANGED)
    if codes.dtype != np.uint16 or codes.ndim != 2:
        raise DataError(f"{room.name}.png: {codes.dtype} {codes.shape}, expected 16-bit grey depth codes")
    height, width = codes.shape
    try:
        meta = json.loads(room.description)
        intrinsics = _intrinsics(meta, width, height)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{room.name}.json: expected an object with fx, fy, cx, cy ({error})") from error
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return Sample(room.name, rgb, depth_from_codes(codes), intrinsics, meta)


def depth_from_codes(values: np.ndarray) -> np.ndarray:
    """Metres, float32, from the uint16 values of a depth PNG; 0 becomes NaN."""
    codes = np.arange(LAST_CODE + 1)
    table = (NEAREST * np.exp(codes / LAST_CODE * math.log(RATIO))).astype(np.float32)
    table[0] = np.nan
    return table[values >> 4]


def _intrinsics(meta: dict[str, float], width: int, height: int) -> Intrinsics:
    """Intrinsics with pixel centres at integers; the shards count them at half integers."""
    return Intrinsics(width, height, meta["fx"], meta["fy"], meta["cx"] - 0.5, meta["cy"] - 0.5)


def _read_shard(path: Path) -> list[EncodedRoom]:
    """Complete samples of one shard, in its order."""
    if not path.is_file():
        raise DataError(f"{path} is not there, expected a tar shard of .webp or .jpg, .png, .json members")
    members = _read_members(path)
    complete = {name: parts for name, parts in members.items() if parts.keys() >= MEMBERS and _picture(parts)}
    if len(complete) < len(members):
        missing = listed(sorted(members.keys() - complete.keys()), ", ")
        warnings.warn(
            f"{path}: skipped {len(members) - len(complete)} incomplete samples: {missing}",
            stacklevel=4,
        )
    return [
        EncodedRoom(name, f"{name}{_picture(parts)}", parts[_picture(parts)], parts[".png"], parts[".json"])
        for name, parts in ((f"{path.stem}/{name}", parts) for name, parts in complete.items())
    ]


def _picture(parts: Mapping[str, bytes]) -> str:
    """Suffix of a sample's picture; empty where there is none."""
    return next((suffix for suffix in PICTURES if suffix in parts), "")


def _read_members(path: Path) -> dict[str, dict[str, bytes]]:
    """Return sample name -> suffix -> bytes; a damaged shard keeps what comes before the damage, with a warning."""
    members: dict[str, dict[str, bytes]] = {}
    if not path.stat().st_size:
        return members
    try:
        with tarfile.open(path) as shard:
            for member in shard:
                name = Path(member.name)
                content = shard.extractfile(member) if member.isfile() else None
                if content is not None and name.suffix in (*PICTURES, *MEMBERS):
                    members.setdefault(name.stem, {})[name.suffix] = content.read()
            _warn_of_rest(path, shard)
    except tarfile.TarError as error:
        if not members:
            raise DataError(f"{path} is no tar file: {error}") from error
        warnings.warn(f"{path} is cut short after {len(members)} samples: {error}", stacklevel=5)
    return members


def _warn_of_rest(path: Path, shard: tarfile.TarFile) -> None:
    """Warn of what lies behind the last member: tarfile takes a damaged header for the end."""
    assert shard.fileobj is not None
    try:
        shard.fileobj.seek(shard.offset)
        rest = shard.fileobj.read()
    except (EOFError, OSError, zlib.error) as error:
        warnings.warn(f"{path}: what follows byte {shard.offset} cannot be read: {error}", stacklevel=6)
        return
    if rest.strip(b"\0"):
        where = f"no header of a member at byte {shard.offset}"
        warnings.warn(f"{path}: {where}, skipped the {len(rest)} bytes from there on", stacklevel=6)
