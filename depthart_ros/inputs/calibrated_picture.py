"""Each picture with its calibration: the camera's own or its replacement, and rectified where that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from depthart_core import ConfigError, Intrinsics, IntrinsicsError
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.inputs.camera_model import intrinsics_of, is_calibrated, rectifying_matters
from depthart_ros.inputs.fallback_calibration import fallback_camera_info, has_fallback
from depthart_ros.inputs.rectification import Mask, Undistorter, Undistortion
from depthart_ros.inputs.topics import sounds_raw
from depthart_ros.parameters.settings import Settings

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo

Picture = npt.NDArray[np.uint8]
DISTORTED = (
    "camera_info: the images are raw and d is not zero; distortion is ignored: set rectify to undo it, or take "
    "rectified images and set rectified"
)
MIXED_UP = (
    "camera_info: {topic} sounds like raw images, but `rectified` is true, so P counts, which is not K, and distortion "
    "is ignored; set rectified to false, or rectify to undo the distortion"
)
UNUSED = (
    "camera_info: the camera sends a calibration of its own, which counts; camera_info_url and fov_deg are for cameras "
    "that send none"
)


@dataclass(frozen=True)
class CalibratedPicture:
    """A picture and the calibration that belongs to it.

    Attributes:
        rgb: (H, W, 3).
        info: the camera's own camera_info, None where there is none that can be used.
        intrinsics: of the picture, None likewise.
        outside: (H, W), true where a rectified picture shows nothing; None where it does everywhere.
    """

    rgb: Picture
    info: CameraInfo | None = None
    intrinsics: Intrinsics | None = None
    outside: Mask | None = None


class PictureCalibrator:
    """Finds the calibration of each picture, and rectifies it where that is asked for; keeps the maps for that.

    Args:
        make_camera_info: an empty CameraInfo.
        problems: where to report what is wrong with a calibration.
    """

    def __init__(self, make_camera_info: Callable[[], Any], problems: Problems) -> None:
        self._make_camera_info = make_camera_info
        self._problems = problems
        self._undistorter = Undistorter()

    def of(self, rgb: Picture, info: CameraInfo | None, settings: Settings, *, topic: str = "") -> CalibratedPicture:
        """Return a picture, rectified if that is asked for, with its calibration, without where none can be used.

        Args:
            rgb: (H, W, 3), as it came.
            info: of the camera, None before the first.
            settings: that hold for this frame.
            topic: of the pictures, whose name may say that they are raw; "" where it is unknown.
        """
        try:
            picture = self._calibrated(rgb, info, settings)
        except (ConfigError, IntrinsicsError) as error:
            lost = "no cloud and no depth/camera_info" if settings.scale_source == "given" else "no metres"
            raw = ", and the picture stays raw" if settings.rectify else ""
            self._problems.report("camera_info", f"{error}; so {lost}{raw}")
            return CalibratedPicture(rgb)
        self._problems.clear("camera_info")
        if info is not None and is_calibrated(info) and has_fallback(settings):
            self._problems.say_once(UNUSED)
        if picture.info is not None:
            self._remark(picture.info, settings, topic)
        return picture

    def quietly(self, rgb: Picture, info: CameraInfo | None, settings: Settings) -> CalibratedPicture:
        """Return what `of` would, and report nothing: for pictures whose calibration a snapshot alone may need."""
        try:
            return self._calibrated(rgb, info, settings)
        except (ConfigError, IntrinsicsError):
            return CalibratedPicture(rgb)

    def _remark(self, info: CameraInfo, settings: Settings, topic: str) -> None:
        """Say once that distortion is ignored, or that `rectified` is true of a topic that sounds raw."""
        if settings.rectify:
            return
        if not settings.rectified and any(info.d):
            self._problems.say_once(DISTORTED)
        if settings.rectified and sounds_raw(topic) and rectifying_matters(info):
            self._problems.say_once(MIXED_UP.format(topic=topic))

    def _calibrated(self, rgb: Picture, info: CameraInfo | None, settings: Settings) -> CalibratedPicture:
        height, width = rgb.shape[:2]
        if info is None or not is_calibrated(info):
            info = fallback_camera_info(self._make_camera_info, settings, width, height) or info
        if info is None:
            return CalibratedPicture(rgb)
        intrinsics = intrinsics_of(info, width, height, rectified=settings.rectified or settings.rectify)
        undo = self._undistorter.of(info) if settings.rectify else Undistortion()
        return CalibratedPicture(undo(rgb), info, intrinsics, undo.outside)
