"""Compressed images into depth_node over DDS."""

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

import rclpy
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage

from depthart_core import DepthEstimator
from depthart_ros.inputs.subscription import compressed_topic

STAMP = Time(sec=12, nanosec=34)


@pytest.fixture
def png_message(picture):
    """A function that gives a CompressedImage of the picture, or of other data."""

    def make(**fields):
        data = cv2.imencode(".png", picture()[..., ::-1])[1].tobytes()
        message = CompressedImage(format="rgb8; png compressed bgr8", data=data)
        message.header.stamp, message.header.frame_id = STAMP, "camera_optical_frame"
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    return make


def test_a_compressed_image_gives_the_depth_of_its_picture(
    world, make_camera, toy_model_path, png_message, info_message, picture
):
    camera = make_camera(None, transport="compressed")
    world.depth_node(model=str(toy_model_path), threads=1, scale=2.0, image_transport="compressed")
    camera.connect()
    camera.show(png_message(), info_message(STAMP), until=camera.all_came)
    relative = world.got["depth/relative"][-1]
    assert (relative.header.stamp, relative.header.frame_id) == (STAMP, "camera_optical_frame")
    values = np.frombuffer(relative.data, np.float32).reshape(relative.height, relative.width)
    expected = DepthEstimator.load(toy_model_path, threads=1)(picture()).values
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_a_damaged_compressed_image_is_named_and_the_next_one_works(world, make_camera, toy_model_path, png_message):
    camera = make_camera(("depth/relative",), transport="compressed")
    world.depth_node(model=str(toy_model_path), threads=1, image_transport="compressed")
    camera.connect()
    bad = png_message(data=b"\0\0\0\x01", format="h264")
    camera.show(bad, until=lambda: "format is 'h264' and its data begins with 00 00 00 01" in (world.status() or ""))
    assert not world.got["depth/relative"]
    camera.show(png_message(), until=camera.all_came)


@pytest.mark.parametrize(
    ("rules", "topic"),
    [
        ((), "/image/compressed"),
        (("image:=/front/image_raw",), "/front/image_raw/compressed"),
        (("image/compressed:=/front/jpeg",), "/front/jpeg"),
    ],
)
def test_compressed_images_are_looked_for_beside_the_raw_ones(world, rules, topic):
    arguments = ["--ros-args", *(part for rule in rules for part in ("-r", rule))]
    node = rclpy.create_node("remapped", context=world.context, cli_args=arguments)
    world.add(node)
    assert node.resolve_topic_name(compressed_topic(node, "image")) == topic
