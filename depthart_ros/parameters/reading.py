"""The parameters on a node as they are now: the settings of a camera, whose own values come before those of all."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rclpy.node import Node

from depthart_core import ConfigError
from depthart_ros.parameters.settings import OWN, SPECS, Settings


def cameras_of(node: Node) -> tuple[str, ...]:
    """Return the names of the cameras, none where there is but one, without a name."""
    return tuple(node.get_parameter("cameras").value or ())


def read_settings(node: Node, camera: str = "", changes: Mapping[str, Any] | None = None) -> Settings:
    """Return the parameters of a camera as they are now.

    Args:
        node: that has them.
        camera: whose own parameters (`CAMERA.scale`) come first; "" for those of all cameras.
        changes: values by name that count instead of the present ones.

    Raises:
        ConfigError: two of them contradict each other; names the camera.
    """
    try:
        return Settings.from_values(_values(node, camera, changes or {}))
    except ConfigError as error:
        raise ConfigError(f"{camera}: {error}" if camera else str(error)) from error


class LastSettings:
    """The parameters of a camera; of those that are set together it sees all the old values or all the new ones.

    Args:
        node: whose parameters they are.
        camera: see `read_settings`.
        lock: is held while several are set together.

    Attributes:
        last: the newest that were read.
    """

    def __init__(self, node: Node, camera: str, lock: threading.Lock) -> None:
        self._node, self._camera, self._lock = node, camera, lock
        self.last = Settings()

    def read(self) -> Settings:
        """Return the parameters.

        Raises:
            ConfigError: they contradict each other.
        """
        with self._lock:
            self.last = read_settings(self._node, self._camera)
        return self.last

    def now(self) -> Settings:
        """Return the parameters; while they contradict each other, the last ones that did not."""
        with suppress(ConfigError):
            self.read()
        return self.last


def _values(node: Node, camera: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that hold for a camera once some changes are made, by name."""

    def value_of(name: str) -> Any:
        if name in changes:
            return changes[name]
        return node.get_parameter(name).value if node.has_parameter(name) else None

    values = {name: value_of(name) for name in SPECS}
    if camera:
        own = {name: value_of(f"{camera}.{name}") for name in OWN}
        values |= {name: value for name, value in own.items() if value is not None}
    return values
