"""From one image message to the published outputs: decode, infer, publish, each only as far as somebody listens.

Imports no ROS: `depthart bag` sends the frames of a bag through it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from depthart_core import (
    Alignment,
    DepthEstimator,
    Intrinsics,
    IntrinsicsError,
    RelativeDepth,
    ScaleGuess,
    limit_range,
)
from depthart_ros.camera_model import fill_camera_info, intrinsics_of
from depthart_ros.colors import colorize, palette
from depthart_ros.conversions import check_picture, picture_of
from depthart_ros.messages import CloudMessage, ImageMessage, MessageTypes, cloud_message, fill_cloud, image_message
from depthart_ros.parameters import Settings
from depthart_ros.problems import Problems
from depthart_ros.scaling import Scaling
from depthart_ros.statistics import Statistics
from depthart_ros.topics import CAMERA_INFO, COLOR, CONFIDENCE, DEPTH, METRIC, POINTS, RELATIVE

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from sensor_msgs.msg import CameraInfo, CompressedImage, Image

Picture = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]

FADING = 0.95
"""What each frame leaves of the longest time that publishing took."""


@dataclass(frozen=True)
class Frame:
    """One image with what belongs to it.

    Attributes:
        image: the message.
        info: the camera_info of the same stamp, else the latest, None before the first.
        settings: that hold for this frame.
        deadline: moment of `time.monotonic` by which its outputs should be published; None: whenever they are ready.
    """

    image: Image | CompressedImage
    info: CameraInfo | None
    settings: Settings
    deadline: float | None = None


class Outputs(Protocol):
    """Where outputs go: to the publishers of a node, or into a bag."""

    @property
    def types(self) -> MessageTypes:
        """The classes of the messages it takes."""
        ...

    def listened(self) -> frozenset[str]:
        """Return the topics that somebody wants."""
        ...

    def publish(self, topic: str, message: Any) -> str:
        """Take a message, whose memory is used again afterwards; returns why it was not possible, else ""."""
        ...


class Pipeline:
    """Turns frames into outputs; keeps the outgoing messages' memory between frames.

    Args:
        estimator: picture to relative depth.
        outputs: where to publish.
        problems: where to report what is wrong with a camera_info or a publisher.
        statistics: where to count and time.

    Attributes:
        scale: what made the newest frame's depth metres, None while it is unknown.
    """

    def __init__(self, estimator: DepthEstimator, outputs: Outputs, problems: Problems, statistics: Statistics) -> None:
        self._estimator = estimator
        self._outputs = outputs
        self._problems = problems
        self._statistics = statistics
        self._memory: dict[str, Any] = {}
        self._scaling = Scaling()
        self._to_publish = 0.0  # seconds that publishing is expected to take
        self.scale: ScaleGuess | None = None

    def scale_possible(self, settings: Settings) -> bool:
        """Whether relative depth can become metres with these settings (and a camera_info)."""
        return settings.scale > 0.0 if settings.scale_source == "given" else self._estimator.heads

    def process(self, frame: Frame) -> bool:
        """Publish what somebody listens to; returns whether anything could be published.

        Raises:
            DepthartError: the image cannot be used.
        """
        max_pixels = frame.settings.max_pixels
        check_picture(frame.image, max_pixels=max_pixels)  # also while nobody listens: it costs nothing
        wanted = self._possible(frame)
        if not wanted:
            self.scale = None
            return False
        start = time.perf_counter()
        rgb = picture_of(frame.image, max_pixels=max_pixels)
        intrinsics = self._intrinsics(frame, rgb, wanted)
        if intrinsics is None:
            wanted -= {POINTS, CAMERA_INFO} if frame.settings.scale_source == "given" else METRIC
        if not wanted:
            self.scale = None
            return False
        decoded = time.perf_counter()
        relative = self._estimate(frame, rgb, wanted)
        inferred = time.perf_counter()
        self.scale = self._scaling.of(relative, intrinsics, frame.settings, stamp=_seconds(frame.image.header.stamp))
        self._publish_all(frame, rgb, relative, wanted=wanted, intrinsics=intrinsics)
        published = time.perf_counter()
        self._to_publish = max(published - inferred, FADING * self._to_publish)
        for stage, seconds in zip(
            ("decode", "infer", "publish"), (decoded - start, inferred - decoded, published - inferred), strict=True
        ):
            self._statistics.record(stage, seconds)
        return True

    def _estimate(self, frame: Frame, rgb: Picture, wanted: frozenset[str]) -> RelativeDepth:
        """Return relative depth, with as many scales as leave time to publish before the deadline."""
        if wanted == {CAMERA_INFO}:
            return RelativeDepth(np.empty((0, 0), np.float32))
        deadline = None if frame.deadline is None else frame.deadline - self._to_publish
        relative = self._estimator(rgb, deadline=deadline)
        self._statistics.record_scales(relative.scales)
        return relative

    def _possible(self, frame: Frame) -> frozenset[str]:
        """Return the outputs that somebody listens to and that this model can fill with these settings."""
        wanted = self._outputs.listened()
        if not self._estimator.heads:
            wanted -= {CONFIDENCE}
        return wanted if self.scale_possible(frame.settings) else wanted - METRIC

    def _intrinsics(self, frame: Frame, rgb: Picture, wanted: frozenset[str]) -> Intrinsics | None:
        """Return the intrinsics of the image, or None where nobody needs them or the camera_info gives none."""
        needed = frame.settings.scale_source == "model" or wanted & {POINTS, CAMERA_INFO}
        if not needed or frame.info is None:
            self._problems.clear("camera_info")
            return None
        height, width = rgb.shape[:2]
        try:
            intrinsics = intrinsics_of(frame.info, width, height, rectified=frame.settings.rectified)
        except IntrinsicsError as error:
            lost = "no cloud and no depth/camera_info" if frame.settings.scale_source == "given" else "no metres"
            self._problems.report("camera_info", f"{error}; so {lost}")
            return None
        self._problems.clear("camera_info")
        return intrinsics

    def _publish_all(
        self,
        frame: Frame,
        rgb: Picture,
        relative: RelativeDepth,
        *,
        wanted: frozenset[str],
        intrinsics: Intrinsics | None,
    ) -> None:
        """Make and publish every wanted output."""
        self._problems.clear("publish")
        if RELATIVE in wanted:
            self._publish_values(RELATIVE, frame, relative.values)
        confidence = relative.confidence
        if CONFIDENCE in wanted and confidence is not None:
            self._publish_values(CONFIDENCE, frame, confidence)
        if CAMERA_INFO in wanted:
            info = fill_camera_info(
                self._outputs.types.camera_info(), frame.info, frame.image.header, rectified=frame.settings.rectified
            )
            self._publish(CAMERA_INFO, info)
        if self.scale is not None:
            self._publish_metric(frame, rgb, relative.values, wanted=wanted, intrinsics=intrinsics)
        elif COLOR in wanted:
            limits = (frame.settings.color_relative_min, frame.settings.color_relative_max)
            self._publish_color(frame, relative.values, limits)

    def _publish_metric(
        self, frame: Frame, rgb: Picture, relative: Depth, *, wanted: frozenset[str], intrinsics: Intrinsics | None
    ) -> None:
        """Make and publish what needs metres."""
        if self.scale is None or not wanted & {DEPTH, POINTS, COLOR}:
            return
        settings = frame.settings
        metres = Alignment(self.scale.metres_per_unit).apply(relative)
        depth = limit_range(metres, settings.min_range, settings.max_range)
        if DEPTH in wanted:
            self._publish_values(DEPTH, frame, depth)
        if COLOR in wanted:
            self._publish_color(frame, depth, (settings.color_min, settings.color_max))
        if intrinsics is not None and POINTS in wanted:
            self._publish_cloud(frame, depth, rgb, intrinsics)

    def _publish_color(self, frame: Frame, depth: Depth, limits: tuple[float, float]) -> None:
        colors = palette(frame.settings.color_map)
        image = self._image(COLOR, depth.shape, "rgb8")
        colorize(depth, limits, colors, out=image.pixels)
        self._publish_image(COLOR, frame, image)

    def _publish_cloud(self, frame: Frame, depth: Depth, rgb: Picture, intrinsics: Intrinsics) -> None:
        stride = frame.settings.points_stride
        height, width = (-(-side // stride) for side in depth.shape)
        cloud = self._memory.get(POINTS)
        if not isinstance(cloud, CloudMessage) or cloud.points.shape[:2] != (height, width):
            cloud = self._memory[POINTS] = cloud_message(self._outputs.types, height, width)
        fill_cloud(cloud, depth, rgb, intrinsics=intrinsics, stride=stride)
        cloud.message.header = frame.image.header
        self._publish(POINTS, cloud.message)

    def _publish_values(self, topic: str, frame: Frame, values: Depth) -> None:
        image = self._image(topic, values.shape, "32FC1")
        np.copyto(image.pixels, values)
        self._publish_image(topic, frame, image)

    def _image(self, topic: str, shape: tuple[int, ...], encoding: str) -> ImageMessage:
        """Return the memory of a topic: that of the frame before if it had this size."""
        image = self._memory.get(topic)
        if not isinstance(image, ImageMessage) or image.pixels.shape[:2] != shape:
            height, width = shape
            image = self._memory[topic] = image_message(self._outputs.types, height, width, encoding)
        return image

    def _publish_image(self, topic: str, frame: Frame, image: ImageMessage) -> None:
        image.message.header = frame.image.header
        self._publish(topic, image.message)

    def _publish(self, topic: str, message: Any) -> None:
        failure = self._outputs.publish(topic, message)
        if failure:
            self._statistics.count("publish_failed")
            self._problems.report("publish", failure)


def _seconds(stamp: Time) -> float:
    return float(stamp.sec) + float(stamp.nanosec) * 1e-9
