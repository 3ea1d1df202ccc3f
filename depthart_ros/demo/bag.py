"""Writes received messages as a rosbag2 bag, with rosbags: rosbag2 itself need not be installed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from depthart_core.errors import DepthartError
from depthart_ros.bags.message_types import typestore
from depthart_ros.bags.opening import METADATA
from depthart_ros.bags.target import open_writer
from depthart_ros.demo.recorder import TOPICS, Message
from depthart_ros.inputs.subscription import type_name


def write_bag(folder: Path, messages: Sequence[Message]) -> Path:
    """Write messages into a new bag and return its MCAP file, compressed inside with zstd.

    Args:
        folder: the bag; one that stands there is replaced.
        messages: to write, oldest first.

    Raises:
        DepthartError: rosbags is missing, `folder` is something else than a bag, or it cannot be written.
    """
    types = typestore()
    _clear(folder)
    try:
        with open_writer(folder, "mcap") as writer:
            connections = {}
            for topic, kind in TOPICS.items():
                connections[topic] = writer.add_connection(_absolute(topic), type_name(kind), typestore=types)
            for message in messages:
                writer.write(connections[message.topic], message.received, message.data)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)  # or the next run takes it for something else than a bag
        if isinstance(error, OSError):
            raise DepthartError(f"{folder} cannot be written: {error.strerror}") from error
        raise
    return folder / f"{folder.name}.mcap"


def _absolute(topic: str) -> str:
    return topic if topic.startswith("/") else f"/{topic}"


def _clear(folder: Path) -> None:
    """Remove a bag of an earlier run, or what is there of one where that run was killed while it wrote."""
    if not folder.exists():
        return
    part = {f"{folder.name}.mcap"}  # the metadata are written last
    if not folder.is_dir() or not ((folder / METADATA).is_file() or {path.name for path in folder.iterdir()} <= part):
        raise DepthartError(f"{folder} is no bag; expected a bag to replace or nothing")
    shutil.rmtree(folder)
