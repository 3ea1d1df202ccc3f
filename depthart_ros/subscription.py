"""A subscription whose reliability follows the publishers of its topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import (
    QoSHistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions

from depthart_core import ConfigError
from depthart_ros.parameters import RELIABILITIES

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


class FollowingSubscription:
    """Keeps the last message of a topic; reliable when every publisher offers that, else best effort.

    With Fast DDS a best-effort subscription loses images above 512 KiB, and a reliable one gets nothing from a
    best-effort publisher: so neither can be the rule. The parameter `qos_overrides.<topic>.subscription.reliability`
    forces one, else `mode` does.

    Args:
        node: that subscribes.
        kind: type of the messages.
        topic: to subscribe to.
        callback: gets every message.
        mode: "auto", "reliable" or "best_effort".
        on_incompatible: gets a sentence about a publisher that cannot be heard.
        gate: says when a message may be taken; with it every message is kept until then instead of the last.

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
    ) -> None:
        self.topic: str = node.resolve_topic_name(topic)
        self._node, self._kind, self._name, self._callback = node, kind, topic, callback
        self._mode = _overridden(node, self.topic, mode)
        self._on_incompatible = on_incompatible
        self._gate = gate
        self.reliability = ""
        self._subscription: Any = None
        self.recheck()

    @property
    def publishers(self) -> int:
        """How many publishers the topic has."""
        return int(self._node.count_publishers(self.topic))

    def recheck(self) -> None:
        """Subscribe, or subscribe anew if the publishers now call for another reliability."""
        if self._gate is not None and self._subscription is not None and not self.publishers:
            return  # what a publisher left behind still waits in there
        wanted = self._mode if self._mode != "auto" else self._offered()
        if wanted == self.reliability:
            return
        self.destroy()
        self.reliability = wanted
        try:
            self._subscription = self._create()
        except (InvalidQosOverridesError, RuntimeError) as error:
            raise ConfigError(f"{self.topic} cannot be subscribed to: {error}") from error

    def destroy(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
        self._subscription, self.reliability = None, ""

    def _offered(self) -> str:
        """Return the best that all publishers offer; reliable while there are none."""
        offers = (info.qos_profile.reliability for info in self._node.get_publishers_info_by_topic(self.topic))
        return "best_effort" if QoSReliabilityPolicy.BEST_EFFORT in offers else "reliable"

    def _create(self) -> Any:
        history = QoSHistoryPolicy.KEEP_LAST if self._gate is None else QoSHistoryPolicy.KEEP_ALL
        return self._node.create_subscription(
            self._kind,
            self._name,
            self._callback,
            QoSProfile(depth=1, history=history, reliability=QoSReliabilityPolicy[self.reliability.upper()]),
            callback_group=self._gate,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._explain),
            qos_overriding_options=QoSOverridingOptions([QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH]),
        )

    def _explain(self, event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
        if policy == "reliability" and self._mode == "auto":
            return  # the next recheck cures it
        self._on_incompatible(
            f"a publisher of {self.topic} offers another {policy} than is asked for, so nothing comes from it"
        )


def _overridden(node: Node, topic: str, mode: str) -> str:
    """Return the reliability that `qos_overrides` forces, else `mode`.

    rclpy's own override of this policy would fix the first value chosen, so that it could not follow any more.
    """
    name = f"qos_overrides.{topic}.subscription.reliability"
    if not node.has_parameter(name):
        described = ParameterDescriptor(description=f"one of {', '.join(RELIABILITIES)}", read_only=True)
        node.declare_parameter(name, "auto", described)
    forced = node.get_parameter(name).value
    if forced not in RELIABILITIES:
        raise ConfigError(f"{name} is {forced!r}; expected one of {', '.join(RELIABILITIES)}")
    return mode if forced == "auto" else str(forced)
