"""Outgoing messages: what stands in their bytes."""

import struct

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from depthart_core.geometry import Intrinsics, point_cloud
from depthart_ros.outputs.messages import cloud_message, fill_cloud, image_message, to_millimetres
from depthart_ros.outputs.publishers import ROS_TYPES

CAMERA = Intrinsics(7, 5, 6.5, 5.5, 3.25, 1.75)


@pytest.mark.parametrize(("encoding", "step"), [("32FC1", 28), ("rgb8", 21), ("bgr8", 21)])
def test_an_image_holds_what_is_written_into_its_pixels(encoding, step):
    made = image_message(ROS_TYPES, 5, 7, encoding)
    values = np.random.default_rng(0).uniform(0, 255, made.pixels.shape).astype(made.pixels.dtype)
    made.pixels[:] = values
    message = made.message
    assert (message.height, message.width, message.step, message.encoding) == (5, 7, step, encoding)
    assert bytes(message.data) == values.tobytes()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_cloud_holds_points_and_colours_at_the_offsets_of_its_fields(stride):
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 5.0, (5, 7)).astype(np.float32)
    depth[0, 0], depth[2, 3] = np.inf, np.nan
    rgb = rng.integers(0, 256, (5, 7, 3), np.uint8)
    cloud = cloud_message(ROS_TYPES, -(-5 // stride), -(-7 // stride))
    fill_cloud(cloud, depth, rgb, intrinsics=CAMERA, stride=stride)
    message, expected = cloud.message, point_cloud(depth, CAMERA, stride=stride)
    assert [field.name for field in message.fields] == ["x", "y", "z", "rgb"]
    assert message.is_dense is False
    offsets = [field.offset for field in message.fields]
    for i in range(message.height):
        for j in range(message.width):
            start = i * message.row_step + j * message.point_step
            point = [struct.unpack_from("=f", message.data, start + offset)[0] for offset in offsets[:3]]
            np.testing.assert_array_equal(np.float32(point), expected[i, j])
            packed = struct.unpack_from("=I", message.data, start + offsets[3])[0]
            red, green, blue = (int(value) for value in rgb[i * stride, j * stride])
            assert packed == red << 16 | green << 8 | blue


def test_millimetres_are_rounded_and_0_where_there_is_no_measurement():
    depth = np.float32([[1.2344, 1.2346, np.nan], [np.inf, -np.inf, 65.535], [65.536, 0.0005001, 700.0]])
    expected = np.uint16([[1234, 1235, 0], [0, 0, 65535], [0, 1, 0]])
    made = to_millimetres(depth)
    assert made.dtype == np.uint16
    np.testing.assert_array_equal(made, expected)
