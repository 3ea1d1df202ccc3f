"""Raw pictures to rectified ones, by the camera's own distortion model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import IntrinsicsError
from depthart_ros.inputs.camera_model import projection_of_window

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo

Matrix = npt.NDArray[np.float64]
Maps = tuple[npt.NDArray[Any], npt.NDArray[Any]]
Mask = npt.NDArray[np.bool_]

LENGTHS = {"plumb_bob": (0, 4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (4,), "fisheye": (4,)}
"""Distortion models, with how many numbers D may hold."""

RADIAL = (0, 1, 4, 5, 6, 7)
"""Places of D that hold what depends on the angle from the axis alone, fisheyes aside."""

SAMPLES = 1024
"""How many angles from the axis a distortion is looked at."""

WIDEST = math.radians(89.9)
"""The widest of these angles: nothing behind the camera is in a picture."""

LIKE_PLUMB_BOB = ("", "none")
FISHEYE = ("equidistant", "fisheye")


@dataclass(frozen=True)
class Undistortion:
    """How one calibration is undone.

    Attributes:
        maps: of OpenCV's remap; None where raw and rectified picture are the same.
        outside: (H, W), true where neither raw picture nor distortion model reach; None where they do everywhere.
    """

    maps: Maps | None = None
    outside: Mask | None = None

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the rectified picture of a raw one (H, W, 3); black where the raw one does not reach."""
        if self.maps is None:
            return rgb
        return np.asarray(cv2.remap(rgb, *self.maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8)


class Undistorter:
    """Keeps the maps of the newest calibration."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._kept = Undistortion()

    def of(self, info: CameraInfo) -> Undistortion:
        """Return how the pictures of a camera_info become rectified.

        Raises:
            IntrinsicsError: an unknown distortion model, numbers that do not fit it, no rotation, or no calibration.
        """
        roi = info.roi
        key = (
            info.distortion_model, *(tuple(matrix) for matrix in (info.d, info.k, info.r, info.p)), info.width,
            info.height, roi.x_offset, roi.y_offset, roi.width, roi.height, info.binning_x, info.binning_y,
        )  # fmt: skip
        if key != self._key:
            self._kept = make_undistortion(info)
            self._key = key
        return self._kept


def make_undistortion(info: CameraInfo) -> Undistortion:
    """Make the maps from the rectified picture, which P describes, to the raw one of K and D.

    Raises:
        IntrinsicsError: see `Undistorter.of`.
    """
    size, raw, projected = projection_of_window(info)
    undistort, d = _model_of(info)
    r = np.array(info.r, np.float64).reshape(3, 3)
    r = r if r.any() else np.eye(3)
    if not np.allclose(r @ r.T, np.eye(3), rtol=0, atol=0.01):
        raise IntrinsicsError(f"camera_info: r is {r.ravel().tolist()}; expected a rotation")
    if not d.any() and np.array_equal(r, np.eye(3)) and np.allclose(raw, projected, rtol=0, atol=1e-9):
        return Undistortion()
    columns, rows = undistort(raw, d, r, projected, size, cv2.CV_32FC1)
    beyond = _beyond_model(size, projected @ r, d, fisheye=info.distortion_model in FISHEYE)
    columns = np.where(beyond, np.float32(-2), columns)  # where nothing is
    width, height = size
    outside = ~((columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1))
    maps = cv2.convertMaps(columns, rows, cv2.CV_16SC2)  # fixed point: twice as fast, 1/32 px
    return Undistortion((maps[0], maps[1]), outside if outside.any() else None)


def _beyond_model(size: tuple[int, int], projection: Matrix, d: Matrix, *, fisheye: bool) -> Mask:
    """Find the rays that a distortion model would lead into the raw picture a second time, (H, W) or (1, 1) for all.

    Args:
        size: (width, height) [px].
        projection: (3, 3), rays of the raw camera to pixels.
        d: numbers of the model.
        fisheye: whether they are those of a fisheye.
    """
    columns, rows = np.arange(size[0], dtype=np.float64), np.arange(size[1], dtype=np.float64)[:, None]
    x, y, z = _rays(columns[[0, -1]], rows[[0, -1]], projection)
    widest = float(np.arctan2(np.hypot(x, y), z).max())
    reach = _reach(d, min(widest, WIDEST), fisheye=fisheye)
    if reach == widest:
        return np.zeros((1, 1), np.bool_)
    x, y, z = _rays(columns, rows, projection)
    return np.asarray(np.hypot(x, y) > math.tan(reach) * z, np.bool_)


def _rays(columns: Matrix, rows: Matrix, projection: Matrix) -> tuple[Matrix, ...]:
    return tuple(a * columns + (b * rows + c) for a, b, c in np.linalg.inv(projection))


def _reach(d: Matrix, widest: float, *, fisheye: bool) -> float:
    """Return the angle from the axis [rad] up to which a distortion moves points outwards, `widest` at most.

    A polynomial turns back somewhere behind the data that it was fitted to.
    """
    if not d.any():
        return widest
    angles = np.linspace(0.0, widest, SAMPLES)
    points, zeros = np.stack([np.tan(angles), 0 * angles, 0 * angles + 1], axis=-1), np.zeros(3)
    if fisheye:
        found = cv2.fisheye.distortPoints(points[None, :, :2], np.eye(3), d)
    else:
        radial = np.where(np.isin(np.arange(len(d)), RADIAL), d, 0.0)
        found = cv2.projectPoints(points, zeros, zeros, np.eye(3), radial)[0]
    turns = np.flatnonzero(np.diff(np.reshape(found, (SAMPLES, 2))[:, 0]) < 0)
    return float(angles[turns[0]]) if len(turns) else widest


def _model_of(info: CameraInfo) -> tuple[Callable[..., Maps], Matrix]:
    """Return OpenCV's function for a distortion model, and its numbers."""
    name = "plumb_bob" if info.distortion_model in LIKE_PLUMB_BOB else info.distortion_model
    if name not in LENGTHS:
        raise IntrinsicsError(
            f"camera_info: distortion_model is {name!r}; expected one of {', '.join(LENGTHS)} (parameter rectify)"
        )
    d = np.array(info.d, np.float64)
    if len(d) not in LENGTHS[name] or not np.isfinite(d).all():
        expected = " or ".join(map(str, LENGTHS[name]))
        raise IntrinsicsError(f"camera_info: d is {d.tolist()}; expected {expected} finite numbers for {name}")
    function: Callable[..., Maps] = (
        cv2.fisheye.initUndistortRectifyMap if name in FISHEYE else cv2.initUndistortRectifyMap
    )
    return function, d
