"""Messages that are written as DDS sends them are the messages of ROS."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from depthart_core import Intrinsics
from depthart_ros.camera_model import fill_camera_info
from depthart_ros.messages import cloud_message, fill_cloud, image_message, voxel_cloud
from depthart_ros.publishers import OUTPUTS, ROS_TYPES, SERIALIZED_TYPES, Outputs, publish
from depthart_ros.rcl import _libraries, can_send
from depthart_ros.serialized import ROOM

CAMERA = Intrinsics(7, 5, 6.5, 5.5, 3.25, 1.75)
FRAMES = pytest.mark.parametrize("frame_id", ["", "a", "ab", "abc", "optical", "Bühne/左", "x" * (ROOM + 5)])


def head(frame_id):
    return Header(stamp=Time(sec=-3, nanosec=999_999_999), frame_id=frame_id)


def assert_same(ours, theirs, kind):
    """Bytes of the same length that mean the same: ROS leaves what lies between fields undefined."""
    content = bytes(ours.serialized())
    assert len(content) == len(serialize_message(theirs))
    assert deserialize_message(content, kind) == theirs


@FRAMES
@pytest.mark.parametrize("encoding", ["32FC1", "16UC1", "rgb8"])
def test_an_image_is_that_of_ros(encoding, frame_id):
    made = [image_message(types, 5, 7, encoding) for types in (SERIALIZED_TYPES, ROS_TYPES)]
    for image in made:
        image.pixels[:] = np.random.default_rng(0).uniform(0, 255, image.pixels.shape).astype(image.pixels.dtype)
        image.message.header = head(frame_id)
    assert_same(made[0].message, made[1].message, Image)


@FRAMES
@pytest.mark.parametrize("color", [True, False])
def test_a_cloud_is_that_of_ros(color, frame_id):
    rng = np.random.default_rng(0)
    depth, rgb = rng.uniform(0.5, 5.0, (5, 7)).astype(np.float32), rng.integers(0, 256, (5, 7, 3), np.uint8)
    made = [cloud_message(types, 5, 7, color=color) for types in (SERIALIZED_TYPES, ROS_TYPES)]
    for cloud in made:
        fill_cloud(cloud, depth, rgb, intrinsics=CAMERA, stride=1)
        cloud.message.header = head(frame_id)
    assert_same(made[0].message, made[1].message, PointCloud2)


@FRAMES
@pytest.mark.parametrize("d", [(), (0.5,), (0.1, -0.05, 0.0, 0.001, 0.0)])
def test_a_camera_info_is_that_of_ros(info_message, d, frame_id):
    source = info_message(Time(), d=list(d), binning_x=2, binning_y=3)
    for rectified, undistorted in ((True, False), (False, False), (False, True)):
        made = [
            fill_camera_info(types.camera_info(), source, head(frame_id), rectified=rectified, undistorted=undistorted)
            for types in (SERIALIZED_TYPES, ROS_TYPES)
        ]
        assert_same(made[0], made[1], CameraInfo)


def test_what_nobody_filled_is_what_ros_has_there():
    for ours, theirs in ((SERIALIZED_TYPES.camera_info, CameraInfo), (SERIALIZED_TYPES.point_cloud, PointCloud2)):
        assert_same(ours(), theirs(), theirs)


@pytest.mark.parametrize("size", [0.5, 1e3])
def test_a_cloud_of_voxels_and_an_empty_one_are_those_of_ros(size):
    for depth in (np.full((5, 7), 2.0, np.float32), np.full((5, 7), np.nan, np.float32)):
        made = [
            voxel_cloud(types, depth, None, intrinsics=CAMERA, stride=1, size=size)
            for types in (SERIALIZED_TYPES, ROS_TYPES)
        ]
        for message in made:
            message.header = head("optical")
        assert_same(made[0], made[1], PointCloud2)


def test_memory_is_used_again_for_another_header():
    made = image_message(SERIALIZED_TYPES, 5, 7, "32FC1")
    for frame_id, value in (("long_enough_to_leave_traces", 1.0), ("short", 2.0)):
        made.pixels[:], made.message.header = value, head(frame_id)
        got = deserialize_message(bytes(made.message.serialized()), Image)
        assert got.header == head(frame_id)
        assert set(np.frombuffer(got.data, np.float32)) == {value}


def test_they_are_published_and_come_as_messages(world):
    assert can_send()
    outputs = Outputs(world.peer, on_incompatible=pytest.fail)
    assert outputs.types is SERIALIZED_TYPES
    image, cloud = image_message(outputs.types, 5, 7, "32FC1"), cloud_message(outputs.types, 5, 7)
    image.pixels[:], cloud.points[:] = 1.5, 2.5
    sent = {"depth/relative": image.message, "points": cloud.message, "depth/camera_info": outputs.types.camera_info()}
    for topic, message in sent.items():
        message.header = head("optical")
        world.listen(topic, OUTPUTS[topic])
    world.until(lambda: outputs.listened() == set(sent))
    for topic, message in sent.items():
        assert outputs.publish(topic, message) == ""
        world.until(lambda topic=topic: world.got[topic])
        assert world.got[topic][0] == deserialize_message(bytes(message.serialized()), OUTPUTS[topic])


def test_where_the_library_of_ros_is_not_found_its_own_messages_are_published(world, monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    for kept in (can_send, _libraries):
        kept.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr("ctypes.CDLL", missing)
        assert Outputs(world.peer, on_incompatible=pytest.fail).types is ROS_TYPES
    can_send.cache_clear()
    assert can_send()


def test_publishing_them_while_the_context_shuts_down_is_no_failure(world):
    publisher = world.peer.create_publisher(Image, "image", 1)
    message = image_message(SERIALIZED_TYPES, 5, 7, "32FC1").message
    message.header = head("optical")
    world.context.shutdown()
    assert publish(world.peer, publisher, message) == ""


def test_publishing_them_to_a_destroyed_publisher_is_a_failure_in_words(world):
    publisher = world.peer.create_publisher(Image, "image", 1)
    message = image_message(SERIALIZED_TYPES, 5, 7, "32FC1").message
    message.header = head("optical")
    handle = publisher.handle
    world.peer.destroy_publisher(publisher)
    assert handle is publisher.handle
    assert "could not be published" in publish(world.peer, publisher, message)
