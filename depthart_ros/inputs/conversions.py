"""Image messages of every supported encoding, and compressed ones, to RGB pictures: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import ImageError
from depthart_ros.errors import EncodingError
from depthart_ros.inputs.compressed import check_compressed, decode_compressed
from depthart_ros.inputs.encodings import LAYOUTS, Layout, check_size, holds_depth, is_compressed

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage, Image

Pixels = npt.NDArray[Any]


def picture_of(message: Image | CompressedImage, *, max_pixels: int) -> npt.NDArray[np.uint8]:
    """Check an Image or CompressedImage and return its picture.

    Args:
        message: untrusted.
        max_pixels: the largest picture that is accepted, width * height.

    Returns:
        (H, W, 3) uint8 RGB; for unpadded rgb8 a view of the message's data, else new memory.

    Raises:
        EncodingError: the encoding or format is not supported, or compressed data is damaged.
        ImageError: size, step and data length do not add up, or the picture is larger than max_pixels.
    """
    if is_compressed(message):
        return decode_compressed(message, max_pixels=max_pixels)
    return to_rgb(message, max_pixels=max_pixels)


def check_picture(message: Image | CompressedImage, *, max_pixels: int) -> None:
    """Refuse what `picture_of` would, as far as that is seen without decoding: it costs next to nothing.

    Raises:
        EncodingError: see `picture_of`.
        ImageError: see `picture_of`.
    """
    (check_compressed if is_compressed(message) else check_image)(message, max_pixels=max_pixels)


def to_rgb(message: Image, *, max_pixels: int) -> npt.NDArray[np.uint8]:
    """Check a sensor_msgs Image of any encoding in LAYOUTS and return its picture.

    Sixteen-bit values become eight-bit ones as in cv_bridge: v * 255 / 65535, rounded.

    Args:
        message: untrusted.
        max_pixels: the largest picture that is accepted, width * height.

    Returns:
        (H, W, 3) uint8 RGB; for unpadded rgb8 a view of the message's data, else new memory.

    Raises:
        EncodingError: the encoding is not supported.
        ImageError: size, step and data length do not add up, or the picture is larger than max_pixels.
    """
    layout = check_image(message, max_pixels=max_pixels)
    values = _values(message, layout)
    rgb = values if layout.code is None else cv2.cvtColor(values, layout.code)
    if layout.bits == 16:
        rgb = cv2.convertScaleAbs(rgb, alpha=255 / 65535)
    return np.ascontiguousarray(rgb)


def check_image(message: Image, *, max_pixels: int) -> Layout:
    """Return the layout of a message whose fields add up.

    Raises:
        EncodingError: the encoding is not supported.
        ImageError: the first field found wrong, with its value and what was expected.
    """
    width, height = message.width, message.height
    for name, value in (("width", width), ("height", height)):
        if value < 1:
            raise ImageError(f"image: {name} is {value}; expected at least 1 px")
    check_size(width, height, max_pixels=max_pixels)
    layout = LAYOUTS.get(message.encoding)
    if holds_depth(message):
        raise EncodingError(
            f"image: encoding is {message.encoding!r}, which is depth; expected a colour or grey picture, such as rgb8"
        )
    if layout is None:
        raise EncodingError(f"image: encoding is {message.encoding!r}; expected one of {', '.join(LAYOUTS)}")
    _check_memory(message, layout)
    return layout


def _check_memory(message: Image, layout: Layout) -> None:
    """Raise ImageError unless parity, step and data length fit the size and the encoding."""
    for name in layout.even:
        if getattr(message, name) % 2:
            raise ImageError(f"image: {name} is {getattr(message, name)}; expected an even one for {message.encoding}")
    least = message.width * layout.pixel_bytes
    if message.step < least:
        raise ImageError(
            f"image: step is {message.step}; expected at least {least} for {message.width} px of {message.encoding}"
        )
    rows = layout.data_rows(message.height)
    expected = message.step * rows
    if len(message.data) != expected:
        raise ImageError(
            f"image: data holds {len(message.data)} bytes; expected {expected} "
            f"(step {message.step} x {rows} rows of {message.encoding})"
        )


def _values(message: Image, layout: Layout) -> Pixels:
    """Return the raw values as (rows, W) or (rows, W, channels), native byte order, without the padding of `step`."""
    rows, width = layout.data_rows(message.height), message.width
    data = np.frombuffer(message.data, np.uint8).reshape(rows, message.step)[:, : width * layout.pixel_bytes]
    values: Pixels = np.ascontiguousarray(data)
    if layout.bits == 16:
        values = values.view(">u2" if message.is_bigendian else "<u2").astype(np.uint16, copy=False)
    return values if layout.channels == 1 else values.reshape(rows, width, layout.channels)
