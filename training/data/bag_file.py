"""The file of a rosbag2 recording: its topics, and messages by the time at which they were received."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthart_ros.bags import opening
from depthart_ros.errors import BagError
from training.data.bag_messages import stamp_of
from training.data.files import parsing
from training.data.sample import DataError


@dataclass(frozen=True)
class Stored:
    """Where a message is: the time [ns] it was received, and its stamp [ns] (see `when`)."""

    received: int
    stamp: int


class Bag:
    """Messages of one recording; each thread of each process opens it anew, as a file position cannot be shared."""

    def __init__(self, path: Path) -> None:
        """Read from ``path``, which is opened at the first access."""
        self.path = path
        self._readers: dict[tuple[int, int], Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open reader behind."""
        return {"path": self.path, "_readers": {}}

    def types(self) -> dict[str, str]:
        """Type of each topic that has messages."""
        return {topic: str(info.msgtype) for topic, info in self._open().topics.items() if info.msgcount}

    def messages(self, topic: str, start: int | None = None, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield (received [ns], content) of a topic within [start, stop)."""
        reader = self._open()
        with parsing(self.path, f"readable messages on {topic}"):
            for _, received, content in reader.messages(reader.topics[topic].connections, start, stop):
                yield received, bytes(content)

    def first(self, topic: str) -> bytes:
        """Content of the first message.

        Raises:
            DataError: there is none, whatever the recording counts, or it is damaged.
        """
        for _, content in self.messages(topic):
            return content
        raise DataError(f"{self.path}: no message on {topic}, expected as many as its metadata counts")

    def find(self, topic: str, place: Stored) -> bytes:
        """Content of one message.

        Raises:
            DataError: it is not there any more, or the recording is damaged.
        """
        for _, content in self.messages(topic, place.received, place.received + 1):
            if when(content, place.received) == place.stamp:
                return content
        raise DataError(
            f"{self.path}: no message on {topic} at {place.received} ns, expected one as when it was opened"
        )

    def _open(self) -> Any:
        """Reader of this thread of this process."""
        owner = (os.getpid(), threading.get_ident())
        if owner not in self._readers:
            try:
                self._readers[owner] = opening.open_reader(self.path)
            except BagError as error:
                raise DataError(str(error)) from error
        return self._readers[owner]


def when(content: bytes, received: int) -> int:
    """Stamp [ns] of the header, or when the message was received where the header has none."""
    return stamp_of(content) or received
