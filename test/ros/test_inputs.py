"""What the node says of topics on which nothing can be heard, and camera_info that was sent before it came."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import String

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def node_with(world, toy_model_path):
    """A function that starts a node, whose cloud is listened to, with parameters."""
    world.listen("/diagnostics", DiagnosticArray)
    world.listen("points", PointCloud2)
    return lambda **parameters: world.depth_node(model=str(toy_model_path), threads=1, scale=2.0, **parameters)


@pytest.fixture
def other(world, domain):
    """A node of another process, as far as DDS knows: in one there is but one type for a topic."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node("other", context=context)
    yield node
    node.destroy_node()
    context.try_shutdown()


@pytest.mark.parametrize(
    ("topic", "kind", "transport", "words"),
    [
        ("image", CompressedImage, "raw", "no image; /image carries sensor_msgs/msg/CompressedImage, expected"),
        ("image/compressed", CompressedImage, "raw", "but /image/compressed is there; set image_transport"),
        ("image/compressed", Image, "compressed", "carries sensor_msgs/msg/Image, expected sensor_msgs/msg/Compressed"),
    ],
)
def test_images_of_another_type_are_named(world, other, node_with, topic, kind, transport, words):
    other.create_publisher(kind, topic, 1)
    node_with(image_transport=transport)
    world.until(lambda: words in (world.status() or ""), what=words)


def test_a_publisher_of_another_type_does_not_make_the_subscription_best_effort(world, other, node_with):
    poor = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    other.create_publisher(CompressedImage, "image", poor)
    node_with()
    world.until(lambda: "carries" in (world.status() or ""), what="the stranger")
    [ours] = world.peer.get_subscriptions_info_by_topic("/image")
    assert ours.qos_profile.reliability == ReliabilityPolicy.RELIABLE


@pytest.mark.parametrize(
    ("kind", "words"),
    [(None, "nothing publishes it"), (String, "it carries std_msgs/msg/String"), (CameraInfo, "which sent none")],
)
def test_why_no_camera_info_comes_is_said(world, other, node_with, rgb_message, kind, words):
    images = world.peer.create_publisher(Image, "image", 1)
    if kind is not None:
        other.create_publisher(kind, "camera_info", 1)
    node_with()
    said = ("no cloud; no camera_info came on /camera_info", words)
    world.until(
        lambda: all(part in (world.status() or "") for part in said),
        what=words,
        meanwhile=lambda: images.publish(rgb_message(world.now())),
    )


def test_without_camera_info_the_picture_that_should_be_rectified_is_not_and_that_is_said(
    world, toy_model_path, rgb_message
):
    world.listen("/diagnostics", DiagnosticArray)
    world.listen("depth/relative", Image)
    images = world.peer.create_publisher(Image, "image", 1)
    world.depth_node(model=str(toy_model_path), threads=1, rectify=True, rectified=False, scale=1.0)
    world.until(
        lambda: (world.status() or "").startswith("not rectified; no camera_info came"),
        meanwhile=lambda: images.publish(rgb_message(world.now())),
    )


def test_a_camera_info_that_was_sent_once_before_the_node_came_is_heard(world, node_with, rgb_message, info_message):
    infos = world.peer.create_publisher(CameraInfo, "camera_info", LATCHED)
    infos.publish(info_message(world.now()))
    images = world.peer.create_publisher(Image, "image", 1)
    node_with()
    world.until(
        lambda: world.got["points"],
        what="a cloud",
        meanwhile=lambda: images.publish(rgb_message(world.now())),
    )


def test_camera_info_is_heard_as_well_where_one_publisher_keeps_it_and_another_does_not(
    world, node_with, rgb_message, info_message
):
    world.peer.create_publisher(CameraInfo, "camera_info", LATCHED)
    infos = world.peer.create_publisher(CameraInfo, "camera_info", 1)
    images = world.peer.create_publisher(Image, "image", 1)
    node_with()

    def publish():
        stamp = world.now()
        infos.publish(info_message(stamp))
        images.publish(rgb_message(stamp))

    world.until(lambda: world.got["points"], what="a cloud", meanwhile=publish)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("qos_overrides./image.subscription.reliability", 1),
        ("qos_overrides./camera_info.subscription.depth", "five"),
        ("qos_overrides./points.publisher.depth", "five"),
    ],
)
def test_an_override_of_a_wrong_type_is_refused_by_name_and_leaves_no_publisher(world, node_with, name, value):
    node_with(**{name: value})
    world.until(lambda: name in (world.status() or ""), what="the name")
    assert "unforeseen" not in world.status()
    if "publisher" in name:
        world.until(lambda: world.peer.count_publishers("/points") == 0)


def test_images_of_a_topic_that_is_remapped_to_raw_ones_are_known_as_such(
    world, toy_model_path, rgb_message, info_message
):
    from rclpy.parameter import Parameter

    from depthart_ros.depth_node import DepthNode

    images = world.peer.create_publisher(Image, "/cam/image_raw", 1)
    infos = world.peer.create_publisher(CameraInfo, "/cam/camera_info", 1)
    world.listen("points", PointCloud2)
    world.listen_to_log()
    given = {"model": str(toy_model_path), "threads": 1, "scale": 2.0}
    node = DepthNode(
        context=world.context,
        cli_args=["--ros-args", "-r", "image:=/cam/image_raw", "-r", "camera_info:=/cam/camera_info"],
        parameter_overrides=[Parameter(name, value=value) for name, value in given.items()],
    )
    world.add(node)
    node.autostart()

    def show():
        stamp = world.now()
        infos.publish(info_message(stamp))
        images.publish(rgb_message(stamp))

    world.until(
        lambda: any("/cam/image_raw sounds like raw images" in line for line in world.logs), what="it", meanwhile=show
    )
