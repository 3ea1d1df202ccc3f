"""What the demo listens to: every topic as raw bytes, the newest seconds kept, latencies measured on the way."""

from __future__ import annotations

import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image

from depthart_ros.outputs.publishers import OUTPUT_TYPES
from depthart_ros.outputs.topics import DEPTH

IMAGE, DIAGNOSTICS = "image", "/diagnostics"
STATUS = "/depth_node: depth"
"""Name of the status in which the node speaks of itself."""
TOPICS: dict[str, type[Any]] = {IMAGE: Image, "camera_info": CameraInfo, **OUTPUT_TYPES, DIAGNOSTICS: DiagnosticArray}
Stamp = tuple[int, int]
T = TypeVar("T")


def type_of(topic: str) -> type[Any]:
    """Return the type of a topic's messages."""
    return TOPICS[topic if topic in TOPICS else topic.partition("/")[2]]


@dataclass(frozen=True)
class Message:
    """One message as it came over DDS.

    Attributes:
        topic: one of TOPICS; CAMERA/TOPIC where there are several cameras.
        received: when [ns since 1970].
        data: serialised (CDR).
    """

    topic: str
    received: int
    data: bytes

    @property
    def stamp(self) -> Stamp:
        """Seconds and nanoseconds of its header: every message of TOPICS begins with one."""
        little_endian = self.data[1] & 1
        return struct.unpack_from("<iI" if little_endian else ">iI", self.data, 4)

    def parsed(self) -> Any:
        """Return the message object."""
        return deserialize_message(self.data, type_of(self.topic))


class Recorder:
    """A node that hears topics of the demo, for the time of a `with` block.

    Args:
        keep: seconds of messages to hold.
        topics: to hear, all TOPICS by default; CAMERA/TOPIC where there are several cameras.

    Attributes:
        counts: messages by topic.
        latencies: from the stamp of each depth to its arrival here [s].
        status: the newest that the node gave of itself, None before the first.
    """

    def __init__(self, keep: float, topics: Sequence[str] = tuple(TOPICS)) -> None:
        self.counts: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.status: DiagnosticStatus | None = None
        self._keep = int(keep * 1e9)
        self._topics = topics
        self._recent: deque[Message] = deque()

    def __enter__(self) -> Recorder:
        """Join the DDS domain and subscribe."""
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("depthart_demo", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        for topic in self._topics:
            hear = partial(self._hear, topic)
            self._node.create_subscription(type_of(topic), topic, hear, QoSProfile(depth=10), raw=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the domain."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def listen(self, seconds: float, *, until: Callable[[], bool] = lambda: False) -> float:
        """Take messages for some seconds, or until a condition holds; returns the seconds that passed."""
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds and not until():
            self._executor.spin_once(timeout_sec=0.1)
        return passed

    def forget(self) -> None:
        """Start counting and measuring anew."""
        self.counts.clear()
        self.latencies.clear()

    def recent(self) -> Sequence[Message]:
        """Return the messages of the last seconds, oldest first."""
        return tuple(self._recent)

    @property
    def refused(self) -> bool:
        """Whether the node reports an error: it will not run as it was started."""
        unable = self.status is not None and self.status.level == DiagnosticStatus.ERROR
        return unable and self.values.get("lifecycle") != "active"

    @property
    def values(self) -> dict[str, str]:
        """The node's latest diagnostic values, empty before it spoke."""
        return {} if self.status is None else {entry.key: entry.value for entry in self.status.values}

    def _hear(self, topic: str, data: bytes) -> None:
        message = Message(topic, time.time_ns(), data)
        self.counts[topic] += 1
        if topic == DEPTH:
            seconds, nanoseconds = message.stamp
            self.latencies.append(message.received / 1e9 - seconds - nanoseconds / 1e9)
        if topic == DIAGNOSTICS:
            self.status = depth_status(message) or self.status
        self._recent.append(message)
        while self._recent[0].received < message.received - self._keep:
            self._recent.popleft()


def depth_status(message: Message) -> DiagnosticStatus | None:
    """Return what depth_node says of itself in a message of DIAGNOSTICS, None where another node speaks."""
    return next((status for status in message.parsed().status if status.name == STATUS), None)


def complete_frames(messages: Sequence[Message], topics: Sequence[str]) -> list[dict[str, Message]]:
    """Return for each stamp that came on all of `topics` its messages by topic, oldest first."""
    frames: dict[Stamp, dict[str, Message]] = {}
    for message in messages:
        if message.topic in topics:
            frames.setdefault(message.stamp, {})[message.topic] = message
    return [frame for _, frame in sorted(frames.items()) if len(frame) == len(topics)]


def spread(items: Sequence[T], count: int) -> list[T]:
    """Return up to `count` items, evenly spread over all of them."""
    if len(items) <= count:
        return list(items)
    return [items[(2 * place + 1) * len(items) // (2 * count)] for place in range(count)]
