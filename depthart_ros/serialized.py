"""Image and PointCloud2 as the bytes that DDS sends: their data lies where it is sent from. Imports no ROS.

They have the fields of the messages of ROS. What is written into `data` needs no further copy in Python, which are two
for a message of rclpy: the cloud of a small camera has five megabytes.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

ENCAPSULATION = b"\0\1\0\0" if sys.byteorder == "little" else b"\0\0\0\0"
"""What begins a message in the plain CDR of this machine's byte order."""

ROOM = 1024
"""Bytes before `data` for the other fields; so large that data is aligned."""


class Fields:
    """The fields of a message one after the other, each aligned to its size as CDR wants it."""

    def __init__(self) -> None:
        self.content = bytearray()  # what follows ENCAPSULATION, from which alignment counts

    def put(self, kind: str, *values: Any) -> None:
        """Add numbers of a kind of `struct`."""
        size = struct.calcsize(f"={kind}")
        for value in values:
            self.content += bytes(-len(self.content) % size) + struct.pack(f"={kind}", value)

    def text(self, value: str) -> None:
        """Add a string."""
        content = value.encode() + b"\0"
        self.put("I", len(content))
        self.content += content


@dataclass
class Serialized:
    """A message whose last large field is `data`.

    Attributes:
        header: a std_msgs Header.
        height: rows.
        width: columns.
        is_bigendian: byte order of the data.
    """

    header: Any = None
    height: int = 0
    width: int = 0
    is_bigendian: bool = False

    after: ClassVar[int] = 0
    """Bytes behind `data`."""

    def __post_init__(self) -> None:
        """Begin without data."""
        self.data = b""

    @property
    def data(self) -> memoryview:
        """The data, to be read and written in place."""
        return memoryview(self._memory)[ROOM : len(self._memory) - self.after]

    @data.setter
    def data(self, content: Any) -> None:
        given = memoryview(content).cast("B")
        self._memory = bytearray(ROOM + len(given) + self.after)
        self.data[:] = given

    def put_fields(self, fields: Fields) -> None:
        """Add the fields between the header and `data`."""
        raise NotImplementedError

    def put_end(self, end: memoryview) -> None:
        """Write the `after` bytes behind `data`."""

    def serialized(self) -> memoryview:
        """Return the whole message; it changes with the next one that is written into the same memory."""
        fields, stamp = Fields(), self.header.stamp
        fields.put("i", stamp.sec)
        fields.put("I", stamp.nanosec)
        fields.text(self.header.frame_id)
        self.put_fields(fields)
        fields.put("I", len(self.data))
        begin = ENCAPSULATION + fields.content
        memory = memoryview(self._memory)
        self.put_end(memory[len(memory) - self.after :])
        if len(begin) > ROOM:
            return memoryview(begin + memory[ROOM:])
        memory[ROOM - len(begin) : ROOM] = begin
        return memory[ROOM - len(begin) :]


@dataclass
class SerializedImage(Serialized):
    """A sensor_msgs Image; see there."""

    encoding: str = ""
    step: int = 0

    def put_fields(self, fields: Fields) -> None:
        """See Serialized."""
        fields.put("I", self.height, self.width)
        fields.text(self.encoding)
        fields.put("B", self.is_bigendian)
        fields.put("I", self.step)


@dataclass
class SerializedCloud(Serialized):
    """A sensor_msgs PointCloud2; see there."""

    fields: Sequence[Any] = field(default_factory=list)
    point_step: int = 0
    row_step: int = 0
    is_dense: bool = False

    after: ClassVar[int] = 1

    def put_fields(self, fields: Fields) -> None:
        """See Serialized."""
        fields.put("I", self.height, self.width, len(self.fields))
        for one in self.fields:
            fields.text(one.name)
            fields.put("I", one.offset)
            fields.put("B", one.datatype)
            fields.put("I", one.count)
        fields.put("B", self.is_bigendian)
        fields.put("I", self.point_step, self.row_step)

    def put_end(self, end: memoryview) -> None:
        """See Serialized."""
        end[0] = self.is_dense
