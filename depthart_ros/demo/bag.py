"""Writes received messages as a rosbag2 bag; rosbags does it, so no ROS 2 installation is needed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from depthart_core.errors import DepthartError
from depthart_ros.bags.message_types import store
from depthart_ros.bags.target import open_writer
from depthart_ros.demo.recorder import TOPICS, Message
from depthart_ros.inputs.subscription import type_name


def write_bag(folder: Path, messages: Sequence[Message]) -> Path:
    """Write messages into a new bag and return its MCAP file, compressed inside with zstd.

    Args:
        folder: the bag; one that stands there is replaced.
        messages: to write, oldest first.

    Raises:
        DepthartError: rosbags is missing, or `folder` is something else than a bag.
    """
    types = store()
    _clear(folder)
    writer = open_writer(folder, "mcap")
    with writer:
        connections = {}
        for topic, kind in TOPICS.items():
            connections[topic] = writer.add_connection(_absolute(topic), type_name(kind), typestore=types)
        for message in messages:
            writer.write(connections[message.topic], message.received, message.data)
    return folder / f"{folder.name}.mcap"


def _absolute(topic: str) -> str:
    return topic if topic.startswith("/") else f"/{topic}"


def _clear(folder: Path) -> None:
    """Remove a bag of an earlier run."""
    if not folder.exists():
        return
    if not folder.is_dir() or (not (folder / "metadata.yaml").is_file() and any(folder.iterdir())):
        raise DepthartError(f"{folder} is no bag; expected a bag to replace or nothing")
    shutil.rmtree(folder)
