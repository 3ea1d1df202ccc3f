"""CameraInfo to intrinsics and back: which matrix counts, region of interest and binning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from depthart_core import Intrinsics, IntrinsicsError

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo
    from std_msgs.msg import Header

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

SINGULAR = 1e-9
"""Share of fx * fy, the determinant of a plain P, up to which another one has no inverse."""


def intrinsics_from_fov(width: int, height: int, fov_deg: float) -> Intrinsics:
    """Return square-pixel intrinsics [px] of a horizontal field of view [deg], the axis in the middle."""
    focal = width / 2 / math.tan(math.radians(fov_deg) / 2)
    return Intrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


@dataclass(frozen=True)
class Window:
    """The part of the sensor that an image shows: from column x and row y, bin_x by bin_y cells for one pixel."""

    x: int
    y: int
    width: int
    height: int
    bin_x: int
    bin_y: int


def window_of(info: CameraInfo) -> Window:
    """Return what the images of a camera_info show; zeros there mean the whole sensor, unbinned.

    Raises:
        IntrinsicsError: the size is 0 or the region of interest reaches over the edge.
    """
    roi, bin_x, bin_y = info.roi, max(info.binning_x, 1), max(info.binning_y, 1)
    if info.width < 1 or info.height < 1:
        raise IntrinsicsError(f"camera_info: size is {info.width}x{info.height}; expected that of the image")
    width, height = roi.width or info.width - roi.x_offset, roi.height or info.height - roi.y_offset
    if width < bin_x or height < bin_y or roi.x_offset + width > info.width or roi.y_offset + height > info.height:
        raise IntrinsicsError(
            f"camera_info: roi is {width}x{height} at ({roi.x_offset}, {roi.y_offset}); "
            f"expected it within {info.width}x{info.height}"
        )
    return Window(roi.x_offset, roi.y_offset, width // bin_x, height // bin_y, bin_x, bin_y)


def intrinsics_of(info: CameraInfo, width: int, height: int, *, rectified: bool) -> Intrinsics:
    """Return the intrinsics of an image of width x height [px]: from P of a rectified image, from K of a raw one.

    Raises:
        IntrinsicsError: the camera_info is for images of another size, or its matrix is zero, NaN or no camera.
    """
    window = window_of(info)
    if (window.width, window.height) != (width, height):
        raise IntrinsicsError(
            f"camera_info: it is for images of {window.width}x{window.height}; "
            f"expected {width}x{height}, the size of the image"
        )
    letter, matrix, row = ("p", info.p, 4) if rectified else ("k", info.k, 3)
    if not any(matrix):
        raise IntrinsicsError(f"camera_info: {letter} is all zero; expected the matrix of a calibrated camera")
    places = (("fx", 0), ("fy", row + 1), ("cx", 2), ("cy", row + 2))
    fx, fy, cx, cy = (float(matrix[place]) for _, place in places)
    try:
        whole = Intrinsics(info.width, info.height, fx, fy, cx, cy)
    except IntrinsicsError as error:
        named = ", ".join(f"{name} = {letter}[{place}]" for name, place in places)
        raise IntrinsicsError(f"camera_info: {error} ({named})") from error
    return Intrinsics(
        width,
        height,
        whole.fx / window.bin_x,
        whole.fy / window.bin_y,
        (whole.cx - window.x) / window.bin_x,
        (whole.cy - window.y) / window.bin_y,
    )


def is_calibrated(info: CameraInfo) -> bool:
    """Whether a camera_info says anything of its camera: drivers send zeros until somebody calibrates it."""
    return any(info.k) or any(info.p)


def rectifying_matters(info: CameraInfo) -> bool:
    """Whether raw and rectified pictures of a camera differ: it has distortion, and P another camera than K."""
    k, p = info.k, info.p
    return any(info.d) and (k[0], k[4], k[2], k[5]) != (p[0], p[5], p[2], p[6])


def projection_of_window(
    info: CameraInfo,
) -> tuple[tuple[int, int], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (width, height) [px] of the images of a camera_info, and their matrices K and P, each (3, 3).

    Raises:
        IntrinsicsError: one of them is zero, NaN or no camera, or P has no inverse.
    """
    window = window_of(info)
    for rectified in (False, True):
        intrinsics_of(info, window.width, window.height, rectified=rectified)
    k, p = _windowed(info.k, 3, window).reshape(3, 3), _windowed(info.p, 4, window).reshape(3, 4)[:, :3]
    if not (np.isfinite(p).all() and np.linalg.det(p) > SINGULAR * p[0, 0] * p[1, 1]):
        raise IntrinsicsError(
            f"camera_info: p is {list(map(float, info.p))}; expected the matrix of a camera, with an inverse"
        )
    return (window.width, window.height), k, p


def fill_camera_info(
    target: CameraInfo, source: CameraInfo, header: Header, *, rectified: bool, undistorted: bool = False
) -> CameraInfo:
    """Fill a new message with the calibration of exactly the published depth image, and return it.

    Region of interest and binning are worked into K and P, so that a reader who ignores them is right too. A raw depth
    image has the projection K, so there P becomes K: whoever uses P gets the same cloud. One that we rectified has
    neither distortion nor rotation left, and the projection P: there K becomes P.

    Args:
        target: an empty CameraInfo.
        source: the camera's own, for an image of the same size as the depth image.
        header: of the image.
        rectified: whether the image is.
        undistorted: whether it is because we rectified it.

    Raises:
        IntrinsicsError: the source describes no image.
    """
    window = window_of(source)
    target.header = header
    target.width, target.height = window.width, window.height
    target.distortion_model, target.d = source.distortion_model, source.d
    k = _windowed(source.k, 3, window)
    target.k = k
    if undistorted:
        p = _windowed(source.p, 4, window)
        target.distortion_model, target.d = "plumb_bob", [0.0] * 5
        target.k, target.r, target.p = p.reshape(3, 4)[:, :3].ravel(), np.array(IDENTITY), p
    elif rectified:
        target.r, target.p = source.r, _windowed(source.p, 4, window)
    else:
        p = np.zeros((3, 4))
        p[:, :3] = k.reshape(3, 3)
        target.r, target.p = np.array(IDENTITY), p.ravel()
    return target


def _windowed(matrix: Sequence[float], row: int, window: Window) -> npt.NDArray[np.float64]:
    """Return K (row 3) or P (row 4), row-major, of the window instead of the whole sensor; zeros of what is all zero.

    An array: ROS checks the numbers of a list one by one.
    """
    values = np.array(matrix, np.float64)
    if not values.any():
        return values
    values[2 * row + 2] = 1.0  # some drivers leave the last row empty
    values[2] -= window.x
    values[row + 2] -= window.y
    values[:row] /= window.bin_x
    values[row : 2 * row] /= window.bin_y
    return values
