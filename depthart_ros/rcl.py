"""rcl_publish_serialized_message of the C library of ROS: rclpy copies a message twice more, and holds the GIL."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from std_msgs.msg import Header

from depthart_ros.serialized import Serialized, SerializedCloud, SerializedImage, SerializedInfo


class Array(ctypes.Structure):
    """rcutils_uint8_array_t, which is rcl_serialized_message_t in every distribution."""

    _fields_ = (
        ("buffer", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("capacity", ctypes.c_size_t),
        ("allocator", ctypes.c_void_p * 5),  # four functions and their state; not used for publishing
    )


class ErrorText(ctypes.Structure):
    """rcutils_error_string_t."""

    _fields_ = (("text", ctypes.c_char * 1024),)


@cache
def _libraries() -> tuple[Any, Any]:
    """Return rcl_publish_serialized_message and librcutils.

    Raises:
        OSError: the libraries are elsewhere than ROS has them.
        AttributeError: they are not what they were.
    """
    publish = ctypes.CDLL("librcl.so").rcl_publish_serialized_message
    publish.argtypes, publish.restype = (ctypes.c_void_p, ctypes.POINTER(Array), ctypes.c_void_p), ctypes.c_int32
    rcutils = ctypes.CDLL("librcutils.so")
    rcutils.rcutils_get_error_string.restype = ErrorText
    return publish, rcutils


@cache
def can_send() -> bool:
    """Whether `send` works here: the library is there, and the middleware in use reads messages as we write them."""
    try:
        _libraries()
        return hasattr(rclpy_implementation.Publisher, "pointer") and _is_read_as_written()
    except (OSError, AttributeError, RuntimeError):  # rclpy's errors are RuntimeErrors
        return False


def _is_read_as_written() -> bool:
    """Whether the middleware in use reads each of our messages as that of ROS."""
    header = Header(frame_id="optical")
    header.stamp.sec, header.stamp.nanosec = 1, 2
    shared: dict[str, Any] = {"header": header, "height": 1, "width": 2}
    data = shared | {"data": bytes(range(6))}
    image = data | {"encoding": "rgb8", "step": 6}
    points = [PointField(name=name, offset=1, datatype=2, count=1) for name in ("x", "rgb")]
    cloud = data | {"fields": points, "point_step": 3, "row_step": 6, "is_dense": True}
    info = shared | {"distortion_model": "plumb_bob", "d": [0.5], "k": np.arange(9.0), "p": np.arange(12.0)}
    return all(
        deserialize_message(bytes(filled(ours(), fields).serialized()), theirs) == filled(theirs(), fields)
        for ours, theirs, fields in (
            (SerializedImage, Image, image),
            (SerializedCloud, PointCloud2, cloud),
            (SerializedInfo, CameraInfo, info),
        )
    )


def filled(message: Any, fields: dict[str, Any]) -> Any:
    """Set fields of a message, and return it."""
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def send(publisher: Any, message: Serialized) -> None:
    """Publish a message; other Python threads run meanwhile.

    Args:
        publisher: of rclpy, for the type of the message.
        message: may be written into again afterwards.

    Raises:
        RCLError: as `publisher.publish`.
        InvalidHandle: likewise.
    """
    publish, rcutils = _libraries()
    content = np.frombuffer(message.serialized(), np.uint8)
    array = Array(content.ctypes.data, content.size, content.size)
    with publisher.handle:  # so that nobody destroys it meanwhile
        failed = publish(publisher.handle.pointer, ctypes.byref(array), None)
    if failed:
        reason = rcutils.rcutils_get_error_string().text.decode(errors="replace")
        rcutils.rcutils_reset_error()
        raise rclpy_implementation.RCLError(f"Failed to publish: {reason}")
