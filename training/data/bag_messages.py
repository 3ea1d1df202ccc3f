"""Serialised sensor_msgs to arrays: pictures, depth maps and cameras, without ROS.

Pictures and cameras are read by what the node reads them with, so that it sees what was trained on.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import cv2
import numpy as np

from depthart_core.geometry import Intrinsics
from depthart_ros.inputs import encodings
from depthart_ros.inputs.camera_model import intrinsics_of, window_of
from depthart_ros.inputs.conversions import picture_of
from depthart_ros.inputs.topics import CAMERA_INFO_TYPE, COMPRESSED_TYPE, IMAGE_TYPE
from training.data.files import known_depth
from training.data.sample import DataError, decode_image

DEPTHS = {"16UC1": np.dtype(np.uint16), "mono16": np.dtype(np.uint16), "32FC1": np.dtype(np.float32)}
"""Encodings that depth comes in, millimetres or metres (REP-118); mono16 is what some drivers call 16UC1."""
SATURATED = 65535
"""Of depth in millimetres: what a sensor that has no more steps writes, farther than any measures."""
MOST_PIXELS = 2**28
HEADER_BYTES = 12  # of CDR: 4 that say how it is written (the second: 1 = little-endian), then seconds and nanoseconds
DEPTH_HEADER_BYTES = 12  # of compressed_depth_image_transport: int32 format, float32 a, float32 b; depth = a / (v - b)


def stamp_of(content: bytes) -> int:
    """Stamp [ns] of the header with which every sensor message begins, 0 if it was not set.

    Raises:
        DataError: the message is too short to have one.
    """
    if len(content) < HEADER_BYTES:
        raise DataError(f"a message of {len(content)} bytes, expected a header of at least {HEADER_BYTES}")
    order = "<" if content[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", content, 4)
    return int(seconds) * 10**9 + int(nanoseconds)


def frame_of(content: bytes, kind: str) -> str:
    """Name of the frame in the header of a picture."""
    return str(_decode(content, kind).header.frame_id)


def holds_depth(content: bytes, kind: str) -> bool:
    """Whether a picture message is a depth map.

    Raises:
        DataError: it is one in RVL, which only compressed_depth_image_transport reads.
    """
    message = _decode(content, kind)
    if kind == COMPRESSED_TYPE and "rvl" in message.format.lower():
        raise DataError(f"its format is {message.format!r}: RVL is not read here, record compressedDepth as PNG")
    return encodings.holds_depth(message) or (kind == IMAGE_TYPE and message.encoding in DEPTHS)


def decode_color(content: bytes, kind: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB.

    Raises:
        DepthartError: the encoding is no colour, size, step and data do not add up, or the picture is corrupt.
    """
    return picture_of(_decode(content, kind), max_pixels=MOST_PIXELS)


def decode_depth(content: bytes, kind: str) -> np.ndarray:
    """(H, W) float32 [m], NaN where unknown.

    Raises:
        DataError: the encoding is no depth, size, step and data do not add up, or the picture is corrupt.
    """
    message = _decode(content, kind)
    if kind == COMPRESSED_TYPE:
        return _decompress_depth(message)
    if message.encoding not in DEPTHS:
        raise DataError(f"encoding is {message.encoding}, expected one of {', '.join(DEPTHS)}")
    values = _rows(message)
    return _known_millimetres(values) if values.dtype == np.uint16 else known_depth(values)


def camera_of(content: bytes, *, raw: bool, rectified: bool | None = None) -> Intrinsics:
    """Intrinsics of the pictures of a camera_info, whose size they state.

    Args:
        content: the camera_info.
        raw: whether the topic of the pictures sounds as if they were not rectified.
        rectified: whether P is theirs, else K; None: P where it is known and they are not raw.

    Raises:
        IntrinsicsError: the matrix is zero or describes no camera.
    """
    info = _decode(content, CAMERA_INFO_TYPE)
    shown = window_of(info)
    chosen = bool(np.any(info.p)) and not raw if rectified is None else rectified
    return intrinsics_of(info, shown.width, shown.height, rectified=chosen)


@cache
def _types() -> Any:
    """Message definitions; those of sensor_msgs used here are the same in all distributions since Humble."""
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_HUMBLE)


def _decode(content: bytes, kind: str) -> Any:
    return _types().deserialize_cdr(content, kind)


def _known_millimetres(steps: np.ndarray) -> np.ndarray:
    """(H, W) float32 [m] of 16-bit millimetres, NaN where unknown."""
    return known_depth(np.where(steps == SATURATED, np.float32(np.nan), steps * np.float32(1e-3)))


def _rows(message: Any) -> np.ndarray:
    """(H, W) values of a depth map in native byte order, without the padding of ``step``."""
    native = DEPTHS[message.encoding]
    kind = native.newbyteorder(">" if message.is_bigendian else "<")
    used = message.width * kind.itemsize
    if message.step < used or not message.height or message.data.size % message.step:
        expected = f"rows of at least {used} bytes for {message.width}x{message.height} {message.encoding}"
        raise DataError(f"step is {message.step} with {message.data.size} bytes of data, expected {expected}")
    rows = np.ascontiguousarray(message.data.reshape(-1, message.step)[:, :used])
    return rows.view(kind).astype(native, copy=False)


def _decompress_depth(message: Any) -> np.ndarray:
    """Depth of compressed_depth_image_transport (PNG after a header) or of a plain 16-bit PNG."""
    data = bytes(message.data)
    headed = "compressedDepth" in message.format
    steps = decode_image(message.format, data[DEPTH_HEADER_BYTES:] if headed else data, cv2.IMREAD_UNCHANGED)
    if steps.dtype != np.uint16 or steps.ndim != 2:
        raise DataError(f"{message.format}: {steps.dtype} {steps.shape}, expected 16-bit grey")
    if not (headed and message.format.startswith("32FC1")):
        return _known_millimetres(steps)
    a, b = struct.unpack_from("<ff", data, 4)
    with np.errstate(divide="ignore"):
        return known_depth(np.where(steps == 0, np.nan, a / (steps.astype(np.float32) - b)))
