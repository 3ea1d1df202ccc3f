"""Parameter files of ROS (`--params-file`), read without ROS: what they say to one node."""

from __future__ import annotations

import difflib
import re
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from depthart_core import ConfigError
from depthart_ros.parameters.paths import read_text
from depthart_ros.parameters.ros_yaml import RosYamlError, load_yaml
from depthart_ros.parameters.settings import OWN, SPECS, Settings, camera_names

SECTION = "ros__parameters"
NODE = "/depth_node"
ROS_PARAMETERS = ("use_sim_time", "qos_overrides", "start_type_description_service")
"""Parameters of every node, by their part before the first dot."""
UNSET = (None, "null")
"""What `ros2 param dump` writes of a parameter without a value, as read here and by ROS."""


def add_options(parser: ArgumentParser) -> None:
    """Declare what `read_given` reads."""
    parser.add_argument("--params-file", type=Path, metavar="FILE", help="parameters of depth_node, as for the node")
    parser.add_argument(
        "-p", "--param", action="append", default=[], metavar="NAME:=VALUE", help="one parameter; wins over the file"
    )


def read_given(file: Path | None, assignments: Iterable[str], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return the parameters of a file, if any, and of assignments NAME:=VALUE, which win.

    Args:
        file: its unknown names are left out, as the node ignores them: a section may be for other nodes, too.
        assignments: every name of theirs is kept.
        warn: takes a sentence on what is left out.

    Raises:
        ConfigError: one of them cannot be read.
    """
    assigned = dict(map(read_assignment, assignments))
    from_file = {} if file is None else read_parameters(file)
    values = from_file | assigned
    ignored = unknown(from_file.keys() - assigned.keys(), cameras_in(values))
    if ignored:
        warn(f"unknown parameters of {file} are ignored: {', '.join(ignored.values())}")
    return {name: value for name, value in values.items() if name not in ignored}


def unknown(names: Iterable[str], cameras: Iterable[str]) -> dict[str, str]:
    """Return the names that no parameter of a node with these cameras has, each with the nearest one in words."""
    known = [*SPECS, *(f"{camera}.{name}" for camera in cameras for name in OWN)]
    strange = sorted(name for name in set(names) - set(known) if name.partition(".")[0] not in ROS_PARAMETERS)
    near = {name: difflib.get_close_matches(name, known, 1) for name in strange}
    return {name: name + (f" (did you mean {near[name][0]}?)" if near[name] else "") for name in strange}


def cameras_in(values: Mapping[str, Any]) -> list[str]:
    """Return the names of the cameras that parameters name.

    Raises:
        ConfigError: they are no such names.
    """
    given = values.get("cameras")
    return [] if given in UNSET else camera_names("cameras", given)


def read_parameters(path: Path, node: str = NODE) -> dict[str, Any]:
    """Return the parameters that a file gives to a node, by name (`points.stride`); later sections win.

    Args:
        path: of the file.
        node: its fully qualified name.

    Raises:
        ConfigError: it cannot be read, is no parameter file, or has no section for this node.
    """
    try:
        content = load_yaml(read_text(path))
    except OSError as error:
        raise ConfigError(f"parameter file {path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        wrong = f"has {error.problem}, which ROS refuses," if isinstance(error, RosYamlError) else "is no YAML"
        raise ConfigError(f"parameter file {path} {wrong}{where}; expected NODE: {SECTION}: NAME: VALUE") from error
    sections = list(_sections(content, "")) if isinstance(content, Mapping) else []
    if not sections:
        raise ConfigError(f"parameter file {path} has no {SECTION}; expected NODE: {SECTION}: NAME: VALUE")
    ours = [values for name, values in sections if _is_for(name, node)]
    if not ours:
        names = ", ".join(name for name, _ in sections)
        raise ConfigError(f"parameter file {path} has sections for {names}; expected one for {node}, such as /**")
    return {name: value for values in ours for name, value in _flat(values, "")}


def read_assignment(text: str) -> tuple[str, Any]:
    """Return name and value of NAME:=VALUE, as after `--ros-args -p`.

    Raises:
        ConfigError: it has another form.
    """
    name, assigned, value = text.partition(":=")
    try:
        read = load_yaml(value)
    except yaml.YAMLError:
        read = None
    if not (name and assigned) or read is None:
        raise ConfigError(f"parameter {text!r} cannot be read; expected NAME:=VALUE, such as points.stride:=2")
    return name, read


def settings_of(values: Mapping[str, Any], camera: str = "") -> Settings:
    """Return the settings that parameters make.

    Args:
        values: by name; those of every ROS node, such as use_sim_time, are left out.
        camera: whose own parameters (`CAMERA.scale`) come first; "" for those of all cameras.

    Raises:
        ConfigError: an unknown name, a value of a wrong type or out of range, or two that contradict each other.
    """
    cameras = cameras_in(values)
    ours = {name: value for name, value in values.items() if name.partition(".")[0] not in (*ROS_PARAMETERS, *cameras)}
    ours["cameras"] = cameras
    own = {name[len(camera) + 1 :]: value for name, value in values.items() if name.startswith(f"{camera}.")}
    own = {name: value for name, value in own.items() if value not in UNSET}
    if foreign := sorted(own.keys() - set(OWN)):
        names = ", ".join(f"{camera}.{name}" for name in foreign)
        raise ConfigError(f"{names}: unknown as a camera's own parameter; expected one of {', '.join(OWN)}")
    return Settings.from_values(ours | own)


def _sections(content: Mapping[Any, Any], above: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name of each node with its parameters; namespaces may be nested mappings."""
    for key, value in content.items():
        if not isinstance(value, Mapping):
            continue
        if key == SECTION:
            yield above or "/", value
        else:
            yield from _sections(value, f"{above}/{str(key).strip('/')}")


def _is_for(pattern: str, node: str) -> bool:
    """Whether the name of a section, in which ** stands for any names and * for one, means a node."""
    wild = {"**": "(?:/.*)?", "*": "/[^/]+"}
    parts = (wild.get(part, f"/{re.escape(part)}") for part in pattern.split("/")[1:])
    return re.fullmatch("".join(parts), node) is not None


def _flat(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
