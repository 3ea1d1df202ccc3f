"""A subscription whose quality of service follows the publishers of its topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    QoSReliabilityPolicy,
)
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions

from depthart_core import ConfigError
from depthart_ros.inputs.topics import COMPRESSED_SUFFIX, InputTopic
from depthart_ros.parameters.settings import RELIABILITIES

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks


class Gate(MutuallyExclusiveCallbackGroup):
    """Lets the executor take a message only while there is room for it; the others stay in the middleware.

    Args:
        is_open: whether there is room.
    """

    def __init__(self, is_open: Callable[[], bool]) -> None:
        super().__init__()
        self._is_open = is_open

    def can_execute(self, entity: Any) -> bool:
        """Whether a message may be taken now."""
        return self._is_open() and bool(super().can_execute(entity))


def type_name(kind: type[Any]) -> str:
    """Return the name of a class of messages as the graph tells it, such as sensor_msgs/msg/Image."""
    return f"{kind.__module__.partition('.')[0]}/msg/{kind.__name__}"


def best_offered(offers: Sequence[QoSProfile]) -> tuple[QoSReliabilityPolicy, QoSDurabilityPolicy]:
    """Return the best reliability and durability that all publishers offer; reliable and volatile without any."""
    poor = any(offer.reliability == QoSReliabilityPolicy.BEST_EFFORT for offer in offers)
    kept = {offer.durability for offer in offers} == {QoSDurabilityPolicy.TRANSIENT_LOCAL}
    return (
        QoSReliabilityPolicy.BEST_EFFORT if poor else QoSReliabilityPolicy.RELIABLE,
        QoSDurabilityPolicy.TRANSIENT_LOCAL if kept else QoSDurabilityPolicy.VOLATILE,
    )


class FollowingSubscription:
    """Keeps the last message of a topic; reliable when every publisher offers that, else best effort.

    With Fast DDS a best-effort subscription loses images above 512 KiB, and a reliable one gets nothing from a
    best-effort publisher: so neither can be the rule. The parameter `qos_overrides.<topic>.subscription.reliability`
    forces one, else `mode` does. Publishers of another type, which can never be heard, do not count.

    It goes without the events of the middleware: with several threads rclpy dies of one that is removed while it waits.

    Args:
        node: that subscribes.
        kind: type of the messages.
        topic: to subscribe to.
        callback: gets every message.
        mode: "auto", "reliable" or "best_effort".
        on_incompatible: gets a sentence about a publisher that cannot be heard.
        gate: says when a message may be taken; with it every message is kept until then instead of the last.
        latched: whether to ask for what was sent before, where every publisher keeps it (transient_local).

    Raises:
        ConfigError: a value in `qos_overrides` that does not exist.
    """

    def __init__(
        self,
        node: Node,
        kind: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        *,
        mode: str,
        on_incompatible: Callable[[str], None],
        gate: Gate | None = None,
        latched: bool = False,
    ) -> None:
        self._type = type_name(kind)
        self.topic: str = node.resolve_topic_name(topic)
        self._node, self._kind, self._name, self._callback = node, kind, topic, callback
        self._mode = _overridden(node, self.topic, mode)
        self._on_incompatible = on_incompatible
        self._gate = gate
        self._latched = latched
        self.reliability, self._durability = "", QoSDurabilityPolicy.VOLATILE
        self._subscription: Any = None
        self._unheard = 0  # publishers that offer too little, when we last looked
        self.recheck()

    def state(self) -> InputTopic:
        """Return what is known of the topic now."""
        kinds = [info.topic_type for info in self._node.get_publishers_info_by_topic(self.topic)]
        other_types = tuple(sorted({*kinds} - {self._type}))
        return InputTopic(self.topic, self._type, kinds.count(self._type), other_types, self.reliability)

    def recheck(self) -> None:
        """Subscribe, or subscribe anew if the publishers now call for another quality of service.

        Raises:
            ConfigError: it is refused.
        """
        offers = self._offers()
        if self._subscription is None or offers:  # else what a publisher left behind may still wait in there
            self._follow(offers)
        self._report_unheard(offers)

    def _follow(self, offers: list[QoSProfile]) -> None:
        wanted = self._wanted(offers)
        if wanted == (self.reliability, self._durability):
            return
        self.destroy()
        try:
            self._subscription = self._create(*wanted)
        except (InvalidQosOverridesError, ParameterException, RuntimeError) as error:
            raise ConfigError(f"{self.topic} cannot be subscribed to: {error}") from error
        self.reliability, self._durability = wanted

    def destroy(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._subscription, self.reliability, self._unheard = None, "", 0

    def _offers(self) -> list[QoSProfile]:
        """Return what each publisher of our type offers."""
        infos = self._node.get_publishers_info_by_topic(self.topic)
        return [info.qos_profile for info in infos if info.topic_type == self._type]

    def _wanted(self, offers: list[QoSProfile]) -> tuple[str, QoSDurabilityPolicy]:
        """Return reliability and durability to ask for."""
        reliability, durability = best_offered(offers)
        return (
            reliability.name.lower() if self._mode == "auto" else self._mode,
            durability if self._latched else QoSDurabilityPolicy.VOLATILE,
        )

    def _create(self, reliability: str, durability: QoSDurabilityPolicy) -> Any:
        history = QoSHistoryPolicy.KEEP_LAST if self._gate is None else QoSHistoryPolicy.KEEP_ALL
        return self._node.create_subscription(
            self._kind,
            self._name,
            self._callback,
            QoSProfile(
                depth=1,
                history=history,
                reliability=QoSReliabilityPolicy[reliability.upper()],
                durability=durability,
            ),
            callback_group=self._gate,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            qos_overriding_options=QoSOverridingOptions([QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH]),
        )

    def _report_unheard(self, offers: list[QoSProfile]) -> None:
        """Report a publisher that came and offers too little: only a forced reliability can ask for more."""
        unheard = sum(
            offer.reliability == QoSReliabilityPolicy.BEST_EFFORT and self.reliability == "reliable" for offer in offers
        )
        if unheard > self._unheard:
            self._on_incompatible(
                f"a publisher of {self.topic} offers another reliability than is asked for, so nothing comes from it"
            )
        self._unheard = unheard


def _overridden(node: Node, topic: str, mode: str) -> str:
    """Return the reliability that `qos_overrides` forces, else `mode`.

    rclpy's own override of this policy would fix the first value chosen, so that it could not follow any more.
    """
    name = f"qos_overrides.{topic}.subscription.reliability"
    if not node.has_parameter(name):
        described = ParameterDescriptor(description=f"one of {', '.join(RELIABILITIES)}", read_only=True)
        try:
            node.declare_parameter(name, "auto", described)
        except ParameterException as error:
            raise ConfigError(f"{name} is no string; expected one of {', '.join(RELIABILITIES)}") from error
    forced = node.get_parameter(name).value
    if forced not in RELIABILITIES:
        raise ConfigError(f"{name} is {forced!r}; expected one of {', '.join(RELIABILITIES)}")
    return mode if forced == "auto" else str(forced)


def compressed_topic(node: Node, image: str) -> str:
    """Return where compressed images come: as of image_transport, remapping a topic moves its `/compressed` along."""
    moved = node.resolve_topic_name(image)
    in_place = moved == node.resolve_topic_name(image, only_expand=True)
    return (image if in_place else moved) + COMPRESSED_SUFFIX
