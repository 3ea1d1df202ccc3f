"""Compressed image messages (JPEG and PNG) to RGB pictures: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import ImageError
from depthart_ros.errors import EncodingError
from depthart_ros.inputs.encodings import LAYOUTS, check_size, holds_depth

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage

EXPECTED = "expected JPEG or PNG"
JPEG_START, JPEG_END, PNG_START, PNG_END = b"\xff\xd8\xff", b"\xff\xd9", b"\x89PNG\r\n\x1a\n", b"IEND"
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame; the three are other tables
JPEG_SCAN, JPEG_FILL = 0xDA, 0xFF
# The calibration is that of the stored pixels: whatever orientation a camera writes beside them does not count.
FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
MOSAIC_FLAGS = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
PNG_COLOR_TYPE = 25  # place of the byte in the first chunk that says it; 0 is grey


def check_compressed(message: CompressedImage, *, max_pixels: int) -> None:
    """Refuse what cannot be decoded as far as that is seen without decoding.

    Args:
        message: untrusted; what its data begins with counts, not `format`, which drivers spell in many ways.
        max_pixels: the largest picture that is accepted, width * height.

    Raises:
        EncodingError: neither JPEG nor PNG, depth in the place of a picture, or data that is cut off.
        ImageError: the picture is empty or larger than max_pixels.
    """
    _check(message, bytes(message.data), max_pixels)


def decode_compressed(message: CompressedImage, *, max_pixels: int) -> npt.NDArray[np.uint8]:
    """Check a sensor_msgs CompressedImage and decode it.

    Grey becomes RGB, transparency is dropped, sixteen-bit values become eight-bit ones (v * 255 / 65535, rounded). A
    mosaic that image_transport stored as a grey PNG becomes the picture that the raw topic gives.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        EncodingError: as `check_compressed`, or the data is damaged.
        ImageError: the picture is empty or larger than max_pixels.
    """
    data = bytes(message.data)
    _check(message, data, max_pixels)
    mosaic = _mosaic(data, message.format)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), FLAGS if mosaic is None else MOSAIC_FLAGS)
    except cv2.error:
        picture = None
    if picture is None:
        raise EncodingError(f"image: {len(data)} bytes of format {message.format!r} are damaged; {EXPECTED}")
    # image_transport names the order that was given to OpenCV, which takes it for blue, green, red.
    if mosaic is not None or "compressed rgb" not in message.format:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB if mosaic is None else mosaic)
    if picture.dtype == np.uint16:
        picture = cv2.convertScaleAbs(picture, alpha=255 / 65535)
    return np.asarray(picture, np.uint8)


def is_cut_off(data: bytes) -> bool:
    """Whether a file begins like JPEG or PNG and lacks the end, without which OpenCV makes up the rest."""
    try:
        if data.startswith(PNG_START):
            _png_size(data)
        elif data.startswith(JPEG_START):
            _jpeg_size(data)
    except EncodingError:
        return True
    return False


def _mosaic(data: bytes, name: str) -> int | None:
    """Return OpenCV's conversion of a Bayer mosaic, None where the data is none: most JPEG holds a picture."""
    encoding, _, how = name.partition(";")
    is_grey_png = data.startswith(PNG_START) and data[PNG_COLOR_TYPE : PNG_COLOR_TYPE + 1] == b"\0"
    stored = is_grey_png or how.strip() == f"jpeg compressed {encoding}"
    return LAYOUTS[encoding].code if stored and encoding.startswith("bayer_") and encoding in LAYOUTS else None


def _check(message: CompressedImage, data: bytes, max_pixels: int) -> None:
    """See `check_compressed`; the data is that of the message."""
    name = message.format
    if holds_depth(message):
        raise EncodingError(f"image: format is {name!r}, which is depth; {EXPECTED} of a colour or grey picture")
    if data.startswith(PNG_START):
        width, height = _png_size(data)
    elif data.startswith(JPEG_START):
        width, height = _jpeg_size(data)
    else:
        begin = data[:4].hex(" ") or "nothing"
        raise EncodingError(f"image: format is {name!r} and its data begins with {begin}; {EXPECTED}")
    if width < 1 or height < 1:
        raise ImageError(f"image: size is {width}x{height}; expected at least 1 px")
    check_size(width, height, max_pixels=max_pixels)


def _png_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) from the first chunk.

    Raises:
        EncodingError: the end is missing.
    """
    if data.rfind(PNG_END) < 0:
        raise EncodingError(f"image: {len(data)} bytes of PNG are cut off; expected its end {PNG_END!r}")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) from the first segment that says them.

    Raises:
        EncodingError: there is none, or the end of the picture is missing.
    """
    at, size = 2, None
    while at + 9 <= len(data) and data[at] == JPEG_FILL and data[at + 1] != JPEG_SCAN:
        marker = data[at + 1]
        if marker == JPEG_FILL:  # any number of them may stand before a marker
            at += 1
            continue
        if marker in JPEG_SIZES:
            size = int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    if size is None:
        raise EncodingError(f"image: {len(data)} bytes of JPEG do not tell its size; expected a frame header")
    if data.rfind(JPEG_END, at) < 0:  # cameras pad behind it
        raise EncodingError(f"image: {len(data)} bytes of JPEG are cut off; expected its end {JPEG_END.hex(' ')}")
    return size
