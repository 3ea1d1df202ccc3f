"""rosbag2 recordings (SQLite or MCAP) with a colour topic, a depth topic registered to it, and camera_info.

Depth is 16UC1 (millimetres) or 32FC1 (metres), raw or compressed, along the optical axis (REP-118). Pictures and depth
maps are paired by the stamps of their headers, or by when they were received where those are 0. Lens distortion is not
undone: record the rectified topics.

A bag is read through once when it is opened (stamps alone are kept); a frame then seeks its two messages by the time at
which they were received.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from depthart_ros.bags import opening
from depthart_ros.errors import BagError
from depthart_ros.inputs.topics import CAMERA_INFO_TYPE, PICTURE_TYPES, camera_infos_beside, sounds_raw, without_doubles
from training.data.bag_messages import camera_of, decode_color, decode_depth, holds_depth, stamp_of
from training.data.files import parsing
from training.data.frames import Frames
from training.data.pairing import pair_stamps
from training.data.sample import DataError, Sample, listed

LAYOUT = opening.LAYOUT
CHOICE = "PATH?image=/topic&depth=/topic"
TOLERANCE = 0.02
TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Topics:
    """What plays which role."""

    image: str
    depth: str
    info: str


@dataclass(frozen=True)
class Stored:
    """Where a message is: the time [ns] it was received, and its stamp [ns] (see `_stamp`)."""

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
            if _stamp(content, place.received) == place.stamp:
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


class BagReader:
    """Reads the frames of one bag."""

    def __init__(self, bag: Bag, topics: Topics, *, rectified: bool | None) -> None:
        """Read ``topics`` of ``bag``; the camera is that of the first camera_info (``rectified``: see `camera_of`)."""
        self._bag = bag
        self._topics = topics
        types = bag.types()
        self._types = (types[topics.image], types[topics.depth])
        info = bag.first(topics.info)
        with parsing(bag.path, f"a camera_info on {topics.info} (?rectified=false takes its K, true its P)"):
            self._camera = camera_of(info, raw=sounds_raw(topics.image), rectified=rectified)

    def __call__(self, pair: tuple[Stored, Stored]) -> Sample:
        """Decode one pair of messages.

        Raises:
            DataError: a message is corrupt, or picture, depth and camera differ in size.
        """
        image, depth = (self._bag.find(topic, place) for topic, place in zip(self._roles, pair, strict=True))
        with parsing(self._bag.path, f"pictures on {self._topics.image} and {self._topics.depth}"):
            rgb, metres = decode_color(image, self._types[0]), decode_depth(depth, self._types[1])
        expected = (self._camera.height, self._camera.width)
        for topic, shape in zip(self._roles, (rgb.shape[:2], metres.shape), strict=True):
            if shape != expected:
                raise DataError(f"{self._bag.path}: {topic} is {shape}, expected {expected} as {self._topics.info}")
        return Sample(f"{self._bag.path.stem}/{pair[0].stamp}", rgb, metres, self._camera)

    @property
    def _roles(self) -> tuple[str, str]:
        return self._topics.image, self._topics.depth


def matches(path: Path) -> bool:
    """Whether a path is a rosbag2 folder or file."""
    return path.suffix in (".mcap", ".db3") or (path / opening.METADATA).is_file()


def open_bag(
    path: Path,
    *,
    image: str | None = None,
    depth: str | None = None,
    info: str | None = None,
    rectified: str | None = None,
    tolerance: str = str(TOLERANCE),
) -> Frames:
    """Find the pairs of a recording.

    Args:
        path: folder with metadata.yaml, or a .mcap or .db3 file.
        image: colour topic; by default the only one there is.
        depth: depth topic; by default the only one there is.
        info: camera_info; by default that beside the colour topic, else the only one there is.
        rectified: "true" where P of camera_info is that of the pictures, "false": K; by default P where it is known
            and the topic is not called image_raw or so.
        tolerance: largest difference of the stamps of a pair [s].

    Raises:
        DataError: this is no bag, a topic is missing or not the only one, or nothing pairs.
    """
    bag = Bag(path)
    topics = choose_topics(bag, image, depth, info)
    if rectified not in (None, *TRUTHS):
        raise DataError(f"{path}: rectified={rectified}, expected true or false")
    with parsing(path, "tolerance=SECONDS"):
        limit = int(float(tolerance) * 1e9)
    with parsing(path, f"headers on {topics.image} and {topics.depth}"):
        images, depths = (
            [Stored(received, _stamp(content, received)) for received, content in bag.messages(topic)]
            for topic in (topics.image, topics.depth)
        )
    pairs = pair_stamps(*(np.array([place.stamp for place in places], np.int64) for places in (images, depths)), limit)
    if not pairs:
        raise DataError(f"{path}: no stamps of {topics.image} and {topics.depth} within {tolerance} s")
    return Frames(
        [(images[i], depths[j]) for i, j in pairs],
        BagReader(bag, topics, rectified=None if rectified is None else TRUTHS[rectified]),
    )


def choose_topics(bag: Bag, image: str | None, depth: str | None, info: str | None) -> Topics:
    """Fill in the roles that were not given.

    Raises:
        DataError: a topic is missing or not the only one; names what there is.
    """
    types = bag.types()
    pictures = sorted(topic for topic, kind in types.items() if kind in PICTURE_TYPES)
    colors, depths, unread = _tell_apart(bag, [topic for topic in pictures if topic in (image, depth)])
    if image not in colors or depth not in depths:
        colors, depths, unread = _tell_apart(bag, pictures)
    colors = colors if image in colors else without_doubles(colors)
    color, chosen = _only(bag, "image", image, colors, unread), _only(bag, "depth", depth, depths, unread)
    if unread:
        warnings.warn(f"{bag.path}: left out {listed(unread)}", stacklevel=3)
    infos = [topic for topic, kind in types.items() if kind == CAMERA_INFO_TYPE]
    beside = [topic for topic in camera_infos_beside(color) if topic in infos]
    found = infos if info is not None else beside[:1] or infos
    return Topics(color, chosen, _only(bag, "info", info, found))


def _tell_apart(bag: Bag, topics: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Topics with colours, topics with depth, and of those whose first message cannot be read why it cannot."""
    kinds: dict[bool, list[str]] = {True: [], False: []}
    types, unread = bag.types(), []
    for topic in topics:
        try:
            with parsing(bag.path, f"pictures on {topic}"):
                kinds[holds_depth(bag.first(topic), types[topic])].append(topic)
        except DataError as error:
            unread.append(f"{topic}: {error}")
    return kinds[False], kinds[True], unread


def _stamp(content: bytes, received: int) -> int:
    """Stamp [ns] of the header, or when the message was received where the header has none."""
    return stamp_of(content) or received


def _only(bag: Bag, role: str, wanted: str | None, topics: Sequence[str], unread: Sequence[str] = ()) -> str:
    """The topic that was asked for, or the only one there is.

    Raises:
        DataError: neither is there; names what is, and what cannot be read.
    """
    if wanted in topics:
        return wanted
    if wanted is None and len(topics) == 1:
        return topics[0]
    rest = f"; cannot be read: {listed(unread)}" if unread else ""
    there = ", ".join(topics or (f"{topic} ({kind})" for topic, kind in sorted(bag.types().items())))
    if not topics:
        raise DataError(f"{bag.path} has no {role} topic; it has {there or 'no messages at all'}{rest}")
    got = f"{role}={wanted} is none of its {role} topics" if wanted else f"{role} topics: {there}"
    raise DataError(f"{bag.path}: {got}; expected one of {there}, as {CHOICE}{rest}")
