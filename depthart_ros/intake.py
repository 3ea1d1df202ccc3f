"""The active phase of the node: subscriptions, the newest-frame slot, the worker, and what becomes of each frame."""

from __future__ import annotations

import time
import traceback
from collections import deque

from builtin_interfaces.msg import Time
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from depthart_core import ConfigError, DepthartError
from depthart_ros.declaration import read_settings
from depthart_ros.parameters import Settings
from depthart_ros.pipeline import Frame, Pipeline
from depthart_ros.problems import REPEAT_AFTER, Problems
from depthart_ros.statistics import Statistics
from depthart_ros.subscription import FollowingSubscription
from depthart_ros.worker import Worker

KEPT_INFOS = 8


class Intake:
    """Exists while the node is active; `close` ends everything it began.

    Args:
        node: that subscribes.
        settings: of this moment, for what is fixed while the node is active.
        pipeline: takes each frame.
        problems: where to report frames that are not used.
        statistics: where to count frames.

    Raises:
        ConfigError: a value in `qos_overrides` that does not exist.
    """

    def __init__(
        self, node: Node, settings: Settings, pipeline: Pipeline, *, problems: Problems, statistics: Statistics
    ) -> None:
        self._node = node
        self._pipeline = pipeline
        self._problems = problems
        self._statistics = statistics
        self._settings = settings
        self._infos: deque[CameraInfo] = deque(maxlen=KEPT_INFOS)
        self._frame_id_expected = True
        self._last_image = time.monotonic()
        self._worker: Worker[Image | CompressedImage] | None = None
        self.image, self.camera_info = self._subscribe(settings)
        self._worker = Worker(
            self._process, on_replaced=lambda: statistics.count("replaced"), on_error=self._report_failure
        )

    def _subscribe(self, settings: Settings) -> tuple[FollowingSubscription, FollowingSubscription]:
        compressed = settings.image_transport == "compressed"
        image = FollowingSubscription(
            self._node,
            CompressedImage if compressed else Image,
            compressed_topic(self._node) if compressed else "image",
            self._on_image,
            mode=settings.image_reliability,
            on_incompatible=self._report_qos,
        )
        try:
            return image, FollowingSubscription(
                self._node,
                CameraInfo,
                "camera_info",
                self._on_camera_info,
                mode="auto",
                on_incompatible=self._report_qos,
            )
        except DepthartError:
            image.destroy()
            raise

    @property
    def silence(self) -> float:
        """Seconds since the last image, or since activation."""
        return time.monotonic() - self._last_image

    @property
    def has_camera_info(self) -> bool:
        """Whether a camera_info was received."""
        return bool(self._infos)

    def recheck(self) -> None:
        """Let the subscriptions follow the publishers that are there now."""
        self.image.recheck()
        self.camera_info.recheck()

    def close(self) -> None:
        """Unsubscribe, let the frame at work finish, and end the worker."""
        self.image.destroy()
        self.camera_info.destroy()
        if self._worker is not None:
            self._worker.stop()
        self._problems.clear("image", "unforeseen", "camera_info", "age", "qos", "publish")

    def _on_image(self, message: Image | CompressedImage) -> None:
        """Count a message and hand it to the worker; runs in the executor, so nothing else."""
        self._last_image = time.monotonic()
        self._problems.clear("qos")
        self._statistics.count("received")
        if self._worker is not None:
            self._worker.put(message)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._infos.append(message)

    def _process(self, message: Image | CompressedImage) -> None:
        """Do one frame, in the worker's thread; `_report_failure` gets what it raises."""
        settings = self._settings = self._settings_now()
        age = self._age(message.header.stamp)
        if settings.max_age and age > settings.max_age:
            self._statistics.count("too_old")
            self._problems.report(
                "age", f"image: its stamp is {age:.3f} s old; expected at most {settings.max_age:g} (parameter max_age)"
            )
            return
        self._problems.clear("age")
        self._warn_of_empty_frame_id(message)
        published = self._pipeline.process(Frame(message, self._info_for(message), settings))
        self._problems.clear("image", "unforeseen")
        if not published:
            self._statistics.count("idle")
            return
        self._statistics.count("processed")
        self._statistics.record("stamp_to_publish", self._age(message.header.stamp))

    def _settings_now(self) -> Settings:
        """Return the parameters; those of the frame before while a request with several of them is being set."""
        try:
            return read_settings(self._node)
        except ConfigError:
            return self._settings

    def _age(self, stamp: Time) -> float:
        """Seconds since a stamp, by the node's clock (simulated time under use_sim_time)."""
        now = int(self._node.get_clock().now().nanoseconds)
        return (now - int(stamp.sec) * 10**9 - int(stamp.nanosec)) * 1e-9

    def _info_for(self, message: Image | CompressedImage) -> CameraInfo | None:
        """Return the camera_info with the stamp of the image (a zoom lens changes it), else the latest."""
        infos = list(self._infos)
        same = [info for info in infos if info.header.stamp == message.header.stamp]
        return (same or infos or [None])[-1]

    def _warn_of_empty_frame_id(self, message: Image | CompressedImage) -> None:
        if self._frame_id_expected and not message.header.frame_id:
            self._frame_id_expected = False
            self._node.get_logger().warning(
                "image: header.frame_id is empty; expected the camera's optical frame, tf needs it to place depth"
            )

    def _report_failure(self, error: Exception) -> None:
        self._statistics.count("failed")
        if isinstance(error, DepthartError):
            self._problems.report("image", str(error))
            return
        if not self._node.context.ok():
            return  # a signal ended ROS under the frame at work
        self._problems.report("unforeseen", f"{type(error).__name__}: {error}")
        self._node.get_logger().error("".join(traceback.format_exception(error)), throttle_duration_sec=REPEAT_AFTER)

    def _report_qos(self, sentence: str) -> None:
        self._problems.report("qos", sentence)


def compressed_topic(node: Node) -> str:
    """Return where compressed images come: as of image_transport, remapping `image` moves `image/compressed` along."""
    moved = node.resolve_topic_name("image")
    in_place = moved == node.resolve_topic_name("image", only_expand=True)
    return "image/compressed" if in_place else f"{moved}/compressed"
