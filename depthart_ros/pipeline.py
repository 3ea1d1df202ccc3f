"""From one image message to the published outputs: decode, infer, publish, each only as far as somebody listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo, Image

from depthart_core import Alignment, DepthEstimator, Intrinsics, IntrinsicsError, limit_range
from depthart_ros.camera_model import fill_camera_info, intrinsics_of
from depthart_ros.colors import colorize, palette
from depthart_ros.conversions import check, to_rgb
from depthart_ros.messages import CloudMessage, ImageMessage, cloud_message, fill_cloud, image_message
from depthart_ros.parameters import Settings
from depthart_ros.problems import Problems
from depthart_ros.publishers import CAMERA_INFO, COLOR, DEPTH, METRIC, POINTS, RELATIVE, Outputs
from depthart_ros.statistics import Statistics

Picture = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """One image with what belongs to it.

    Attributes:
        image: the message.
        info: the camera_info of the same stamp, else the latest, None before the first.
        settings: that hold for this frame.
    """

    image: Image
    info: CameraInfo | None
    settings: Settings


class Pipeline:
    """Turns frames into outputs; keeps the outgoing messages' memory between frames.

    Args:
        estimator: picture to relative depth.
        outputs: where to publish.
        problems: where to report what is wrong with a camera_info or a publisher.
        statistics: where to count and time.
    """

    def __init__(self, estimator: DepthEstimator, outputs: Outputs, problems: Problems, statistics: Statistics) -> None:
        self._estimator = estimator
        self._outputs = outputs
        self._problems = problems
        self._statistics = statistics
        self._memory: dict[str, Any] = {}

    def process(self, frame: Frame) -> bool:
        """Publish what somebody listens to; returns whether anything could be published.

        Raises:
            DepthartError: the image cannot be used.
        """
        check(frame.image, max_pixels=frame.settings.max_pixels)  # also while nobody listens: it costs nothing
        wanted = self._outputs.listened()
        if frame.settings.scale == 0.0:
            wanted -= METRIC
        if not wanted:
            return False
        start = time.perf_counter()
        rgb = to_rgb(frame.image, max_pixels=frame.settings.max_pixels)
        intrinsics = self._intrinsics(frame, wanted)
        if intrinsics is None:
            wanted -= {POINTS, CAMERA_INFO}
        if not wanted:
            return False
        decoded = time.perf_counter()
        relative = self._estimator(rgb).values if wanted != {CAMERA_INFO} else np.empty((0, 0), np.float32)
        inferred = time.perf_counter()
        self._publish_all(frame, rgb, relative, wanted=wanted, intrinsics=intrinsics)
        published = time.perf_counter()
        for stage, seconds in zip(
            ("decode", "infer", "publish"), (decoded - start, inferred - decoded, published - inferred), strict=True
        ):
            self._statistics.record(stage, seconds)
        return True

    def _intrinsics(self, frame: Frame, wanted: frozenset[str]) -> Intrinsics | None:
        """Return the intrinsics of the image, or None where nobody needs them or the camera_info gives none."""
        if not wanted & {POINTS, CAMERA_INFO} or frame.info is None:
            self._problems.clear("camera_info")
            return None
        image = frame.image
        try:
            intrinsics = intrinsics_of(frame.info, image.width, image.height, rectified=frame.settings.rectified)
        except IntrinsicsError as error:
            self._problems.report("camera_info", f"{error}; so no cloud and no depth/camera_info")
            return None
        self._problems.clear("camera_info")
        return intrinsics

    def _publish_all(
        self, frame: Frame, rgb: Picture, relative: Depth, *, wanted: frozenset[str], intrinsics: Intrinsics | None
    ) -> None:
        """Make and publish every wanted output."""
        settings = frame.settings
        self._problems.clear("publish")
        if RELATIVE in wanted:
            self._publish_image(RELATIVE, frame, "32FC1", lambda pixels: np.copyto(pixels, relative))
        if CAMERA_INFO in wanted:
            info = fill_camera_info(CameraInfo(), frame.info, frame.image.header, rectified=settings.rectified)
            self._publish(CAMERA_INFO, info)
        if settings.scale == 0.0:
            if COLOR in wanted:
                self._publish_color(frame, relative, (settings.color_relative_min, settings.color_relative_max))
            return
        if not wanted & {DEPTH, POINTS, COLOR}:
            return
        depth = limit_range(Alignment(settings.scale).apply(relative), settings.min_range, settings.max_range)
        if DEPTH in wanted:
            self._publish_image(DEPTH, frame, "32FC1", lambda pixels: np.copyto(pixels, depth))
        if COLOR in wanted:
            self._publish_color(frame, depth, (settings.color_min, settings.color_max))
        if intrinsics is not None and POINTS in wanted:
            self._publish_cloud(frame, depth, rgb, intrinsics)

    def _publish_color(self, frame: Frame, depth: Depth, limits: tuple[float, float]) -> None:
        colors = palette(frame.settings.color_map)
        self._publish_image(COLOR, frame, "rgb8", lambda pixels: colorize(depth, limits, colors, out=pixels))

    def _publish_cloud(self, frame: Frame, depth: Depth, rgb: Picture, intrinsics: Intrinsics) -> None:
        stride = frame.settings.points_stride
        height, width = (-(-side // stride) for side in depth.shape)
        cloud = self._memory.get(POINTS)
        if not isinstance(cloud, CloudMessage) or cloud.points.shape[:2] != (height, width):
            cloud = self._memory[POINTS] = cloud_message(height, width)
        fill_cloud(cloud, depth, rgb, intrinsics=intrinsics, stride=stride)
        cloud.message.header = frame.image.header
        self._publish(POINTS, cloud.message)

    def _publish_image(
        self, topic: str, frame: Frame, encoding: str, fill: Callable[[npt.NDArray[Any]], object]
    ) -> None:
        height, width = frame.image.height, frame.image.width
        image = self._memory.get(topic)
        if not isinstance(image, ImageMessage) or image.pixels.shape[:2] != (height, width):
            image = self._memory[topic] = image_message(height, width, encoding)
        fill(image.pixels)
        image.message.header = frame.image.header
        self._publish(topic, image.message)

    def _publish(self, topic: str, message: Any) -> None:
        failure = self._outputs.publish(topic, message)
        if failure:
            self._statistics.count("publish_failed")
            self._problems.report("publish", failure)
