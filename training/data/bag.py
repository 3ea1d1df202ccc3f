"""rosbag2 recordings (SQLite or MCAP): a colour topic, a depth topic registered to it, camera_info or a given camera.

Depth is 16UC1 (millimetres) or 32FC1 (metres), raw or compressed, along the optical axis (REP-118). Pictures and depth
maps are paired by the stamps of their headers, or by when they were received where those are 0. Lens distortion is not
undone: record the rectified topics.

A bag is read through once when it is opened (stamps alone are kept); a frame then seeks its two messages by the time at
which they were received.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from depthart_core.geometry import Intrinsics
from depthart_ros.bags import opening
from depthart_ros.inputs.topics import CAMERA_INFO_TYPE, PICTURE_TYPES, camera_infos_beside, sounds_raw, without_doubles
from training.data.bag_file import Bag, Stored, when
from training.data.bag_messages import camera_of, decode_color, decode_depth, frame_of, holds_depth
from training.data.files import parsing
from training.data.frames import Frames
from training.data.pairing import closest, pair_stamps
from training.data.sample import DataError, Sample, listed

LAYOUT = opening.LAYOUT
CHOICE = "PATH?image=/topic&depth=/topic"
CAMERA = "camera=FX,FY,CX,CY [px of the pictures]"
TOLERANCE = 0.02
TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Topics:
    """What plays which role; info is "" where the camera was given instead."""

    image: str
    depth: str
    info: str


class BagReader:
    """Reads the frames of one bag."""

    def __init__(self, bag: Bag, topics: Topics, camera: Intrinsics, *, source: str) -> None:
        """Read ``topics`` of ``bag``, all taken by the camera, which ``source`` stated."""
        self._bag, self._topics, self._camera, self._source = bag, topics, camera, source
        types = bag.types()
        self._types = (types[topics.image], types[topics.depth])

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
                raise DataError(f"{self._bag.path}: {topic} is {shape}, expected {expected} as {self._source}")
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
    camera: str | None = None,
    rectified: str | None = None,
    tolerance: str = str(TOLERANCE),
) -> Frames:
    """Find the pairs of a recording.

    Args:
        path: folder with metadata.yaml, or a .mcap or .db3 file.
        image: colour topic; by default the only one there is.
        depth: depth topic; by default the only one there is.
        info: camera_info; by default that beside the colour topic, else the only one there is.
        camera: "FX,FY,CX,CY" [px] of the pictures, in place of any camera_info.
        rectified: "true" where P of camera_info is that of the pictures, "false": K; by default P where it is known
            and the topic is not called image_raw or so.
        tolerance: largest difference of the stamps of a pair [s].

    Raises:
        DataError: this is no bag, a topic is missing or not the only one, nothing pairs, or an option cannot be read.
    """
    bag = Bag(path)
    _warn_of_others(path)
    if rectified not in (None, *TRUTHS):
        raise DataError(f"{path}: rectified={rectified}, expected true or false")
    if camera is not None and (info, rectified) != (None, None):
        raise DataError(f"{path}: camera={camera} stands for camera_info, expected no info and no rectified beside it")
    given = None if camera is None else _read_camera(path, camera)
    topics = choose_topics(bag, image, depth, info, camera_given=given is not None)
    with parsing(path, "tolerance=SECONDS"):
        limit = int(float(tolerance) * 1e9)
    with parsing(path, f"headers on {topics.image} and {topics.depth}"):
        images, depths = (
            [Stored(received, when(content, received)) for received, content in bag.messages(topic)]
            for topic in (topics.image, topics.depth)
        )
    stamps = [np.array([place.stamp for place in places], np.int64) for places in (images, depths)]
    pairs = pair_stamps(*stamps, limit)
    if not pairs:
        apart = f"the closest are {closest(*stamps) / 1e9:.3g} s apart (?tolerance=SECONDS)"
        raise DataError(f"{path}: no stamps of {topics.image} and {topics.depth} within {tolerance} s, {apart}")
    _warn_of_doubts(bag, topics, pairs=len(pairs), fewest=min(len(images), len(depths)), tolerance=tolerance)
    reader = _given(bag, topics, given) if given is not None else _stated(bag, topics, rectified)
    return Frames([(images[i], depths[j]) for i, j in pairs], reader)


def _stated(bag: Bag, topics: Topics, rectified: str | None) -> BagReader:
    """A reader with the camera of the first camera_info."""
    with parsing(bag.path, f"a camera_info on {topics.info} (?rectified=false takes its K, true its P)"):
        raw, chosen = sounds_raw(topics.image), None if rectified is None else TRUTHS[rectified]
        camera = camera_of(bag.first(topics.info), raw=raw, rectified=chosen)
    return BagReader(bag, topics, camera, source=topics.info)


def _given(bag: Bag, topics: Topics, camera: Intrinsics) -> BagReader:
    """A reader with a camera of the size of the first picture."""
    with parsing(bag.path, f"pictures on {topics.image}"):
        height, width = decode_color(bag.first(topics.image), bag.types()[topics.image]).shape[:2]
    sized = replace(camera, width=width, height=height)
    return BagReader(bag, topics, sized, source=f"the first picture on {topics.image}")


def _read_camera(path: Path, camera: str) -> Intrinsics:
    """The camera of "FX,FY,CX,CY", of no size yet."""
    with parsing(f"{path}: camera={camera}", CAMERA):
        fx, fy, cx, cy = (float(number) for number in camera.split(","))
        return Intrinsics(1, 1, fx, fy, cx, cy)


def _warn_of_others(path: Path) -> None:
    """Warn where a path is one of the files into which a recording was split."""
    metadata = path.parent / opening.METADATA
    if path.is_file() and metadata.is_file():
        text = metadata.read_text(encoding="utf-8", errors="replace")
        named = [file.name for file in path.parent.glob(f"*{path.suffix}") if file.name in text]
        if path.name in named and len(named) > 1:
            what = f"one of the {len(named)} files of a recording, and read alone: {path.parent} is all of it"
            warnings.warn(f"{path} is {what}", stacklevel=3)


def _warn_of_doubts(bag: Bag, topics: Topics, *, pairs: int, fewest: int, tolerance: str) -> None:
    """Warn where most messages have no partner, and where depth may be that of another camera.

    Args:
        bag: the recording.
        topics: of it.
        pairs: how many there are.
        fewest: messages of the rarer of the two topics.
        tolerance: largest difference of the stamps of a pair [s].
    """
    types = bag.types()
    seen, measured = (frame_of(bag.first(topic), types[topic]).lstrip("/") for topic in (topics.image, topics.depth))
    if 2 * pairs < fewest:
        what = f"{pairs} of {fewest} messages have a partner within {tolerance} s (?tolerance=SECONDS)"
        warnings.warn(f"{bag.path}: only {what}", stacklevel=3)
    if seen and measured and seen != measured:
        what = f"pictures in {seen!r}: depth has to be registered to the pictures"
        warnings.warn(f"{bag.path}: {topics.depth} is in the frame {measured!r}, {what}", stacklevel=3)


def choose_topics(
    bag: Bag, image: str | None, depth: str | None, info: str | None, *, camera_given: bool = False
) -> Topics:
    """Fill in the roles that were not given; no camera_info is looked for where the camera is.

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
    if camera_given:
        return Topics(color, chosen, "")
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
        instead = f"; without one: PATH?{CAMERA}" if role == "info" else ""
        raise DataError(f"{bag.path} has no {role} topic; it has {there or 'no messages at all'}{rest}{instead}")
    got = f"{role}={wanted} is none of its {role} topics" if wanted else f"{role} topics: {there}"
    raise DataError(f"{bag.path}: {got}; expected one of {there}, as {CHOICE}{rest}")
