"""CameraNode: publishes pictures and their calibration as a camera driver does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from depthart_ros.inputs.fallback_calibration import pinhole
from depthart_ros.outputs.messages import ImageMessage, image_message
from depthart_ros.outputs.publishers import ROS_TYPES, publish

if TYPE_CHECKING:
    from depthart_ros.driver.sources import SourcePicture
    from depthart_ros.inputs.calibration_file import Calibration


class CameraNode(Node):
    """Publishes `image` (bgr8) and `camera_info` with one stamp: reliable, keep last 1.

    Args:
        source: the pictures; the process ends when they do.
        rate: pictures a second.
        frame_id: of the camera's optical frame.
        calibration: of every picture; None: what the source knows of each.
    """

    def __init__(
        self, source: Iterator[SourcePicture], *, rate: float, frame_id: str, calibration: Calibration | None = None
    ) -> None:
        super().__init__("camera")
        self._source = source
        self._frame_id = frame_id
        self._calibration = calibration
        self._image: ImageMessage | None = None
        qos = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)
        overridable = QoSOverridingOptions.with_default_policies()
        self._images = self.create_publisher(Image, "image", qos, qos_overriding_options=overridable)
        self._infos = self.create_publisher(CameraInfo, "camera_info", qos, qos_overriding_options=overridable)
        self.create_timer(1.0 / rate, self._publish_next)
        self.get_logger().info(f"publishing {self._images.topic_name} and {self._infos.topic_name} at {rate:g} Hz")

    def _publish_next(self) -> None:
        picture = next(self._source, None)
        if picture is None:
            self.get_logger().info("the source has ended")
            raise ExternalShutdownException
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._frame_id)
        height, width = picture.bgr.shape[:2]
        if self._image is None or self._image.pixels.shape != picture.bgr.shape:
            self._image = image_message(ROS_TYPES, height, width, "bgr8")
        np.copyto(self._image.pixels, picture.bgr)
        self._image.message.header = header
        calibration = self._calibration or pinhole(picture.intrinsics)
        # The calibration goes first, so that whoever gets the image has it already.
        for publisher, message in (
            (self._infos, calibration.fill(CameraInfo(header=header))),
            (self._images, self._image.message),
        ):
            failure = publish(self, publisher, message)
            if failure:
                self.get_logger().warning(failure, throttle_duration_sec=10.0)
