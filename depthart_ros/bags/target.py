"""The bag that is written: every message of the source as it is, and what is added."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from depthart_ros.bags.message_types import typestore
from depthart_ros.bags.source import Source, Stored
from depthart_ros.errors import BagError

UNKNOWN_HASH = "RIHS01_" + "0" * 64  # of a type without a definition, as recorded before Iron


class Target:
    """A new bag, written for the time of a `with` block; complete only where that ends without an error.

    Args:
        folder: to make.
        storage: "mcap" (its chunks are compressed) or "sqlite3".
        source: whose topics it gets, with their types and QoS.
        added: further topics with their types.

    Raises:
        BagError: it cannot be written.
    """

    def __init__(self, folder: Path, *, storage: str, source: Source, added: Mapping[str, str]) -> None:
        self._folder = folder
        with self._writing():
            self._writer = open_writer(folder, storage)
            for key, value in source.custom_data.items():
                self._writer.set_custom_data(key, value)
            self._writer.open()
            self._copied = {item.id: self._copy_connection(item) for item in source.connections}
            self._added = {topic: self._add_connection(topic, kind) for topic, kind in added.items()}

    def __enter__(self) -> Target:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the index and metadata, or give up."""
        if kind is not None:
            self._writer.abort()
            return
        with self._writing():
            self._writer.close()
            for file in self._folder.iterdir():
                _flush(file)

    def copy(self, message: Stored) -> None:
        """Write a message of the source.

        Raises:
            BagError: the disk is full or gone.
        """
        with self._writing():
            self._writer.write(self._copied[message.connection.id], message.received, message.content)

    def add(self, topic: str, received: int, content: bytes) -> None:
        """Write a message of one of the added topics.

        Raises:
            BagError: the disk is full or gone.
        """
        with self._writing():
            self._writer.write(self._added[topic], received, content)

    def _copy_connection(self, item: Any) -> Any:
        for known in self._writer.connections:
            if (known.topic, known.msgtype, known.ext) == (item.topic, item.msgtype, item.ext):
                return known  # two publishers of one kind
        known_type = item.msgtype in typestore().fielddefs
        definition, digest = item.msgdef.data, item.digest
        if known_type and not definition:
            definition, _ = typestore().generate_msgdef(item.msgtype, ros_version=2)
        if not digest:
            digest = typestore().hash_rihs01(item.msgtype) if known_type else UNKNOWN_HASH
        return self._writer.add_connection(
            item.topic,
            item.msgtype,
            msgdef=definition,
            rihs01=digest,
            serialization_format=item.ext.serialization_format,
            offered_qos_profiles=item.ext.offered_qos_profiles,
        )

    def _add_connection(self, topic: str, kind: str) -> Any:
        return self._writer.add_connection(topic, kind, typestore=typestore(), offered_qos_profiles=[_offered()])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what rosbags and the libraries below raise into a BagError."""
        try:
            yield
        except BagError:
            raise
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise BagError(f"{self._folder} cannot be written: {reason}") from error


def put_in_place(made: Path, wanted: Path, *, aside: Path) -> None:
    """Give a finished bag its name; one that has it already is moved aside first, and removed at the end.

    Raises:
        BagError: the folder cannot be renamed.
    """
    try:
        if wanted.exists():
            wanted.rename(aside)
        made.rename(wanted)
        _flush(wanted.parent)
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise BagError(f"{wanted} cannot be written: {error.strerror}; the finished bag is {made}") from error


def open_writer(folder: Path, storage: str) -> Any:
    """Return rosbags' writer of a new bag.

    Args:
        folder: to make.
        storage: "mcap" (its chunks are compressed) or "sqlite3".
    """
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    writer = Writer(folder, version=8, storage_plugin=StoragePlugin[storage.upper()])  # version 8 is what Humble reads
    if storage == "mcap":
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    return writer


def _offered() -> Any:
    """Return the QoS of the node's outputs: reliable, keep last 1, volatile."""
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

    forever = QosTime(2147483647, 4294967295)
    return Qos(
        QosHistory.KEEP_LAST,
        1,
        QosReliability.RELIABLE,
        QosDurability.VOLATILE,
        forever,
        forever,
        QosLiveliness.AUTOMATIC,
        forever,
        False,
    )


def _flush(path: Path) -> None:
    """Bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
