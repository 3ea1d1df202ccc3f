"""A calibration for cameras that send none: from a file, or from the field of view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from depthart_core import Intrinsics
from depthart_ros.inputs.calibration_file import Calibration, load_calibration
from depthart_ros.inputs.camera_model import IDENTITY, intrinsics_from_fov
from depthart_ros.parameters.settings import Settings

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo


def has_fallback(settings: Settings) -> bool:
    """Whether there is a calibration besides that of camera_info."""
    return bool(settings.camera_info_url or settings.fov_deg)


def fallback_camera_info(make: Callable[[], Any], settings: Settings, width: int, height: int) -> CameraInfo | None:
    """Return the calibration for a picture of width x height [px] that the parameters give, None where they give none.

    Args:
        make: an empty CameraInfo.
        settings: the file (camera_info_url) comes before the field of view (fov_deg).
        width: of the picture.
        height: of the picture.

    Raises:
        ConfigError: the file cannot be read or is no calibration.
    """
    if settings.camera_info_url:
        return load_calibration(settings.camera_info_url).fill(make())
    if settings.fov_deg:
        return pinhole(intrinsics_from_fov(width, height, settings.fov_deg)).fill(make())
    return None


def pinhole(intrinsics: Intrinsics) -> Calibration:
    """Return the calibration of a camera without distortion."""
    i = intrinsics
    return Calibration(
        i.width,
        i.height,
        "plumb_bob",
        (0.0,) * 5,
        (i.fx, 0.0, i.cx, 0.0, i.fy, i.cy, 0.0, 0.0, 1.0),
        IDENTITY,
        (i.fx, 0.0, i.cx, 0.0, 0.0, i.fy, i.cy, 0.0, 0.0, 0.0, 1.0, 0.0),
    )
