"""Raw pictures to rectified ones, by the camera's own distortion model."""

from __future__ import annotations

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

LIKE_PLUMB_BOB = ("", "none")
FISHEYE = ("equidistant", "fisheye")


@dataclass(frozen=True)
class Undistortion:
    """How one calibration is undone.

    Attributes:
        maps: of OpenCV's remap; None where raw and rectified picture are the same.
        outside: (H, W), true where the raw picture does not reach; None where it does everywhere.
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
            IntrinsicsError: an unknown distortion model, numbers that do not fit it, or no calibration.
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
    if not d.any() and np.array_equal(r, np.eye(3)) and np.allclose(raw, projected, rtol=0, atol=1e-9):
        return Undistortion()
    columns, rows = undistort(raw, d, r, projected, size, cv2.CV_32FC1)
    width, height = size
    outside = ~((columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1))
    maps = cv2.convertMaps(columns, rows, cv2.CV_16SC2)  # fixed point: twice as fast, 1/32 px
    return Undistortion((maps[0], maps[1]), outside if outside.any() else None)


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
