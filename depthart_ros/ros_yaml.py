"""YAML as the parameter parser of ROS (rcl_yaml_param_parser) reads it, without ROS."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

PLAIN = "!plain"
"""Tag of scalars without quotes and without a tag of their own."""
TEXT = "tag:yaml.org,2002:str"
TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
HEXADECIMAL = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][+-]?[0-9]+)?")
SPECIAL = re.compile(r"[+-]?\.?(nan|inf)|[+-]?infinity", re.IGNORECASE)
LARGEST = 2**63
"""Integers from here on are read as floating-point numbers, as they need more than 64 bits."""
MOST_DIGITS = 1000
"""Of an integer; what has more is beyond `LARGEST` or written by nobody."""


class RosYamlError(yaml.MarkedYAMLError):
    """YAML that ROS does not read; `problem` says what stands there."""


class _Loader(yaml.SafeLoader):
    """Leaves what a scalar without quotes is to `value_of`: YAML has dates, and numbers that ROS reads otherwise."""

    yaml_implicit_resolvers = {None: [(PLAIN, re.compile(""))]}  # noqa: RUF012 - PyYAML's, not to be changed

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse `*alias`, as ROS does; the arguments are PyYAML's."""
        if self.check_event(yaml.AliasEvent):
            raise RosYamlError(problem="an alias", problem_mark=self.peek_event().start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node

    def scalar(self, node: yaml.ScalarNode) -> bool | int | float | str:
        """Return the value of a scalar; ROS looks into blocks (`|`) as well, and at no tag but that of text."""
        if node.style in ("'", '"') or (node.tag == TEXT and node.style is None):
            return str(node.value)
        if not node.value:
            raise RosYamlError(problem="no value", problem_mark=node.start_mark)
        return value_of(node.value)

    def sequence(self, node: yaml.SequenceNode) -> list[Any]:
        """Return the values of a list, which have one type."""
        values = [self.construct_object(each, deep=True) for each in node.value]
        if len({type(value) for value in values}) > 1:
            raise RosYamlError(problem="a list of several types", problem_mark=node.start_mark)
        return values

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        """Return the values by their names, which are text whatever they look like."""
        return {str(name.value): self.construct_object(value, deep=True) for name, value in node.value}


def load_yaml(text: str) -> Any:
    """Return the content of a YAML document, None where it is empty.

    Raises:
        RosYamlError: it is none that ROS reads.
        yaml.YAMLError: it is no YAML.
    """
    return yaml.load(text, _Loader)


def value_of(text: str) -> bool | int | float | str:
    """Return what a scalar without quotes means to ROS."""
    if text in TRUE | FALSE:
        return text in TRUE
    if INTEGER.fullmatch(text) and len(text) <= MOST_DIGITS:
        digits = text.lower().lstrip("+-")
        octal = digits.startswith("0") and not digits.startswith("0x")
        whole = int(text, 8 if octal else 0)
        if -LARGEST <= whole < LARGEST:
            return whole
    if SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    number = _real(text)
    return text if number is None or math.isinf(number) else number


def _real(text: str) -> float | None:
    """Return a number, None where none is written."""
    if FLOAT.fullmatch(text):
        return float(text)
    try:
        return float.fromhex(text) if HEXADECIMAL.fullmatch(text) else None
    except OverflowError:
        return math.inf


for _tag in (PLAIN, TEXT, *(f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "null"))):
    _Loader.add_constructor(_tag, _Loader.scalar)
_Loader.add_constructor("tag:yaml.org,2002:seq", _Loader.sequence)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)
