"""Outgoing messages whose memory is written in place: they are made once per size and filled for every frame.

The caller says which classes the messages are of.
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
from depthart_core.geometry import point_planes, point_strips
from depthart_ros.outputs.voxels import average_voxels

if TYPE_CHECKING:
    from sensor_msgs.msg import Image, PointCloud2

POINT_FIELDS = ("x", "y", "z", "rgb")
FLOAT32 = 7  # of sensor_msgs/PointField
PIXEL_TYPES: dict[str, tuple[type[Any], int]] = {
    "32FC1": (np.float32, 1),
    "16UC1": (np.uint16, 1),
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
    """An Image and a view of its data: (H, W) of the type in PIXEL_TYPES, (H, W, 3) for rgb8 and bgr8."""

    message: Image
    pixels: npt.NDArray[Any]


@dataclass(frozen=True)
class CloudMessage:
    """A PointCloud2 and a view of its data: (H, W, 4) float32, x, y, z [m] and packed rgb; (H, W, 3) without colour."""

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


def to_millimetres(depth: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint16]:
    """Return depth [m] as whole millimetres; 0 where it is not finite or above 65.535 m (REP-118)."""
    millimetres = np.multiply(depth, 1000.0, dtype=np.float32)
    np.rint(millimetres, out=millimetres)
    measured = (millimetres >= 0) & (millimetres <= np.iinfo(np.uint16).max)  # NaN says no
    if not measured.all():
        millimetres[~measured] = 0
    return np.asarray(millimetres, np.uint16)


def cloud_message(types: MessageTypes, height: int, width: int, *, color: bool = True) -> CloudMessage:
    """Return an organised PointCloud2 of zeros, with or without the field rgb; only its header is left to set."""
    fields = POINT_FIELDS if color else POINT_FIELDS[:3]
    step = 4 * len(fields)
    message = types.point_cloud(height=height, width=width, point_step=step, row_step=width * step)
    message.fields = [
        types.point_field(name=name, offset=4 * place, datatype=FLOAT32, count=1) for place, name in enumerate(fields)
    ]
    message.is_bigendian, message.is_dense = sys.byteorder == "big", False
    message.data = _zeros(height * width * step)
    return CloudMessage(message, np.frombuffer(message.data, np.float32).reshape(height, width, len(fields)))


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
        rgb: (H, W, 3), the picture that the depth belongs to; not used by a cloud without colour.
        intrinsics: of both.
        stride: every how many rows and columns become a point.
    """
    colored = target.points.shape[2] == len(POINT_FIELDS)
    colors = rgb[::stride, ::stride]
    for rows, *planes in point_strips(depth, intrinsics, stride=stride):
        cv2.merge([*planes, _packed(colors[rows])] if colored else planes, target.points[rows])


def voxel_cloud(
    types: MessageTypes,
    depth: npt.NDArray[np.float32],
    rgb: npt.NDArray[np.uint8] | None,
    *,
    intrinsics: Intrinsics,
    stride: int,
    size: float,
) -> Any:
    """Return a dense PointCloud2 without order: of the points in each cube their mean; only its header is left to set.

    Args:
        types: the classes of the messages.
        depth: (H, W) [m]; what is not finite becomes no point.
        rgb: (H, W, 3), the picture that the depth belongs to; None for a cloud without colour.
        intrinsics: of both.
        stride: every how many rows and columns are looked at.
        size: side of a cube [m].
    """
    planes = point_planes(depth, intrinsics, stride=stride)
    kept = np.isfinite(planes[2])
    points = np.stack([plane[kept] for plane in planes], axis=-1)
    points, colors = average_voxels(points, None if rgb is None else rgb[::stride, ::stride][kept], size)
    made = cloud_message(types, 1, len(points), color=colors is not None)
    made.points[0, :, :3] = points
    if colors is not None and len(points):
        made.points[..., 3] = _packed(colors[None])
    made.message.is_dense = True
    return made.message


def _packed(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return colours (H, W, 3) as floats whose bytes hold 0x00RRGGBB, as PCL and RViz read them."""
    colors = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGRA).view("<u4")[..., 0]
    colors &= np.uint32(0x00FFFFFF)
    return np.asarray(colors.view(np.float32))


def _zeros(size: int) -> array.array[int]:
    """Return memory that a message takes over without a copy."""
    return array.array("B", bytes(size))
