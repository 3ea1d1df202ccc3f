"""YAML as the parameter parser of ROS (rcl_yaml_param_parser) reads it, without ROS."""

from __future__ import annotations

import re
from typing import Any

import yaml

PLAIN = "!plain"
"""Tag of scalars without quotes and without a tag of their own."""
TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
SPECIAL = re.compile(r"[+-]?\.?(nan|inf)|[+-]?infinity", re.IGNORECASE)
LARGEST = 2**63
"""Integers from here on are read as floating-point numbers, as they need more than 64 bits."""


class _Loader(yaml.SafeLoader):
    """Leaves what a plain scalar is to `value_of`: YAML 1.1 has dates, and numbers that ROS reads otherwise."""

    yaml_implicit_resolvers = {None: [(PLAIN, re.compile(""))]}  # noqa: RUF012 - PyYAML's, not to be changed


def load_yaml(text: str) -> Any:
    """Return the content of a YAML document, None where it is empty.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    return yaml.load(text, _Loader)


def value_of(text: str) -> bool | int | float | str | None:
    """Return what a scalar without quotes means to ROS, None where nothing stands there."""
    if text in TRUE | FALSE:
        return text in TRUE
    if INTEGER.fullmatch(text):
        digits = text.lower().lstrip("+-")
        octal = digits.startswith("0") and not digits.startswith("0x")
        number = int(text, 8 if octal else 0)
        return number if -LARGEST <= number < LARGEST else float(number)
    if FLOAT.fullmatch(text):
        return float(text)
    if SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text or None


_Loader.add_constructor(PLAIN, lambda _, node: value_of(node.value))
