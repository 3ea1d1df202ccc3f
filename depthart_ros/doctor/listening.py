"""A look at a running graph: topics with types, QoS and rates, and what a depth node says of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from depthart_ros.inputs.subscription import best_offered, type_name
from depthart_ros.outputs.topics import RELATIVE

NAME = "depthart_doctor"
KINDS = {type_name(kind): kind for kind in (Image, CompressedImage, CameraInfo, PointCloud2, DiagnosticArray)}
UNHEARD = "/compressedDepth"
"""End of the names of topics that are not listened to: drivers offer them for colour, too, and send nothing there."""
SCAN_PERIOD = 0.5


@dataclass
class Topic:
    """A topic whose messages are of one of KINDS.

    Attributes:
        name: fully qualified.
        kind: its type's name.
        publishers: endpoint infos of rclpy.
        subscribers: likewise, without our own.
        heard: whether we subscribed to it.
        times: when messages came [s].
        first: the first message, deserialised; None before it came.
        statuses: the newest status of each name, where these are diagnostics.
    """

    name: str
    kind: str
    publishers: list[Any] = field(default_factory=list)
    subscribers: list[Any] = field(default_factory=list)
    heard: bool = False
    times: list[float] = field(default_factory=list)
    first: Any = None
    statuses: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Messages a second between the first and the last, 0 of fewer than two."""
        span = self.times[-1] - self.times[0] if len(self.times) > 1 else 0.0
        return (len(self.times) - 1) / span if span else 0.0

    def is_published_by(self, nodes: Collection[str]) -> bool:
        """Whether one of some nodes, by their fully qualified names, publishes it."""
        return any(endpoint_name(publisher) in nodes for publisher in self.publishers)


@dataclass(frozen=True)
class Graph:
    """What was seen and heard.

    Attributes:
        middleware: identifier of the RMW that is in use.
        topics: by name, all whose messages are of one of KINDS.
        depth_nodes: fully qualified names of the nodes that publish relative depth.
        seconds: how long we listened.
    """

    middleware: str
    topics: dict[str, Topic]
    depth_nodes: frozenset[str]
    seconds: float


def listen(seconds: float) -> Graph:
    """Join the ROS graph and listen; outputs of a depth node are heard only where somebody else listens too.

    (A subscription makes the node work, and say that it lacks what only that output needs.)

    Args:
        seconds: for how long.
    """
    context = rclpy.Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = Node(NAME, context=context, start_parameter_services=False, enable_rosout=False)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        topics: dict[str, Topic] = {}
        start, scanned = time.monotonic(), float("-inf")
        while (now := time.monotonic()) < start + seconds:
            if now - scanned > SCAN_PERIOD:
                scanned = now
                _scan(node, topics)
            executor.spin_once(timeout_sec=0.1)
        _scan(node, topics)
        depth_nodes = _depth_nodes(topics)
        executor.shutdown()
        node.destroy_node()
        return Graph(rclpy.get_rmw_implementation_identifier(), topics, depth_nodes, seconds)
    finally:
        rclpy.shutdown(context=context)


def endpoint_name(endpoint: Any) -> str:
    """Return the fully qualified name of the node of an endpoint."""
    return f"{endpoint.node_namespace.rstrip('/')}/{endpoint.node_name}"


def reliability_of(endpoints: list[Any]) -> str:
    """Return the reliability that all of some publishers offer: "best_effort" if any of them does."""
    reliability: str = best_offered([end.qos_profile for end in endpoints])[0].name
    return reliability.lower()


def _scan(node: Node, topics: dict[str, Topic]) -> None:
    """Note who publishes and subscribes now, and subscribe to what is new."""
    for name, kinds in node.get_topic_names_and_types():
        if not any(kind in KINDS for kind in kinds):
            continue
        publishers = node.get_publishers_info_by_topic(name)
        sent = [info.topic_type for info in publishers]  # which counts more than what is asked for
        kind = next(kind for kind in (*sent, *kinds) if kind in KINDS)
        topic = topics.setdefault(name, Topic(name, kind))
        topic.kind = topic.kind if topic.heard else kind
        topic.publishers = publishers
        infos = node.get_subscriptions_info_by_topic(name)
        topic.subscribers = [info for info in infos if info.node_name != NAME]
    depth_nodes = _depth_nodes(topics)
    for topic in topics.values():
        made_on_demand = KINDS[topic.kind] is not DiagnosticArray and topic.is_published_by(depth_nodes)
        unwanted = made_on_demand and not topic.subscribers
        if topic.publishers and not topic.heard and not unwanted and not topic.name.endswith(UNHEARD):
            _subscribe(node, topic)


def _subscribe(node: Node, topic: Topic) -> None:
    topic.heard = True
    # Also what was sent once, before: a camera_info.
    reliability, durability = best_offered([publisher.qos_profile for publisher in topic.publishers])
    qos = QoSProfile(depth=10, reliability=reliability, durability=durability)
    hear: Callable[[bytes], None] = partial(_hear, topic)
    node.create_subscription(KINDS[topic.kind], topic.name, hear, qos, raw=True)


def _hear(topic: Topic, data: bytes) -> None:
    topic.times.append(time.monotonic())
    kind = KINDS[topic.kind]
    if topic.first is None:
        topic.first = deserialize_message(data, kind)
    if kind is DiagnosticArray:
        topic.statuses |= {status.name: status for status in deserialize_message(data, kind).status}


def _depth_nodes(topics: dict[str, Topic]) -> frozenset[str]:
    """Return the nodes that publish relative depth."""
    return frozenset(
        endpoint_name(publisher)
        for topic in topics.values()
        if topic.name.endswith(f"/{RELATIVE}")
        for publisher in topic.publishers
    )
