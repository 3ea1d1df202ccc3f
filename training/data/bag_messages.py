"""Serialised sensor_msgs to arrays: pictures, depth maps and cameras, without ROS.

rosbags decodes the messages and rosbags-image knows the encodings; how rows lie in memory (step, byte order, chroma
planes) is worked out here, as rosbags-image takes all rows as unpadded.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import cv2
import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.files import COLOURS, known_depth
from training.data.sample import DataError, decode_image

RAW, COMPRESSED, INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo"
PICTURES = (RAW, COMPRESSED)
DEPTHS = ("16UC1", "mono16", "32FC1")
"""Encodings that depth comes in, millimetres or metres (REP-118); mono16 is what some drivers call 16UC1."""
SATURATED = 65535
"""Of depth in millimetres: what a sensor that has no more steps writes, farther than any measures."""
ALIASES = {"8UC1": "mono8", "8UC3": "bgr8", "8UC4": "bgra8"}
"""What cv_bridge calls OpenCV's arrays when nobody names the encoding, and the node reads so, too."""
PNG_START, PNG_COLOR_TYPE = b"\x89PNG\r\n\x1a\n", 25
MOSAIC = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
HEADER_BYTES = 12  # of CDR: 4 that say how it is written, then seconds and nanoseconds
DEPTH_HEADER_BYTES = 12  # of compressed_depth_image_transport: int32 format, float32 a, float32 b; depth = a / (v - b)


def stamp_of(content: bytes) -> int:
    """Stamp [ns] of the header with which every sensor message begins, 0 if it was not set.

    Raises:
        DataError: the message is too short to have one.
    """
    if len(content) < HEADER_BYTES:
        raise DataError(f"a message of {len(content)} bytes, expected a header of at least {HEADER_BYTES}")
    # Four bytes say how CDR is written (the second: 1 = little-endian), then come the header's seconds and nanoseconds.
    order = "<" if content[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", content, 4)
    return int(seconds) * 10**9 + int(nanoseconds)


def holds_depth(content: bytes, kind: str) -> bool:
    """Whether a picture message is a depth map.

    Raises:
        DataError: it is one in RVL, which only compressed_depth_image_transport reads.
    """
    message = _decode(content, kind)
    if kind == COMPRESSED and "rvl" in message.format.lower():
        raise DataError(f"its format is {message.format!r}: RVL is not read here, record compressedDepth as PNG")
    return message.encoding in DEPTHS if kind == RAW else _is_compressed_depth(message)


def decode_color(content: bytes, kind: str) -> np.ndarray:
    """(H, W, 3) uint8 RGB.

    Raises:
        DataError: size, step and data do not add up, or the picture is corrupt.
    """
    message = _decode(content, kind)
    if kind == COMPRESSED:
        return _decompress_color(message.format, bytes(message.data))
    encoding = ALIASES.get(message.encoding, message.encoding)
    return _to_rgb(_rows(message, encoding), encoding)


def decode_depth(content: bytes, kind: str) -> np.ndarray:
    """(H, W) float32 [m], NaN where unknown.

    Raises:
        DataError: the encoding is no depth, size, step and data do not add up, or the picture is corrupt.
    """
    message = _decode(content, kind)
    if kind == COMPRESSED:
        return _decompress_depth(message)
    if message.encoding not in DEPTHS:
        raise DataError(f"encoding is {message.encoding}, expected one of {', '.join(DEPTHS)}")
    values = _rows(message, message.encoding)
    return _known_millimetres(values) if values.dtype == np.uint16 else known_depth(values)


def camera_of(content: bytes, *, rectified: bool) -> Intrinsics:
    """Intrinsics of a camera_info: P of rectified pictures, K of raw ones.

    Raises:
        IntrinsicsError: the matrix is zero or describes no camera.
    """
    info = _decode(content, INFO)
    matrix, row = (info.p, 4) if rectified else (info.k, 3)
    fx, fy, cx, cy = (float(matrix[place]) for place in (0, row + 1, 2, row + 2))
    return Intrinsics(int(info.width), int(info.height), fx, fy, cx, cy)


@cache
def _types() -> Any:
    """Message definitions; those of sensor_msgs used here are the same in all distributions since Humble."""
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_HUMBLE)


def _decode(content: bytes, kind: str) -> Any:
    return _types().deserialize_cdr(content, kind)


def _to_rgb(values: np.ndarray, encoding: str) -> np.ndarray:
    from rosbags.image.image import convert_color

    return np.ascontiguousarray(convert_color(values, encoding, "rgb8"))


def _decompress_color(form: str, data: bytes) -> np.ndarray:
    """RGB of a JPEG or PNG as image_transport writes it; a mosaic may be stored as a grey picture."""
    encoding, _, how = form.partition(";")
    grey_png = data.startswith(PNG_START) and data[PNG_COLOR_TYPE : PNG_COLOR_TYPE + 1] == b"\0"
    if encoding.startswith("bayer_") and (grey_png or how.strip() == f"jpeg compressed {encoding}"):
        mosaic = decode_image(form, data, MOSAIC)
        return _to_rgb(mosaic, encoding)
    picture = decode_image(form, data, COLOURS)
    # The order that is named there was given to OpenCV, which takes it for blue, green, red.
    return picture if "compressed rgb" in form else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _known_millimetres(steps: np.ndarray) -> np.ndarray:
    """(H, W) float32 [m] of 16-bit millimetres, NaN where unknown."""
    return known_depth(np.where(steps == SATURATED, np.float32(np.nan), steps * np.float32(1e-3)))


def _rows(message: Any, encoding: str) -> np.ndarray:
    """(rows, W) or (rows, W, channels) values in native byte order, without the padding of ``step``."""
    from rosbags.image.image import to_cvtype

    _, _, name, channels = to_cvtype(encoding)
    order = ">" if message.is_bigendian else "<"
    kind = np.dtype(name).newbyteorder(order)
    used = message.width * channels * kind.itemsize
    if message.step < used or not message.height or message.data.size % message.step:
        expected = f"rows of at least {used} bytes for {message.width}x{message.height} {encoding}"
        raise DataError(f"step is {message.step} with {message.data.size} bytes of data, expected {expected}")
    rows = np.ascontiguousarray(message.data.reshape(-1, message.step)[:, :used]).view(kind)
    values = rows.astype(kind.newbyteorder("="), copy=False)
    return values if channels == 1 else values.reshape(-1, message.width, channels)


def _is_compressed_depth(message: Any) -> bool:
    return "compressedDepth" in message.format or message.format.split(";")[0] in ("16UC1", "32FC1")


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
