"""Opens recordings; where one cannot be read, says what helps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from depthart_ros.bags.message_types import needing_rosbags
from depthart_ros.errors import BagError

METADATA = "metadata.yaml"
LAYOUT = f"a rosbag2 folder with {METADATA}, or its .mcap or .db3 file"
MCAP = b"\x89MCAP0\r\n"  # the first and the last bytes of such a file
BEGINNINGS = (MCAP, b"SQLite format 3\0")


def open_reader(path: Path) -> Any:
    """Return rosbags' reader of a recording, which is open.

    Args:
        path: a folder with metadata.yaml, or a .mcap or .db3 file.

    Raises:
        BagError: rosbags is missing, or this is no bag that it can read.
    """
    with needing_rosbags():
        from rosbags.rosbag2 import Reader
    with reading(path, LAYOUT):
        if path.is_dir() and not (path / METADATA).exists():
            raise BagError(f"there is no {METADATA} in it")  # where rosbags names the folder as that file
        reader = Reader(path)
        reader.open()
    return reader


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Turn what rosbags and the libraries below raise into a BagError."""
    try:
        yield
    except Exception as error:  # rosbags lets errors of struct, sqlite and zstd through
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BagError(f"{path} cannot be read: {reason}; expected {expected}{_cure(path)}") from error


def _cure(path: Path) -> str:
    """Return what helps where an MCAP file was cut short or a folder lacks its metadata; "" for any other fault."""
    whole = {file: _is_whole(file) for file in ([path] if path.is_file() else sorted(path.glob("*.*")))}
    for file, ends in whole.items():
        if ends is False:
            return f" ({file.name} was cut short: `mcap recover`, then `ros2 bag reindex` for a folder)"
    if any(whole.values()) and path.is_dir() and not (path / METADATA).exists():
        return f" (`ros2 bag reindex` makes {METADATA} anew)"
    return ""


def _is_whole(file: Path) -> bool | None:
    """Return whether a recording ends as it should, which of SQLite cannot be seen; None: it is no recording."""
    with suppress(OSError), file.open("rb") as opened:
        begins = opened.read(16)
        if begins.startswith(BEGINNINGS):
            opened.seek(-len(MCAP), os.SEEK_END)
            return not begins.startswith(MCAP) or opened.read() == MCAP
    return None
