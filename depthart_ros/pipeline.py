"""From one image message to the published outputs: decode, infer, publish, each only as far as somebody listens.

`depthart bag` sends the frames of a bag through it, too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from depthart_core import DepthEstimator, RelativeDepth, ScaleGuess
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.inputs.calibrated_picture import CalibratedPicture, Picture, PictureCalibrator
from depthart_ros.inputs.conversions import check_picture, picture_of
from depthart_ros.inputs.throttle import Throttle
from depthart_ros.outputs.depth_frame import DepthFrame
from depthart_ros.outputs.message_builder import MessageBuilder
from depthart_ros.outputs.messages import MessageTypes
from depthart_ros.outputs.scaling import Scaling, scale_possible
from depthart_ros.outputs.topics import CAMERA_INFO, CONFIDENCE, METRIC, POINTS, RELATIVE
from depthart_ros.parameters.settings import Settings

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from sensor_msgs.msg import CameraInfo, CompressedImage, Image

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
        topic: where the image came, "" where that is unknown.
    """

    image: Image | CompressedImage
    info: CameraInfo | None
    settings: Settings
    deadline: float | None = None
    topic: str = ""


class Outputs(Protocol):
    """Where outputs go: to the publishers of a node, or into a bag."""

    @property
    def types(self) -> MessageTypes:
        """The classes of the messages it takes."""
        ...

    def subscribed(self) -> frozenset[str]:
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
        newest_frame: the newest frame with its depth, None before the first.
        skipped: whether the newest frame was left out for no other reason than the cloud's own rate.
        frame_requested: whether depth is to be made though nobody listens.
    """

    def __init__(self, estimator: DepthEstimator, outputs: Outputs, problems: Problems, statistics: Statistics) -> None:
        self._estimator = estimator
        self._outputs = outputs
        self._problems = problems
        self._statistics = statistics
        self._builder = MessageBuilder(outputs.types)
        self._calibrator = PictureCalibrator(outputs.types.camera_info, problems)
        self._scaling = Scaling()
        self._cloud_throttle = Throttle()
        self._to_publish = 0.0  # seconds that publishing is expected to take
        self.scale: ScaleGuess | None = None
        self.newest_frame: DepthFrame | None = None
        self.skipped = False
        self.frame_requested = False

    def process(self, frame: Frame) -> bool:
        """Publish what somebody listens to; returns whether anything could be published.

        Raises:
            DepthartError: the image cannot be used, or the model's answer to it.
        """
        check_picture(frame.image, max_pixels=frame.settings.max_pixels)  # also while nobody listens: it costs nothing
        possible = self._possible(frame)
        wanted = self._throttled(possible, frame)
        self.skipped = bool(possible) and not wanted
        if self.skipped:
            return False
        if not wanted:
            self.scale = None
            return False
        start = time.perf_counter()
        picture = self._picture(frame, possible)
        if picture.intrinsics is None:
            wanted -= {POINTS, CAMERA_INFO} if frame.settings.scale_source == "given" else METRIC
        if not wanted:
            self.scale = None
            return False
        decoded = time.perf_counter()
        relative = self._estimate(frame, picture.rgb, wanted)
        inferred = time.perf_counter()
        stamp = _seconds(frame.image.header.stamp)
        scale = self._scaling.of(relative, picture.intrinsics, frame.settings, stamp=stamp)
        depth_frame = DepthFrame(frame.image.header, picture, relative, scale, frame.settings)
        has_depth = relative.values.size > 0
        if has_depth or POINTS not in possible:  # else the newest with depth is still that of the last cloud
            self.scale = scale
            # Kept also where somebody has the outputs already, who may ask for a snapshot of them.
            self.newest_frame = depth_frame if has_depth else None
        self._publish(depth_frame, wanted)
        published = time.perf_counter()
        self._to_publish = max(published - inferred, FADING * self._to_publish)
        self._statistics.record("decode", decoded - start)
        self._statistics.record("infer", inferred - decoded if has_depth else None)
        self._statistics.record("publish", published - inferred)
        return True

    def _picture(self, frame: Frame, possible: frozenset[str]) -> CalibratedPicture:
        """Decode the image and find its calibration; what is wrong with that is reported where an output needs it."""
        rgb = picture_of(frame.image, max_pixels=frame.settings.max_pixels)
        if needs_calibration(frame.settings, possible):
            return self._calibrator.of(rgb, frame.info, frame.settings, topic=frame.topic)
        self._problems.clear("camera_info")
        return self._calibrator.quietly(rgb, frame.info, frame.settings)

    def _estimate(self, frame: Frame, rgb: Picture, wanted: frozenset[str]) -> RelativeDepth:
        """Return relative depth, with as many scales as leave time to publish before the deadline."""
        if wanted == {CAMERA_INFO}:
            return RelativeDepth(np.empty((0, 0), np.float32))
        deadline = None if frame.deadline is None else frame.deadline - self._to_publish
        relative = self._estimator(rgb, deadline=deadline)
        self._statistics.record_scales(relative.scales)
        return relative

    def _possible(self, frame: Frame) -> frozenset[str]:
        """Return what is listened to or asked for, as far as this model can fill it with these settings."""
        wanted = self._outputs.subscribed() | ({RELATIVE} if self.frame_requested else frozenset())
        heads = self._estimator.heads
        if not heads:
            wanted -= {CONFIDENCE}
        return wanted if scale_possible(frame.settings, heads=heads) else wanted - METRIC

    def _throttled(self, possible: frozenset[str], frame: Frame) -> frozenset[str]:
        """Return the outputs without the cloud where that has been made often enough."""
        rate = frame.settings.points_max_rate
        if POINTS in possible and not self._cloud_throttle.passes(_seconds(frame.image.header.stamp), rate):
            return possible - {POINTS}
        return possible

    def _publish(self, depth_frame: DepthFrame, wanted: frozenset[str]) -> None:
        """Make and publish every wanted output."""
        self._problems.clear("publish")
        for topic, message in self._builder.messages(depth_frame, wanted):
            failure = self._outputs.publish(topic, message)
            if failure:
                self._statistics.count("publish_failed")
                self._problems.report("publish", failure)


def needs_calibration(settings: Settings, wanted: frozenset[str]) -> bool:
    """Whether these outputs need to know the camera."""
    return settings.rectify or settings.scale_source == "model" or bool(wanted & {POINTS, CAMERA_INFO})


def _seconds(stamp: Time) -> float:
    return float(stamp.sec) + float(stamp.nanosec) * 1e-9
