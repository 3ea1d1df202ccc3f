"""The parameter table, declared on a node; bad values are refused with their reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from depthart_core import ConfigError
from depthart_ros.parameters import DEFAULTS, SPECS, Settings, checked


def declare_parameters(node: Node) -> dict[str, str]:
    """Declare every parameter of SPECS and let a callback check later changes.

    Returns:
        Why values given at start are refused, by parameter, which has its default then; setting it to a valid value
        removes the entry.
    """
    refused: dict[str, str] = {}
    node.add_on_set_parameters_callback(lambda changes: _check_changes(node, changes, refused))
    for name in SPECS:
        reason = _declare(node, name)
        if reason:
            refused[name] = reason
    return refused


def read_settings(node: Node) -> Settings:
    """Return the parameters as they are now.

    Raises:
        ConfigError: two of them contradict each other.
    """
    return Settings.from_values({name: node.get_parameter(name).value for name in SPECS})


def descriptor(name: str) -> ParameterDescriptor:
    """Return what ROS tools show of a parameter.

    Floating-point parameters are typed dynamically, so that `scale:=2` is as good as `scale:=2.0`.
    """
    spec, default = SPECS[name], DEFAULTS[name]
    result = ParameterDescriptor(
        name=name,
        description=spec.description,
        additional_constraints=spec.allowed,
        read_only=not spec.dynamic,
        dynamic_typing=isinstance(default, float),
    )
    if spec.limits and isinstance(default, float):
        result.floating_point_range = [
            FloatingPointRange(from_value=float(spec.limits[0]), to_value=float(spec.limits[1]))
        ]
    elif spec.limits:
        result.integer_range = [IntegerRange(from_value=int(spec.limits[0]), to_value=int(spec.limits[1]), step=1)]
    return result


def _declare(node: Node, name: str) -> str:
    """Declare one parameter, with its default where the value given at start is refused; returns why it is."""
    try:
        node.declare_parameter(name, DEFAULTS[name], descriptor(name))
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        node.declare_parameter(name, DEFAULTS[name], descriptor(name), ignore_override=True)
        message = str(error.args[0])
        return f"parameter {name} is refused: {message.partition('Reason: ')[2] or message}"
    return ""


def _check_changes(node: Node, changes: Sequence[Any], refused: dict[str, str]) -> SetParametersResult:
    """Accept changes of our parameters if each is valid and, once all are declared, none contradicts another."""
    ours = {change.name: change.value for change in changes if change.name in SPECS}
    try:
        for name, value in ours.items():
            checked(name, value)
        if all(map(node.has_parameter, SPECS)):
            Settings.from_values({**{name: node.get_parameter(name).value for name in SPECS}, **ours})
    except ConfigError as error:
        return SetParametersResult(successful=False, reason=str(error))
    for name in ours:
        refused.pop(name, None)
    return SetParametersResult(successful=True)
