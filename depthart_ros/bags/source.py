"""The bag that is read: its topics, which of them are the camera's, and its messages in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthart_ros.bags.message_types import deserialize
from depthart_ros.bags.opening import open_reader, reading
from depthart_ros.errors import BagError
from depthart_ros.inputs.encodings import holds_depth
from depthart_ros.inputs.topics import (
    CAMERA_INFO_TYPE,
    PICTURE_TYPES,
    camera_infos_beside,
    without_doubles,
)


@dataclass(frozen=True)
class Stored:
    """A message as it lies in the bag.

    Attributes:
        connection: of rosbags: topic, type, definition, QoS.
        received: when it was recorded [ns].
        content: CDR bytes.
    """

    connection: Any
    received: int
    content: bytes


class Source:
    """A rosbag2 recording, open for the time of a `with` block.

    Args:
        path: a folder with metadata.yaml, or a .mcap or .db3 file.

    Raises:
        BagError: rosbags is missing, or this is no bag that it can read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = open_reader(path)

    def __enter__(self) -> Source:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._reader.close()

    @property
    def connections(self) -> list[Any]:
        """Every connection: topic with type, definition, QoS and number of messages."""
        return list(self._reader.connections)

    @property
    def storage(self) -> str:
        """How it is stored: "mcap" or "sqlite3"."""
        files = [self.path] if self.path.is_file() else list(self.path.iterdir())
        return "sqlite3" if any(".db3" in file.suffixes for file in files) else "mcap"

    @property
    def custom_data(self) -> dict[str, str]:
        """What the recorder noted beside the messages."""
        return dict(self._reader.storage.metadata.custom or {})

    def types(self) -> dict[str, str]:
        """Return the type of each topic that has messages."""
        return {connection.topic: connection.msgtype for connection in self.connections if connection.msgcount}

    def count(self, topic: str) -> int:
        """Return how many messages a topic has."""
        return sum(connection.msgcount for connection in self.connections if connection.topic == topic)

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Stored]:
        """Yield the messages of some topics, or of all, as they were recorded.

        Raises:
            BagError: the file is damaged here.
        """
        chosen = [item for item in self.connections if topics is None or item.topic in set(topics)]
        messages = self._reader.messages(chosen)
        while True:
            with reading(self.path, "readable messages"):
                found = next(messages, None)
            if found is None:
                return
            connection, received, content = found
            yield Stored(connection, received, content)


@dataclass(frozen=True)
class Topics:
    """The topics of the camera; `info` is None where the bag has no camera_info of it."""

    image: str
    info: str | None


def choose_topics(source: Source, *, image: str | None, info: str | None) -> Topics:
    """Find the pictures and their camera_info.

    Args:
        source: to look into.
        image: the topic of Image or CompressedImage; None: the only one there is, raw before compressed.
        info: the topic of CameraInfo; None: the one beside the pictures, else the only one there is.

    Raises:
        BagError: there is none or not only one, or the topic that was named is of another type.
    """
    types = source.types()
    pictures = [topic for topic, kind in types.items() if kind in PICTURE_TYPES]
    infos = [topic for topic, kind in types.items() if kind == CAMERA_INFO_TYPE]
    if image is None:
        image = _only(source, "--image", without_doubles(_colour_topics(source, pictures)), types)
    _demand(source, "--image", image, pictures, types)
    if info is not None:
        _demand(source, "--camera-info", info, infos, types)
        return Topics(image, info)
    found = [topic for topic in camera_infos_beside(image) if topic in infos] or (infos if len(infos) == 1 else [])
    return Topics(image, found[0] if found else None)


def _colour_topics(source: Source, pictures: list[str]) -> list[str]:
    """Return those of some picture topics whose first message is no depth."""
    first: dict[str, bool] = {}
    for topic in pictures:
        stored = next(source.messages([topic]), None)
        if stored is None:
            raise BagError(f"{source.path}: no message on {topic}, expected as many as its metadata counts")
        try:
            first[topic] = holds_depth(deserialize(stored.content, stored.connection.msgtype))
        except Exception:  # damaged: whoever decodes it says so
            first[topic] = False
    return [topic for topic, depth in first.items() if not depth]


def _only(source: Source, option: str, topics: list[str], types: dict[str, str]) -> str:
    if len(topics) == 1:
        return topics[0]
    if topics:
        raise BagError(f"{source.path} has several image topics: {', '.join(sorted(topics))}; choose one with {option}")
    raise BagError(
        f"{source.path} has no image topic; expected one of {' or '.join(PICTURE_TYPES)}, it has {_named(types)}"
    )


def _demand(source: Source, option: str, topic: str, allowed: list[str], types: dict[str, str]) -> None:
    if topic not in allowed:
        got = f"is of type {types[topic]}" if topic in types else "is not in the bag"
        there = ", ".join(sorted(allowed)) or "none"
        raise BagError(f"{option} {topic} {got}; {source.path} offers {there}")


def _named(types: dict[str, str]) -> str:
    return ", ".join(f"{topic} ({kind})" for topic, kind in sorted(types.items())) or "no messages at all"
