"""Writes received messages as a rosbag2 bag; rosbags does it, so no ROS 2 installation is needed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from depthart_core.errors import DepthartError
from depthart_ros.cli.demo_recorder import TOPICS, Message


def write_bag(folder: Path, messages: Sequence[Message]) -> Path:
    """Write messages into a new bag and return its MCAP file, compressed inside with zstd.

    Args:
        folder: the bag; one that stands there is replaced.
        messages: to write, oldest first.

    Raises:
        DepthartError: rosbags is missing, or `folder` is something else than a bag.
    """
    try:
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
        from rosbags.typesys import Stores, get_typestore
    except ModuleNotFoundError as error:
        raise DepthartError(f"a bag needs the package {error.name}, which is missing: pip install rosbags") from error
    _clear(folder)
    types = get_typestore(Stores.ROS2_HUMBLE)  # the messages of TOPICS are the same in all later distributions
    writer = Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP)  # version 8 is what Humble reads
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        connections = {}
        for topic, kind in TOPICS.items():
            package = kind.__module__.split(".")[0]
            connections[topic] = writer.add_connection(
                _absolute(topic), f"{package}/msg/{kind.__name__}", typestore=types
            )
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
