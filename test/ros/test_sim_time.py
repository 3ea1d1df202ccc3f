"""Under use_sim_time the age of a frame is judged by /clock."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image


@pytest.fixture
def simulated(world, toy_model_path):
    """A node under simulated time, publishers of clock and images, and a listener to depth."""
    world.listen("/diagnostics", DiagnosticArray)
    world.listen("depth/relative", Image)
    clock = world.peer.create_publisher(Clock, "/clock", 1)
    images = world.peer.create_publisher(Image, "image", 1)
    node = world.depth_node(model=str(toy_model_path), threads=1, use_sim_time=True, max_age=1.0)
    world.until(lambda: images.get_subscription_count() == 1 and clock.get_subscription_count() == 1)
    return node, clock, images


def test_a_silent_clock_is_named_in_the_diagnostics(world, simulated):
    world.until(lambda: "use_sim_time is set and nothing arrives on /clock" in (world.status() or ""))


def test_frames_are_as_old_as_the_simulated_clock_says(world, simulated, rgb_message):
    node, clock, images = simulated

    def show(stamp):
        clock.publish(Clock(clock=Time(sec=100)))
        if node.get_clock().now().nanoseconds == 100 * 10**9:
            images.publish(rgb_message(stamp))

    world.until(
        lambda: world.got["depth/relative"], meanwhile=lambda: show(Time(sec=99, nanosec=800_000_000)), every=0.1
    )
    assert world.got["depth/relative"][-1].header.stamp == Time(sec=99, nanosec=800_000_000)
    world.until(lambda: world.status() and "stamp_to_publish_p50_ms" in world.values(), what="a latency")
    assert world.values()["stamp_to_publish_p50_ms"] == "200.000"
    world.until(
        lambda: "its stamp is 50.000 s old; expected at most 1" in world.status(),
        meanwhile=lambda: show(Time(sec=50)),
        every=0.1,
    )


def test_frames_before_the_first_clock_have_depth_and_no_age(world, simulated, rgb_message):
    _, _, images = simulated
    world.until(
        lambda: world.got["depth/relative"], meanwhile=lambda: images.publish(rgb_message(Time(sec=1_700_000_000)))
    )
    world.until(lambda: world.status() and world.values()["processed"] != "0", what="the count of it")
    assert "arrival_to_publish_p50_ms" in world.values()
    assert "stamp_to_publish_p50_ms" not in world.values()
    assert not any(key.startswith("problem.") for key in world.values())
