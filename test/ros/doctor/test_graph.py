"""What the doctor makes of topics as drivers offer them."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

import time
from types import SimpleNamespace

from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.qos import QoSDurabilityPolicy, QoSLivelinessPolicy, QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest

from depthart_ros.doctor.graph import check_graph
from depthart_ros.doctor.listening import Graph, Topic, listen

RAW, PACKED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"

PATIENCE = 60.0  # seconds


def heard_until(condition):
    """Listen again and again until what was heard is so, and return it."""
    last = time.monotonic() + PATIENCE
    while not condition(graph := listen(2.0)):
        assert time.monotonic() < last, graph
    return graph


def end(kind, name, **policies):
    """An endpoint as rclpy tells of it."""
    qos = QoSProfile(depth=1, **({"liveliness": QoSLivelinessPolicy.AUTOMATIC} | policies))
    return SimpleNamespace(node_namespace="/", node_name=name, topic_type=kind, qos_profile=qos)


def heard(name, kind, first=None, subscribers=()):
    """A topic with one publisher; with a first message it was heard twice."""
    topic = Topic(name, kind, [end(kind, "driver")], list(subscribers), heard=True, first=first)
    topic.times = [] if first is None else [1.0, 2.0]
    return topic


def findings(*topics):
    return list(check_graph(Graph("rmw", {topic.name: topic for topic in topics}, frozenset(), 3.0)))


def test_compressed_depth_beside_raw_depth_is_no_camera():
    found = findings(
        heard("/depth", RAW, Image(encoding="16UC1")),
        heard("/depth/compressed", PACKED, CompressedImage(format="16UC1; png compressed ")),
        heard("/depth/compressedDepth", PACKED),
    )
    assert any("none: start the driver" in finding.text for finding in found)


def test_compressed_depth_alone_is_no_camera():
    [*_, cameras, _] = findings(heard("/d/compressed", PACKED, CompressedImage(format="16UC1; png compressed ")))
    assert "none: start the driver" in cameras.text


@pytest.mark.parametrize("image", ["/cam/image_raw", "/cam/left/image_raw", "/cam"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_camera_info_is_found_beside_an_image_or_one_level_up(image, compressed):
    picture = heard(f"{image}/compressed", PACKED) if compressed else heard(image, RAW, Image(width=1, height=1))
    infos = [heard(name, "sensor_msgs/msg/CameraInfo") for name in ("/cam/camera_info", "/camera_info", "/other/info")]
    [text] = [finding.text for finding in findings(picture, *infos) if finding.about == "cameras"]
    expected = "/camera_info" if picture.name == "/cam" else "/cam/camera_info"
    assert f" camera_info:={expected} " in text


@pytest.mark.parametrize(
    "fields", [{"binning_x": 2, "binning_y": 2}, {"roi": RegionOfInterest(x_offset=8, y_offset=4, width=48, height=40)}]
)
def test_binning_and_a_region_of_interest_are_nothing_wrong_with_a_compressed_camera(info_message, fields):
    picture = heard("/cam/image/compressed", PACKED, CompressedImage(format="jpeg"))
    info = heard("/cam/camera_info", "sensor_msgs/msg/CameraInfo", info_message(Time(sec=1), **fields))
    assert [finding.cure for finding in findings(picture, info) if finding.about == "cameras"] == [""]


def test_a_subscriber_of_another_type_is_named_with_both_types():
    image = heard("/image", PACKED, CompressedImage(format="jpeg"), [end(RAW, "depth_node")])
    [found] = [finding for finding in findings(image) if finding.about == "types"]
    assert found.text == f"/driver sends {PACKED} on /image, where /depth_node expects {RAW}: nothing comes"
    assert "image_transport" in found.cure


@pytest.mark.parametrize(
    ("offered", "asked", "reason"),
    [
        ({"reliability": QoSReliabilityPolicy.BEST_EFFORT}, {}, "Best effort publisher and reliable subscription"),
        ({}, {"durability": QoSDurabilityPolicy.TRANSIENT_LOCAL}, "Volatile publisher and transient local"),
        ({}, {"liveliness": QoSLivelinessPolicy.MANUAL_BY_TOPIC}, "manual by topic"),
        ({}, {"deadline": Duration(seconds=1)}, "deadline"),
        ({"durability": QoSDurabilityPolicy.TRANSIENT_LOCAL}, {"reliability": QoSReliabilityPolicy.BEST_EFFORT}, None),
    ],
)
def test_a_subscriber_that_asks_for_more_than_is_offered_is_named_with_what_rclpy_says_of_it(offered, asked, reason):
    image = heard("/image", RAW, Image(width=1, height=1), [end(RAW, "viewer", **asked)])
    image.publishers = [end(RAW, "driver", **offered)]
    found = [finding for finding in findings(image) if finding.about == "QoS"]
    assert [finding.text.startswith("/viewer gets nothing from /driver on /image: ") for finding in found] == (
        [] if reason is None else [True]
    )
    assert all(reason in finding.text and "ERROR" not in finding.text and finding.cure for finding in found)


@pytest.mark.parametrize(
    ("middleware", "cure"),
    [("rmw_fastrtps_cpp", "local_transport:=true"), ("rmw_zenoh_cpp", "see whether the camera runs: ros2 topic hz")],
)
def test_lost_best_effort_images_are_a_matter_of_fast_dds_alone(middleware, cure):
    image = heard("/image", RAW)
    image.publishers[0].qos_profile = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
    found = check_graph(Graph(middleware, {"/image": image}, frozenset(), 3.0))
    assert any(finding.about == "topics" and cure in finding.cure for finding in found)


def test_a_camera_info_that_was_sent_once_before_is_heard(world, info_message):
    latched = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
    infos = world.peer.create_publisher(CameraInfo, "/cam/camera_info", latched)
    infos.publish(info_message(world.now()))
    graph = heard_until(lambda graph: "/cam/camera_info" in graph.topics and graph.topics["/cam/camera_info"].first)
    assert graph.topics["/cam/camera_info"].first.width == 64


def test_compressed_depth_of_a_colour_camera_that_stays_silent_is_not_asked_for(world):
    world.peer.create_publisher(CompressedImage, "/cam/image/compressedDepth", 1)
    name = "/cam/image/compressedDepth"
    graph = heard_until(lambda graph: name in graph.topics and graph.topics[name].publishers)
    assert not graph.topics[name].heard
    assert not any(finding.cure for finding in check_graph(graph) if "compressedDepth" in finding.text)
