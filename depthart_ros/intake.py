"""What one camera does while the node is active: its subscriptions, its queue to the worker, the fate of each frame."""

from __future__ import annotations

import time
import traceback
from collections import deque
from dataclasses import dataclass
from statistics import median

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from depthart_core import BackendError, ConfigError, DepthartError
from depthart_ros.diagnostics.problems import REPEAT_AFTER, Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.inputs.camera_info_buffer import CameraInfoBuffer
from depthart_ros.inputs.subscription import FollowingSubscription, Gate, compressed_topic
from depthart_ros.inputs.timeliness import Timeliness
from depthart_ros.parameters.reading import LastSettings
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import Frame, Pipeline
from depthart_ros.worker import Handler, Worker

INTERVALS = 5  # that say what is usual between images
LINGER = 5.0  # seconds that images are still taken after the last listener left
FRAME_PROBLEMS = (
    "image",
    "unforeseen",
    "camera_info",
    "age",
    "waited",
    "future",
    "qos",
    "camera_info_qos",
    "subscription",
    "publish",
)
"""Kinds of problems that end when frames do."""


@dataclass(frozen=True)
class Arrival:
    """An image and when it came.

    Attributes:
        image: the message.
        moment: of its arrival, by `time.monotonic`.
        age: seconds from its stamp to its arrival, None where that is unknown.
    """

    image: Image | CompressedImage
    moment: float
    age: float | None = None


