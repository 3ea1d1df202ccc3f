"""The parameters on a node: declared, once more for each camera, and checked when they are set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from depthart_core import ConfigError
from depthart_ros.inputs.calibration_file import load_calibration
from depthart_ros.parameters.files import UNSET, unknown
from depthart_ros.parameters.reading import cameras_of, read_settings
from depthart_ros.parameters.settings import DEFAULTS, OWN, SPECS, Settings, checked


def declare_parameters(node: Node) -> dict[str, str]:
    """Declare every parameter of SPECS and let a callback check later changes.

    Returns:
        Why values given at start are refused, by parameter, which has its default then; setting it to a valid value
        removes the entry.
    """
    refused: dict[str, str] = {}

    def check_alone(changes: Sequence[Any]) -> SetParametersResult:
        return _check_changes(node, changes, refused, alone=True)

    node.add_on_set_parameters_callback(check_alone)
    for name in SPECS:
        _declare(node, name, DEFAULTS[name], refused)
    for camera in cameras_of(node):
        for name in OWN:
            _declare(node, f"{camera}.{name}", None, refused)  # not set: that of all cameras holds
    node.remove_on_set_parameters_callback(check_alone)
    node.add_on_set_parameters_callback(lambda changes: _check_changes(node, changes, refused))
    _warn_of_unknown(node)
    return refused


def _warn_of_unknown(node: Node) -> None:
    """Name the values given at start that no parameter takes; a section for all nodes may well hold those of others."""
    if ignored := unknown(_given(node), cameras_of(node)):
        node.get_logger().warning(f"unknown parameters are ignored: {', '.join(ignored.values())}")


def declare_deleted(node: Node, changes: Sequence[Parameter[Any]]) -> None:
    """Declare again, without a value, what changes took from a camera (`ros2 param delete`): rclpy forgets it."""
    cameras = cameras_of(node) if node.has_parameter("cameras") else ()
    for name in (change.name for change in changes):
        if _is_ours(name, cameras) and not node.has_parameter(name):
            node.declare_parameter(name, None, descriptor(name), ignore_override=True)


def any_fixed(names: Iterable[str]) -> bool:
    """Whether one of some parameters can be given at start alone."""
    return any(name in SPECS and not SPECS[name].dynamic for name in names)


def _fitting(node: Node, camera: str, changes: Mapping[str, Any]) -> Settings | None:
    """Return the settings that changes lead to; None where the parameters contradict each other without them as well.

    That is before configure, which says so: refused here too, two contradictions could not be mended one by one.
    """
    try:
        return read_settings(node, camera, changes)
    except ConfigError:
        try:
            read_settings(node, camera)
        except ConfigError:
            return None
        raise


def descriptor(full_name: str) -> ParameterDescriptor:
    """Return what ROS tools show of a parameter.

    Floating-point parameters are typed dynamically, so that `scale:=2` is as good as `scale:=2.0`; so are those that
    may have no value: an empty list, and what a camera has of its own.
    """
    name = _known_as(full_name)
    spec, default = SPECS[name], DEFAULTS[name]
    result = ParameterDescriptor(
        name=full_name,
        description=spec.description,
        additional_constraints=spec.allowed,
        read_only=not spec.dynamic,
        dynamic_typing=isinstance(default, float | list) or full_name != name,
    )
    if spec.limits and isinstance(default, float):
        result.floating_point_range = [
            FloatingPointRange(from_value=float(spec.limits[0]), to_value=float(spec.limits[1]))
        ]
    elif spec.limits:
        result.integer_range = [IntegerRange(from_value=int(spec.limits[0]), to_value=int(spec.limits[1]), step=1)]
    return result


def _known_as(full_name: str) -> str:
    """Return the name in SPECS of a parameter, which may be that of one camera; "" where it is not ours."""
    if full_name in SPECS:
        return full_name
    name = full_name.partition(".")[2]
    return name if name in OWN else ""


def _declare(node: Node, name: str, default: Any, refused: dict[str, str]) -> None:
    """Declare one parameter, with its default where the value given at start is refused, and note why it is."""
    _read_as_double(node, name)
    try:
        node.declare_parameter(name, default, descriptor(name), ignore_override=_dumped_unset(node, name))
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        node.declare_parameter(name, default, descriptor(name), ignore_override=True)
        message = str(error.args[0])
        refused[name] = f"parameter {name} is refused: {message.partition('Reason: ')[2] or message}"


def _read_as_double(node: Node, name: str) -> None:
    """Let a whole number given at start for a floating-point parameter be one of those: `ros2 param dump` shows it."""
    given = _given(node)
    if name in given and type(given[name].value) is int and isinstance(DEFAULTS[_known_as(name)], float):
        given[name] = Parameter(name, value=float(given[name].value))


def _dumped_unset(node: Node, name: str) -> bool:
    """Whether the value given at start is what `ros2 param dump` writes of a parameter without one: null, as text."""
    may_be_unset = name == "cameras" or name not in SPECS
    return may_be_unset and name in _given(node) and _given(node)[name].value in UNSET


def _given(node: Node) -> dict[str, Parameter[Any]]:
    """Return the values given at start, by name; what is put into it counts instead."""
    given: dict[str, Parameter[Any]] = node._parameter_overrides  # noqa: SLF001 - rclpy has no public way to them
    return given


def _check_changes(
    node: Node, changes: Sequence[Any], refused: dict[str, str], *, alone: bool = False
) -> SetParametersResult:
    """Accept changes of our parameters if each is valid and, unless looked at alone, makes none contradict another.

    While parameters are being declared each is looked at alone: whether they fit together, and whether a file is
    there, is for configure to say, which can be tried again.
    """
    cameras, remark = cameras_of(node) if node.has_parameter("cameras") else (), ""
    ours = {change.name: change.value for change in changes if _is_ours(change.name, cameras)}
    try:
        for name, value in ours.items():
            if name in SPECS or value is not None:
                checked(name, value, known_as=_known_as(name))
            if _known_as(name) == "camera_info_url" and value and not alone:
                load_calibration(value)
        if not alone:
            settings = {camera: _fitting(node, camera, ours) for camera in ("", *cameras)}
            remarks = (_remark(found, camera, ours) for camera, found in settings.items() if found is not None)
            remark = "; ".join(filter(None, remarks))
    except ConfigError as error:
        return SetParametersResult(successful=False, reason=str(error))
    for name in ours:
        refused.pop(name, None)
    if remark:  # as a reason it would be lost: rclpy answers with the last callback's alone
        node.get_logger().warning(remark)
    return SetParametersResult(successful=True)


def _remark(settings: Settings, camera: str, changes: Mapping[str, Any]) -> str:
    """What is worth a warning of valid changes: a scale that does not count; "" otherwise."""
    name = f"{camera}.scale" if camera else "scale"
    if changes.get(name) and settings.scale_source == "model":
        return f"{name} does not count while scale_source is model; set scale_source to given"
    return ""


def _is_ours(name: str, cameras: Sequence[str]) -> bool:
    """Whether a parameter is one of SPECS, or a camera's own."""
    return name in SPECS or (name.partition(".")[0] in cameras and bool(_known_as(name)))
