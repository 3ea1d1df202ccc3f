"""The message classes of rosbags: empty ones to fill, and to and from the bytes of a bag."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np

from depthart_ros.errors import BagError
from depthart_ros.inputs.topics import CAMERA_INFO_TYPE, IMAGE_TYPE
from depthart_ros.outputs.messages import MessageTypes

BASE, ARRAYS = "BASE", ("ARRAY", "SEQUENCE")
"""Names of rosbags' Nodetype, which is not imported before it is needed: plain values, and several in a row."""
CLOUD_TYPE, FIELD_TYPE = (f"sensor_msgs/msg/{name}" for name in ("PointCloud2", "PointField"))


def message_types() -> MessageTypes:
    """Return the classes for the pipeline to fill."""
    return MessageTypes(*(partial(empty, kind) for kind in (IMAGE_TYPE, CAMERA_INFO_TYPE, CLOUD_TYPE, FIELD_TYPE)))


def empty(kind: str, **given: Any) -> Any:
    """Return a message of a type whose fields are zero and empty unless given, as those of ROS are."""
    fields = typestore().fielddefs[kind][1]
    return typestore().types[kind](**{name: _zero(described) for name, described in fields} | given)


def deserialize(content: bytes, kind: str) -> Any:
    """Return the message in CDR bytes; its arrays are views of them.

    Raises:
        Exception: rosbags' own, or ValueError, where the bytes are no such message.
    """
    return typestore().deserialize_cdr(content, kind)


def serialize(message: Any) -> bytes | memoryview:
    """Return a message as CDR bytes."""
    kind: str = message.__msgtype__
    for name, (node, described) in typestore().fielddefs[kind][1]:
        if node.name in ARRAYS and described[0][0].name == BASE:
            setattr(message, name, np.asarray(getattr(message, name), _dtype(described[0][1][0])))
    content: memoryview = typestore().serialize_cdr(message, kind)
    return content


@contextmanager
def needing_rosbags() -> Iterator[None]:
    """Make a BagError of a missing rosbags."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BagError(f"a bag needs the package {error.name}, which is missing: pip install rosbags") from error


@cache
def typestore() -> Any:
    """Return rosbags' table of message types; ROS's own have been the same in all distributions since Humble.

    Raises:
        BagError: rosbags is missing.
    """
    with needing_rosbags():
        from rosbags.typesys import Stores, get_typestore
    return get_typestore(Stores.ROS2_HUMBLE)


def _zero(described: Any) -> Any:
    """Return the value of a field that nobody has set, from rosbags' description of it."""
    node, detail = described
    if node.name == BASE:
        return {"string": "", "bool": False}.get(detail[0], 0)
    if node.name in ARRAYS:
        (inner, name), length = detail
        return np.zeros(length, _dtype(name[0])) if inner.name == BASE else []
    return empty(detail)


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype({"byte": "uint8", "octet": "uint8", "char": "int8"}.get(name, name))
