"""Image, PointCloud2 and CameraInfo as the bytes that DDS sends: data lies where it is sent from. Imports no ROS.

They have the fields of the messages of ROS. What is written into `data` needs no further copy in Python, which are two
for a message of rclpy: the cloud of a small camera has five megabytes.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

ENCAPSULATION = b"\0\1\0\0" if sys.byteorder == "little" else b"\0\0\0\0"
"""What begins a message in the plain CDR of this machine's byte order."""

ROOM = 1024
"""Bytes before `data` for the other fields; so large that data is aligned."""

TEXT = "s"
STAMP = struct.Struct("=iI")
Layout = tuple[str, tuple[Any, ...]]
"""Kinds of fields, of `struct` or TEXT, one character each, and their values."""


def encode(header: Any, layout: Layout) -> bytes:
    """Return a message of a header and other fields in CDR: each is aligned to its size, counted from ENCAPSULATION."""
    kinds, values = layout
    content, place = bytearray(), 0
    whole = ("iI" + TEXT + kinds, (header.stamp.sec, header.stamp.nanosec, header.frame_id, *values))
    for kind, run in groupby(whole[0]):
        count = len(list(run))
        some = whole[1][place : place + count]
        place += count
        if kind == TEXT:
            for text in some:
                encoded = text.encode() + b"\0"
                content += bytes(-len(content) % 4) + struct.pack("=I", len(encoded)) + encoded
        else:
            content += bytes(-len(content) % struct.calcsize(f"={kind}")) + struct.pack(f"={count}{kind}", *some)
    return ENCAPSULATION + content


@dataclass
class Stamp:
    """A builtin_interfaces Time; see there."""

    sec: int = 0
    nanosec: int = 0


@dataclass
class Header:
    """A std_msgs Header; see there."""

    stamp: Stamp = field(default_factory=Stamp)
    frame_id: str = ""


@dataclass
class Region:
    """A sensor_msgs RegionOfInterest; see there."""

    x_offset: int = 0
    y_offset: int = 0
    height: int = 0
    width: int = 0
    do_rectify: bool = False


@dataclass
class Serialized:
    """A message; the fields of sensor_msgs."""

    header: Any = field(default_factory=Header)
    height: int = 0
    width: int = 0

    def layout(self) -> Layout:
        """Return the fields between the header and `data`."""
        raise NotImplementedError

    def serialized(self) -> memoryview:
        """Return the whole message."""
        return memoryview(encode(self.header, self.layout()))


@dataclass
class SerializedInfo(Serialized):
    """A sensor_msgs CameraInfo; see there."""

    distortion_model: str = ""
    d: Sequence[float] = ()
    k: Sequence[float] = (0.0,) * 9
    r: Sequence[float] = (0.0,) * 9
    p: Sequence[float] = (0.0,) * 12
    binning_x: int = 0
    binning_y: int = 0
    roi: Any = field(default_factory=Region)

    def layout(self) -> Layout:
        """See Serialized."""
        numbers = (*self.d, *self.k, *self.r, *self.p)
        roi = (self.roi.x_offset, self.roi.y_offset, self.roi.height, self.roi.width, self.roi.do_rectify)
        values = (self.height, self.width, self.distortion_model, len(self.d), *numbers)
        return f"II{TEXT}I{'d' * len(numbers)}IIIIIIB", (*values, self.binning_x, self.binning_y, *roi)


@dataclass
class SerializedData(Serialized):
    """A message whose last large field is `data`, to be read and written in place.

    Attributes:
        is_bigendian: byte order of the data.
    """

    is_bigendian: bool = False

    after: ClassVar[int] = 0
    """Bytes behind `data`."""

    def __post_init__(self) -> None:
        """Begin without data."""
        self._begin: tuple[Any, ...] = ("", ("", ()), b"")  # the newest one: of which frame_id and layout
        self.data = b""

    @property
    def data(self) -> memoryview:
        """The data."""
        return memoryview(self._memory)[ROOM : len(self._memory) - self.after]

    @data.setter
    def data(self, content: Any) -> None:
        given = memoryview(content).cast("B")
        self._memory = bytearray(ROOM + len(given) + self.after)
        self.data[:] = given

    def put_end(self, end: memoryview) -> None:
        """Write the `after` bytes behind `data`."""

    def serialized(self) -> memoryview:
        """Return the whole message; it changes with the next one that is written into the same memory."""
        kinds, values = self.layout()
        layout = (f"{kinds}I", (*values, len(self._memory) - ROOM - self.after))
        frame_id, known, begin = self._begin
        if (frame_id, known) != (self.header.frame_id, layout):
            begin = encode(self.header, layout)
            self._begin = (self.header.frame_id, layout, begin)
        memory = memoryview(self._memory)
        self.put_end(memory[len(memory) - self.after :])
        if len(begin) > ROOM:
            return memoryview(encode(self.header, layout) + memory[ROOM:])
        start = ROOM - len(begin)
        memory[start:ROOM] = begin
        STAMP.pack_into(memory, start + len(ENCAPSULATION), self.header.stamp.sec, self.header.stamp.nanosec)
        return memory[start:]


@dataclass
class SerializedImage(SerializedData):
    """A sensor_msgs Image; see there."""

    encoding: str = ""
    step: int = 0

    def layout(self) -> Layout:
        """See Serialized."""
        return f"II{TEXT}BI", (self.height, self.width, self.encoding, self.is_bigendian, self.step)


@dataclass
class SerializedCloud(SerializedData):
    """A sensor_msgs PointCloud2; see there."""

    fields: Sequence[Any] = ()
    point_step: int = 0
    row_step: int = 0
    is_dense: bool = False

    after: ClassVar[int] = 1

    def layout(self) -> Layout:
        """See Serialized."""
        fields = [value for one in self.fields for value in (one.name, one.offset, one.datatype, one.count)]
        values = (self.height, self.width, len(self.fields), *fields)
        return f"III{(TEXT + 'IBI') * len(self.fields)}BII", (
            *values,
            self.is_bigendian,
            self.point_step,
            self.row_step,
        )

    def put_end(self, end: memoryview) -> None:
        """See Serialized."""
        end[0] = self.is_dense
