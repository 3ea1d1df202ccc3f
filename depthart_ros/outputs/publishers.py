"""The output topics: who listens, and publishing that survives a flooded transport."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sensor_msgs.msg
from rclpy.exceptions import ParameterException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import (
    QoSCompatibility,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField

from depthart_core import ConfigError
from depthart_ros.outputs import topics
from depthart_ros.outputs.messages import MessageTypes

try:
    from rclpy.event_handler import PublisherEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks

ROS_TYPES = MessageTypes(Image, CameraInfo, PointCloud2, PointField)
OUTPUT_TYPES = {topic: getattr(sensor_msgs.msg, name) for topic, name in topics.OUTPUTS.items()}


def publish(node: Node, publisher: Any, message: Any) -> str:
    """Publish a message and return why it could not be (a flooded transport), else "" (also while shutting down)."""
    try:
        publisher.publish(message)
    except (rclpy_implementation.RCLError, rclpy_implementation.InvalidHandle) as error:
        if node.context.ok():
            return f"{publisher.topic} could not be published: {str(error).splitlines()[0]}"
    return ""


class OutputPublishers:
    """The publishers of OUTPUT_TYPES: reliable, keep last 1, volatile, unless `qos_overrides` say otherwise.

    Args:
        node: that publishes.
        prefix: of the topics, "front/" for a camera `front`; "" for the only one.

    Raises:
        ConfigError: a value in `qos_overrides` that does not exist.
    """

    types = ROS_TYPES

    def __init__(self, node: Node, *, prefix: str = "") -> None:
        self._node = node
        self._prefix = prefix
        self._publishers: dict[str, Any] = {}
        try:
            for topic, kind in OUTPUT_TYPES.items():
                self._publishers[topic] = self._create(topic, kind)
        except (InvalidQosOverridesError, ParameterException, RuntimeError) as error:
            self.destroy()
            raise ConfigError(f"the outputs cannot be published: {error}") from error

    def _create(self, topic: str, kind: type[Any]) -> Any:
        return self._node.create_publisher(
            kind,
            self._prefix + topic,
            QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE),
            event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),  # as in inputs/subscription.py
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def subscribed(self) -> frozenset[str]:
        """Return the topics that have a subscriber."""
        return frozenset(topic for topic, publisher in self._publishers.items() if publisher.get_subscription_count())

    def mismatch(self) -> str:
        """Return a sentence about each subscriber that asks for more than is offered, so that it gets nothing."""
        return "; ".join(sorted(set(self._mismatches())))

    def _mismatches(self) -> Iterator[str]:
        for topic, publisher in self._publishers.items():
            for ours, theirs in self._ends(publisher.topic_name):
                compatible, why = qos_check_compatible(ours, theirs)
                if compatible == QoSCompatibility.ERROR:
                    reasons = why.replace("ERROR: ", "").rstrip(";").replace(";", ", ").lower()
                    named = f"a subscriber of {self._prefix}{topic}"
                    yield f"{named} asks for more than is offered, so it gets nothing ({reasons})"

    def _ends(self, topic: str) -> Iterator[tuple[QoSProfile, QoSProfile]]:
        """Yield what we offer on a topic with what each subscriber asks for: as DDS knows them, without defaults."""
        us = self._node.get_name(), self._node.get_namespace()
        for ours in self._node.get_publishers_info_by_topic(topic):
            if (ours.node_name, ours.node_namespace) == us:
                for theirs in self._node.get_subscriptions_info_by_topic(topic):
                    yield ours.qos_profile, theirs.qos_profile

    def publish(self, topic: str, message: Any) -> str:
        """Publish a message and return why it could not be, else ""."""
        return publish(self._node, self._publishers[topic], message)

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        while self._publishers:
            self._node.destroy_publisher(self._publishers.popitem()[1])
