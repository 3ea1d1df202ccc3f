"""Publishing that does not end the node."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from sensor_msgs.msg import Image

from depthart_ros.outputs.publishers import OUTPUT_TYPES, OutputPublishers, publish


def test_publishing_while_the_context_shuts_down_is_no_failure(world):
    publisher = world.peer.create_publisher(Image, "image", 1)
    assert publish(world.peer, publisher, Image()) == ""
    world.context.shutdown()
    assert publish(world.peer, publisher, Image()) == ""


def test_publishing_to_a_destroyed_publisher_is_a_failure_in_words(world):
    publisher = world.peer.create_publisher(Image, "image", 1)
    world.peer.destroy_publisher(publisher)
    assert "could not be published" in publish(world.peer, publisher, Image())


def test_only_topics_with_a_subscriber_count_as_listened_to(world):
    outputs = OutputPublishers(world.peer)
    assert outputs.subscribed() == frozenset()
    world.listen("points", OUTPUT_TYPES["points"])
    world.until(lambda: outputs.subscribed() == {"points"})
    before = len(list(world.peer.publishers))
    outputs.destroy()
    assert len(list(world.peer.publishers)) == before - len(OUTPUT_TYPES)
    assert outputs.subscribed() == frozenset()
