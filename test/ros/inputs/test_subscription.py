"""The subscription's reliability follows the publishers, unless a parameter forces it."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, PointCloud2

from depthart_ros.inputs.subscription import FollowingSubscription

RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def node_with(world, toy_model_path):
    """A function that starts a node with parameters, and listens to it: else it would soon stop taking images."""

    def start(**parameters):
        world.listen("depth/relative", Image)
        return world.depth_node(model=str(toy_model_path), threads=1, **parameters)

    return start


def subscribed(world):
    """The reliabilities of the subscriptions to the image that the peer sees."""
    return [info.qos_profile.reliability for info in world.peer.get_subscriptions_info_by_topic("/image")]


def test_a_reliable_publisher_gets_a_reliable_subscription_that_keeps_one_image(world, node_with):
    world.peer.create_publisher(Image, "image", RELIABLE)
    node = node_with()
    world.until(lambda: subscribed(world) == [ReliabilityPolicy.RELIABLE])
    assert node._cameras[0]._intake.image._subscription.qos_profile.depth == 1


def test_a_best_effort_publisher_that_appears_later_is_heard(world, node_with, rgb_message):
    node_with()
    world.until(lambda: subscribed(world) == [ReliabilityPolicy.RELIABLE])
    images = world.peer.create_publisher(Image, "image", BEST_EFFORT)
    world.until(
        lambda: world.got["depth/relative"],
        meanwhile=lambda: images.publish(rgb_message(world.now())),
    )
    assert subscribed(world) == [ReliabilityPolicy.BEST_EFFORT]


def test_when_the_best_effort_publisher_leaves_the_subscription_is_reliable_again(world, node_with):
    world.peer.create_publisher(Image, "image", RELIABLE)
    fleeting = world.peer.create_publisher(Image, "image", BEST_EFFORT)
    node_with()
    world.until(lambda: subscribed(world) == [ReliabilityPolicy.BEST_EFFORT])
    world.peer.destroy_publisher(fleeting)
    world.until(lambda: subscribed(world) == [ReliabilityPolicy.RELIABLE])


def test_a_best_effort_image_above_512_kib_arrives_by_shared_memory(world, node_with, rgb_message):
    node_with()
    images = world.peer.create_publisher(Image, "image", BEST_EFFORT)
    world.until(
        lambda: world.got["depth/relative"],
        meanwhile=lambda: images.publish(rgb_message(world.now(), width=640, height=480)),
    )
    assert world.got["depth/relative"][-1].width == 640


@pytest.mark.parametrize(
    "forced",
    [{"image_reliability": "best_effort"}, {"qos_overrides./image.subscription.reliability": "best_effort"}],
    ids=["parameter", "qos_overrides"],
)
def test_a_parameter_forces_the_reliability(world, node_with, forced):
    world.peer.create_publisher(Image, "image", RELIABLE)
    node_with(**forced)
    world.until(lambda: subscribed(world) == [ReliabilityPolicy.BEST_EFFORT])


def test_qos_overrides_force_what_an_output_offers(world, node_with):
    node_with(**{"qos_overrides./points.publisher.reliability": "best_effort"})
    world.until(lambda: all(world.peer.count_publishers(topic) == 1 for topic in ("/points", "/depth/relative")))
    offered = {
        topic: world.peer.get_publishers_info_by_topic(topic)[0].qos_profile for topic in ("/points", "/depth/relative")
    }
    assert offered["/points"].reliability == ReliabilityPolicy.BEST_EFFORT
    assert offered["/depth/relative"].reliability == ReliabilityPolicy.RELIABLE
    assert offered["/depth/relative"].durability == DurabilityPolicy.VOLATILE


def test_a_publisher_that_cannot_be_heard_is_named_in_log_and_diagnostics(world, node_with):
    world.listen("/diagnostics", DiagnosticArray)
    world.listen_to_log()
    node_with(image_reliability="reliable")
    world.peer.create_publisher(Image, "image", BEST_EFFORT)
    sentence = "a publisher of /image offers another reliability than is asked for, so nothing comes from it"
    world.until(lambda: any(sentence in line for line in world.logs), what="a warning")
    world.until(lambda: sentence in (world.status() or ""), what="the diagnostics")
    assert "image_reliability and qos_overrides" in world.status()


def test_each_publisher_that_cannot_be_heard_is_reported_once(world):
    reports = []
    subscription = FollowingSubscription(
        world.peer, Image, "image", print, mode="reliable", on_incompatible=reports.append
    )
    for number in (1, 2):
        publisher = world.peer.create_publisher(Image, "image", BEST_EFFORT)
        world.until(lambda number=number: len(reports) == number, meanwhile=subscription.recheck, every=0.05)
        for _ in range(3):
            subscription.recheck()
        world.peer.destroy_publisher(publisher)
        world.until(lambda: world.peer.count_publishers("/image") == 0)
        subscription.recheck()
    assert len(reports) == 2


def test_what_comes_and_goes_has_no_events(world, node_with):
    """An executor with several threads dies of an event that one of them removes while another is about to wait."""
    node = node_with(autostart=False)
    before = len(list(node.waitables))
    node.autostart()
    assert len(list(node.subscriptions)) >= 2
    assert len(list(node.waitables)) == before


def test_a_subscriber_that_gets_nothing_is_named_in_log_and_diagnostics_until_it_leaves(world, node_with):
    world.listen("/diagnostics", DiagnosticArray)
    world.listen_to_log()
    node_with()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    deaf = world.listen("points", PointCloud2, qos=latched)
    world.peer.create_publisher(Image, "image", RELIABLE)
    sentence = (
        "a subscriber of points asks for more than is offered, so it gets nothing (volatile publisher and transient"
    )
    world.until(lambda: any(sentence in line for line in world.logs), what="a warning")
    world.until(lambda: sentence in (world.status() or ""), what="the diagnostics")
    assert "let it ask for less, or let qos_overrides offer more" in world.status()
    world.peer.destroy_subscription(deaf)
    world.until(lambda: "problem.subscriber" not in world.values(), what="its end")
    assert "points" not in world.status()


def test_process_all_keeps_what_a_best_effort_publisher_left_behind(world, node_with, rgb_message):
    images = world.peer.create_publisher(Image, "image", BEST_EFFORT)
    node = node_with(process_all=True)
    world.until(lambda: subscribed(world) == [ReliabilityPolicy.BEST_EFFORT])
    subscription = node._cameras[0]._intake.image._subscription
    world.peer.destroy_publisher(images)
    world.until(lambda: node.count_publishers("/image") == 0)
    world.spin_for(1.0)
    assert node._cameras[0]._intake.image._subscription is subscription
    world.peer.create_publisher(Image, "image", RELIABLE)
    world.until(lambda: subscribed(world) == [ReliabilityPolicy.RELIABLE])