class Intake:
    """Exists while the node is active; `close` ends everything it began but the worker.

    Args:
        node: that subscribes.
        camera: its name, which stands before its topics and parameters; "" for the only one.
        worker: that processes the frames.
        settings: the camera's.
        pipeline: takes each frame.
        problems: where to report frames that are not used.
        statistics: where to count frames.

    Raises:
        ConfigError: a value in `qos_overrides` that does not exist.
    """

    def __init__(
        self,
        node: Node,
        camera: str,
        worker: Worker,
        *,
        settings: LastSettings,
        pipeline: Pipeline,
        problems: Problems,
        statistics: Statistics,
    ) -> None:
        self._node, self._settings, self._pipeline = node, settings, pipeline
        self._problems, self._statistics = problems, statistics
        clock = node.get_clock()
        self._timeliness = Timeliness(lambda: int(clock.now().nanoseconds), problems, statistics)
        self._camera_infos = CameraInfoBuffer(keep_all=settings.last.process_all)
        self._last_image = self._last_wanted = time.monotonic()
        self._intervals = deque[float](maxlen=INTERVALS)
        self._image_came = False  # of this subscription
        self._queue = worker.add_queue(
            Handler(self._process, lambda: statistics.count("replaced"), self._report_failure, self._wake)
        )
        self.image, self.camera_info = self._subscribe(f"{camera}/" if camera else "", settings.last)

    def _subscribe(self, prefix: str, settings: Settings) -> tuple[FollowingSubscription, FollowingSubscription]:
        compressed = settings.image_transport == "compressed"
        image = FollowingSubscription(
            self._node,
            CompressedImage if compressed else Image,
            compressed_topic(self._node, f"{prefix}image") if compressed else f"{prefix}image",
            self._on_image,
            mode=settings.image_reliability,
            on_incompatible=lambda sentence: self._problems.report("qos", sentence),
            gate=Gate(lambda: self._queue.has_room) if settings.process_all else None,
        )
        try:
            return image, FollowingSubscription(
                self._node,
                CameraInfo,
                f"{prefix}camera_info",
                self._on_camera_info,
                mode="auto",
                on_incompatible=lambda sentence: self._problems.report("camera_info_qos", sentence),
                gate=Gate(lambda: True) if settings.process_all else None,
                latched=True,
            )
        except DepthartError:
            image.destroy()
            raise

    @property
    def silence(self) -> float:
        """Seconds since the last image, or since it was subscribed to; 0 while none is taken."""
        return time.monotonic() - self._last_image if self.image.reliability and not self.full else 0.0

    @property
    def interval(self) -> float:
        """Seconds from one image to the next, as was usual lately; 0 before two came."""
        return median(self._intervals) if self._intervals else 0.0

    @property
    def has_camera_info(self) -> bool:
        """Whether a camera_info was received."""
        return self._camera_infos.any

    @property
    def full(self) -> bool:
        """Whether images have to wait before they are even taken."""
        return not self._queue.has_room

    @property
    def waiting(self) -> int:
        """How many images wait for the worker."""
        return self._queue.waiting

    def recheck(self, *, wanted: bool) -> None:
        """Let the subscriptions follow the publishers that are there now; without any while nobody wants depth.

        Args:
            wanted: whether somebody listens to an output.
        """
        now = time.monotonic()
        if wanted or self._settings.last.process_all:
            self._last_wanted = now
        if now - self._last_wanted < LINGER:
            if not self.image.reliability:
                self._last_image, self._image_came = now, False
            try:
                self.image.recheck()
                self.camera_info.recheck()
                self._problems.clear("subscription")
            except ConfigError as error:
                if self._node.context.ok():  # else a signal ended ROS meanwhile
                    self._problems.report("subscription", str(error))
        else:
            self.close()
            self._problems.clear(*FRAME_PROBLEMS)  # again and again: a frame may still have been at work

    def close(self) -> None:
        """Unsubscribe; what waits and what is at work is the worker's to end."""
        self.image.destroy()
        self.camera_info.destroy()

    def _on_image(self, message: Image | CompressedImage) -> None:
        """Count a message and hand it to the worker; runs in the executor, so nothing else."""
        before, self._last_image = self._last_image, time.monotonic()
        if self._image_came:
            self._intervals.append(self._last_image - before)
        self._image_came = True
        self._problems.clear("qos")
        self._statistics.count("received")
        self._queue.put(Arrival(message, self._last_image, self._timeliness.age(message.header.stamp)))

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._problems.clear("camera_info_qos")
        self._camera_infos.add(message)

    def _wake(self) -> None:
        """Let the executor look again at what it had to leave while the queue was full."""
        executor = self._node.executor
        if executor is not None:
            executor.wake()

    def _process(self, arrival: Arrival) -> None:
        """Do one frame, in the worker's thread; `_report_failure` gets what it raises."""
        settings = self._settings.now()
        message = arrival.image
        if not self._timeliness.passes(message.header.stamp, settings, waited=time.monotonic() - arrival.moment):
            self._problems.clear("image", "unforeseen")
            return
        self._warn_of_empty_frame_id(message)
        info = self._camera_infos.of(message.header.stamp)
        deadline = _deadline(arrival, settings)
        published = self._pipeline.process(Frame(message, info, settings, deadline, self.image.topic))
        self._problems.clear("image", "unforeseen")
        if not published:
            self._statistics.count("idle")
            return
        now = time.monotonic()
        self._statistics.count("processed")
        self._statistics.record("stamp_to_arrival", arrival.age)
        self._statistics.record("stamp_to_publish", self._timeliness.age(message.header.stamp))
        self._statistics.record("arrival_to_publish", now - arrival.moment)
        if deadline is not None and now > deadline:
            self._statistics.count("late")

    def _warn_of_empty_frame_id(self, message: Image | CompressedImage) -> None:
        if not message.header.frame_id:
            self._problems.say_once(
                "image: header.frame_id is empty; expected the camera's optical frame, tf needs it to place depth"
            )

    def _report_failure(self, error: Exception) -> None:
        self._statistics.count("failed")
        if isinstance(error, BackendError):  # the image is not to blame
            self._problems.report("unforeseen", str(error))
            if error.__cause__ is not None:
                self._log_all_of(error)
            return
        if isinstance(error, DepthartError):
            self._problems.report("image", str(error))
            return
        if not self._node.context.ok():
            return  # a signal ended ROS under the frame at work
        self._problems.report("unforeseen", f"{type(error).__name__}: {error}")
        self._log_all_of(error)

    def _log_all_of(self, error: Exception) -> None:
        self._node.get_logger().error("".join(traceback.format_exception(error)), throttle_duration_sec=REPEAT_AFTER)


def _deadline(arrival: Arrival, settings: Settings) -> float | None:
    """Return when a frame's outputs should be published; where all frames queue up, counted from its turn."""
    if not settings.deadline_ms:
        return None
    start = time.monotonic() if settings.process_all else arrival.moment
    return start + settings.deadline_ms * 1e-3
