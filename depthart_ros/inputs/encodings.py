"""The encodings of image messages: how each lays out its pixels, how many pixels there may be, which hold depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from depthart_core import ImageError

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage, Image

DEPTH_ENCODINGS = ("32FC1", "16UC1")
"""Encodings of depth images: metres, and millimetres."""


@dataclass(frozen=True)
class Layout:
    """How an encoding lays its pixels out in memory.

    Attributes:
        code: OpenCV's colour conversion to RGB, None where the pixels are RGB already.
        channels: interleaved values of a pixel in a row.
        bits: of one value, 8 or 16.
        chroma_plane: whether half as many rows of chroma follow those of the picture.
        even: sides that have to be even because pixels share chroma, of "width" and "height".
    """

    code: int | None
    channels: int = 1
    bits: int = 8
    chroma_plane: bool = False
    even: tuple[str, ...] = ()

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel in a row of the first plane."""
        return self.channels * self.bits // 8

    def data_rows(self, height: int) -> int:
        """Return how many rows of data a picture of `height` rows has, those of chroma included."""
        return height * 3 // 2 if self.chroma_plane else height


# OpenCV names a Bayer pattern by the second and third pixel of its second row, ROS by the first two rows.
BAYER_CODES = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}
UYVY = Layout(cv2.COLOR_YUV2RGB_UYVY, channels=2, even=("width",))
YUYV = Layout(cv2.COLOR_YUV2RGB_YUYV, channels=2, even=("width",))
LAYOUTS: dict[str, Layout] = {
    "rgb8": Layout(None, channels=3),
    "bgr8": Layout(cv2.COLOR_BGR2RGB, channels=3),
    "rgba8": Layout(cv2.COLOR_RGBA2RGB, channels=4),
    "bgra8": Layout(cv2.COLOR_BGRA2RGB, channels=4),
    "mono8": Layout(cv2.COLOR_GRAY2RGB),
    "mono16": Layout(cv2.COLOR_GRAY2RGB, bits=16),
    "rgb16": Layout(None, channels=3, bits=16),
    "bgr16": Layout(cv2.COLOR_BGR2RGB, channels=3, bits=16),
    "rgba16": Layout(cv2.COLOR_RGBA2RGB, channels=4, bits=16),
    "bgra16": Layout(cv2.COLOR_BGRA2RGB, channels=4, bits=16),
    # What cv_bridge makes of OpenCV's arrays when nobody names the encoding; RViz reads them in this order too.
    "8UC1": Layout(cv2.COLOR_GRAY2RGB),
    "8UC3": Layout(cv2.COLOR_BGR2RGB, channels=3),
    "8UC4": Layout(cv2.COLOR_BGRA2RGB, channels=4),
    **{f"bayer_{name}{bits}": Layout(code, bits=bits) for bits in (8, 16) for name, code in BAYER_CODES.items()},
    "yuv422": UYVY,
    "uyvy": UYVY,
    "yuv422_yuy2": YUYV,
    "yuyv": YUYV,
    "nv12": Layout(cv2.COLOR_YUV2RGB_NV12, chroma_plane=True, even=("width", "height")),
    "nv21": Layout(cv2.COLOR_YUV2RGB_NV21, chroma_plane=True, even=("width", "height")),
}


def is_compressed(message: Image | CompressedImage) -> bool:
    """Whether a message is a CompressedImage, of whichever library."""
    return hasattr(message, "format")


def holds_depth(message: Image | CompressedImage) -> bool:
    """Whether it is depth by its encoding, or by its format: "16UC1; png compressed", "32FC1; compressedDepth"."""
    name: str = message.format if is_compressed(message) else message.encoding
    return "compressedDepth" in name or name.partition(";")[0].strip() in DEPTH_ENCODINGS


def check_size(width: int, height: int, *, max_pixels: int) -> None:
    """Refuse a picture of too many pixels.

    Raises:
        ImageError: it has more than `max_pixels`.
    """
    if width * height > max_pixels:
        raise ImageError(
            f"image: size is {width}x{height}, {width * height} pixels; "
            f"expected at most {max_pixels} (parameter max_pixels)"
        )
