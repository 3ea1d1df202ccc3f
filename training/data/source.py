"""Open a data set by the path alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.data.folder import LAYOUT, read_folder
from training.data.rooms import read_rooms
from training.data.sample import DataError, Sample


def open_data(path: Path) -> Sequence[Sample]:
    """Open a ``.tar`` shard, a folder of frames, or a folder of shards.

    Raises:
        DataError: when the path is none of them.
    """
    if path.suffix == ".tar":
        return read_rooms([path])
    if not path.is_dir():
        raise DataError(f"{path} is not there, expected a .tar shard or a folder with {LAYOUT}")
    shards = sorted(path.glob("*.tar"))
    return read_rooms(shards) if shards else read_folder(path)
