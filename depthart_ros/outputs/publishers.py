"""The output topics: who listens, and publishing that survives a flooded transport."""

from __future__ import annotations

from collections.abc import Callable
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
    qos_policy_name_from_kind,
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
        on_incompatible: gets a sentence about a subscriber that gets nothing.

    Raises:
        ConfigError: a value in `qos_overrides` that does not exist.
    """

    types = ROS_TYPES

    def __init__(self, node: Node, *, prefix: str = "", on_incompatible: Callable[[str], None]) -> None:
        self._node = node
        self._prefix = prefix
        self._publishers: dict[str, Any] = {}
        try:
            for topic, kind in OUTPUT_TYPES.items():
                self._publishers[topic] = self._create(topic, kind, on_incompatible)
        except (InvalidQosOverridesError, ParameterException, RuntimeError) as error:
            self.destroy()
            raise ConfigError(f"the outputs cannot be published: {error}") from error

    def _create(self, topic: str, kind: type[Any], on_incompatible: Callable[[str], None]) -> Any:
        def explain(event: Any) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
            on_incompatible(
                f"a subscriber of {self._prefix}{topic} asks for another {policy} than is offered, so it gets nothing"
            )

        return self._node.create_publisher(
            kind,
            self._prefix + topic,
            QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE),
            event_callbacks=PublisherEventCallbacks(incompatible_qos=explain),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def listened(self) -> frozenset[str]:
        """Return the topics that have a subscriber."""
        return frozenset(topic for topic, publisher in self._publishers.items() if publisher.get_subscription_count())

    def has_mismatch(self) -> bool:
        """Whether somebody asks for another quality of service than is offered, so that nothing comes there."""
        return any(self._is_mismatched(publisher.topic_name) for publisher in self._publishers.values())

    def _is_mismatched(self, topic: str) -> bool:
        """Whether a subscriber of a topic of ours gets nothing; both ends as DDS knows them, without defaults."""
        us = self._node.get_name(), self._node.get_namespace()
        return any(
            qos_check_compatible(ours.qos_profile, theirs.qos_profile)[0] == QoSCompatibility.ERROR
            for ours in self._node.get_publishers_info_by_topic(topic)
            if (ours.node_name, ours.node_namespace) == us
            for theirs in self._node.get_subscriptions_info_by_topic(topic)
        )

    def publish(self, topic: str, message: Any) -> str:
        """Publish a message and return why it could not be, else ""."""
        return publish(self._node, self._publishers[topic], message)

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        while self._publishers:
            self._node.destroy_publisher(self._publishers.popitem()[1])
