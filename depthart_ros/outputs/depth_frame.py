"""A picture with its depth and its calibration: what every output is made of."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from depthart_core import Alignment, RelativeDepth, ScaleGuess, limit_range
from depthart_ros.inputs.calibrated_picture import CalibratedPicture
from depthart_ros.inputs.camera_model import fill_camera_info
from depthart_ros.inputs.rectification import Mask
from depthart_ros.outputs.filters import find_invalid
from depthart_ros.parameters.settings import Settings

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo
    from std_msgs.msg import Header

Depth = npt.NDArray[np.float32]


@dataclass(frozen=True)
class DepthFrame:
    """A picture with its depth; what is costly is made when it is first asked for.

    Attributes:
        header: of the image.
        picture: with its calibration.
        relative: depth up to a factor, of the size of the picture.
        scale: what makes it metres, None while that is unknown.
        settings: that hold for this frame.
        made: moment of `time.monotonic`.
    """

    header: Header
    picture: CalibratedPicture
    relative: RelativeDepth
    scale: ScaleGuess | None
    settings: Settings
    made: float = field(default_factory=time.monotonic)

    @cached_property
    def invalid(self) -> Mask | None:
        """Where the filters let no depth through, (H, W); None where that is nowhere."""
        settings = self.settings
        return find_invalid(
            self.relative,
            edge_share=settings.edge_filter,
            min_confidence=settings.min_confidence,
            outside=self.picture.outside,
        )

    @cached_property
    def filtered(self) -> Depth:
        """Relative depth with NaN where the filters let none through, (H, W)."""
        if self.invalid is None:
            return self.relative.values
        return np.where(self.invalid, np.float32(np.nan), self.relative.values)

    @cached_property
    def depth(self) -> Depth:
        """Depth [m], (H, W), with the values of REP-117; only while the scale is known."""
        assert self.scale is not None
        metres = Alignment(self.scale.metres_per_unit).apply(self.relative.values)
        limited = limit_range(metres, self.settings.min_range, self.settings.max_range, out=metres)
        if self.invalid is not None:
            limited[self.invalid] = np.nan
        return limited

    @property
    def points_depth(self) -> Depth:
        """Depth [m] for the cloud, (H, W): what is beyond its own limits is not finite."""
        near, far = self.settings.points_min_range, self.settings.points_max_range
        if near <= self.settings.min_range and far >= self.settings.max_range:
            return self.depth
        return np.where((self.depth >= near) & (self.depth <= far), self.depth, np.float32(np.nan))

    def fill_camera_info(self, target: Any) -> CameraInfo:
        """Fill an empty CameraInfo with the calibration of depth, and return it; only while there is one."""
        rectified, undistorted = self.settings.rectified, self.settings.rectify
        return fill_camera_info(target, self.picture.info, self.header, rectified=rectified, undistorted=undistorted)
