"""Outgoing messages whose memory is written in place: they are made once per size and filled for every frame.

Imports no ROS: the caller says which classes the messages are of.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import Intrinsics
from depthart_core.geometry import point_planes

if TYPE_CHECKING:
    from sensor_msgs.msg import Image, PointCloud2

POINT_FIELDS = ("x", "y", "z", "rgb")
POINT_STEP = 4 * len(POINT_FIELDS)
FLOAT32 = 7  # of sensor_msgs/PointField
PIXEL_TYPES: dict[str, tuple[type[Any], int]] = {
    "32FC1": (np.float32, 1),
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
}


@dataclass(frozen=True)
class MessageTypes:
    """Classes with the fields of sensor_msgs; called without arguments they make an empty message."""

    image: Callable[..., Any]
    camera_info: Callable[..., Any]
    point_cloud: Callable[..., Any]
    point_field: Callable[..., Any]


@dataclass(frozen=True)
class ImageMessage:
    """An Image and a view of its data: (H, W) float32 for 32FC1, (H, W, 3) uint8 for rgb8 and bgr8."""

    message: Image
    pixels: npt.NDArray[Any]


@dataclass(frozen=True)
class CloudMessage:
    """An organised PointCloud2 and a view of its data: (H, W, 4) float32, x, y, z [m] and packed rgb."""

    message: PointCloud2
    points: npt.NDArray[np.float32]


def image_message(types: MessageTypes, height: int, width: int, encoding: str) -> ImageMessage:
    """Return a black Image of an encoding of PIXEL_TYPES; only its header is left to set."""
    dtype, channels = PIXEL_TYPES[encoding]
    step = width * channels * np.dtype(dtype).itemsize
    message = types.image(height=height, width=width, encoding=encoding, step=step, is_bigendian=sys.byteorder == "big")
    message.data = _zeros(height * step)
    pixels = np.frombuffer(message.data, dtype)
    return ImageMessage(message, pixels.reshape((height, width) if channels == 1 else (height, width, channels)))


def cloud_message(types: MessageTypes, height: int, width: int) -> CloudMessage:
    """Return an organised PointCloud2 of zeros; only its header is left to set."""
    message = types.point_cloud(height=height, width=width, point_step=POINT_STEP, row_step=width * POINT_STEP)
    message.fields = [
        types.point_field(name=name, offset=4 * place, datatype=FLOAT32, count=1)
        for place, name in enumerate(POINT_FIELDS)
    ]
    message.is_bigendian, message.is_dense = sys.byteorder == "big", False
    message.data = _zeros(height * width * POINT_STEP)
    return CloudMessage(message, np.frombuffer(message.data, np.float32).reshape(height, width, len(POINT_FIELDS)))


def fill_cloud(
    target: CloudMessage,
    depth: npt.NDArray[np.float32],
    rgb: npt.NDArray[np.uint8],
    *,
    intrinsics: Intrinsics,
    stride: int,
) -> None:
    """Write the points and colours of a depth image into a cloud of ceil(H / stride) x ceil(W / stride) points.

    Args:
        target: of `cloud_message`.
        depth: (H, W) [m]; what is not finite becomes a NaN point.
        rgb: (H, W, 3), the picture that the depth belongs to.
        intrinsics: of both.
        stride: every how many rows and columns become a point.
    """
    colors = cv2.cvtColor(np.ascontiguousarray(rgb[::stride, ::stride]), cv2.COLOR_RGB2BGRA).view("<u4")[..., 0]
    colors &= np.uint32(0x00FFFFFF)  # the bytes of a float hold 0x00RRGGBB, as PCL and RViz read it
    planes = point_planes(depth, intrinsics, stride=stride)
    cv2.merge([*planes, colors.view(np.float32)], target.points)


def _zeros(size: int) -> array.array[int]:
    """Return memory that a message takes over without a copy."""
    return array.array("B", bytes(size))
