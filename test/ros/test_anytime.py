"""Anytime depth over DDS: a deadline takes fewer scales, and the diagnostics say how many."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from rclpy.parameter import Parameter

from depthart_core import DepthEstimator

ALL = 3  # scales of the toy model
IMPOSSIBLE = 0.001  # ms
LONG = 10000.0  # ms: a thousand times what the toy model needs


@pytest.fixture
def camera(make_camera):
    return make_camera(("depth/relative",))


@pytest.fixture
def shown(world, camera, toy_model_path, rgb_message):
    """Functions that start a node, and show it images of a new stamp until the newest came from so many scales."""

    def start(**parameters):
        node = world.depth_node(model=str(toy_model_path), threads=1, **parameters)
        camera.connect()
        return node

    def show(scales):
        image = rgb_message(world.now())

        def came():
            return [message for message in world.got["depth/relative"] if message.header.stamp == image.header.stamp]

        def told():
            return world.status() and world.values().get("scales_last") == str(scales)

        camera.show(image, until=lambda: came() and told())
        return np.frombuffer(came()[-1].data, np.float32)

    return start, show


@pytest.fixture
def depth_of_one_scale(toy_model_path, picture):
    return DepthEstimator.load(toy_model_path, threads=1, max_scales=1)(picture()).values.ravel()


def test_an_impossible_deadline_gives_depth_from_one_scale_and_none_from_all(world, shown, depth_of_one_scale):
    start, show = shown
    node = start()
    show(ALL)
    assert node.set_parameters([Parameter("deadline_ms", value=IMPOSSIBLE)])[0].successful
    show(1)
    world.until(lambda: float(world.values()["scales_mean"]) < ALL, what="the mean")
    world.until(lambda: int(world.values()["late"]) >= 1, what="the late frame")
    np.testing.assert_allclose(show(1), depth_of_one_scale, rtol=1e-5)
    assert int(world.values()["scales_1_frames"]) >= 1
    assert float(world.values()["arrival_to_publish_p50_ms"]) > 0
    assert int(world.values()[f"scales_{ALL}_frames"]) >= 1
    assert node.set_parameters([Parameter("deadline_ms", value=0.0)])[0].successful
    show(ALL)


def test_a_generous_deadline_takes_every_scale(shown):
    start, show = shown
    start(deadline_ms=60000.0)
    show(ALL)


def test_where_every_frame_is_processed_a_deadline_counts_from_its_turn(world, shown, camera, rgb_message):
    start, _ = shown
    ours = start(deadline_ms=LONG, process_all=True)._cameras[0]
    world.until(ours._outputs.subscribed, what="a listener")
    with ours._intake._camera_infos._lock:  # at which the first frame waits, and the second one behind it
        for number in (1, 2):
            camera.images.publish(rgb_message(world.now()))
            world.until(lambda number=number: ours._statistics._counters["received"] == number, what="the image")
        world.spin_for(1.1e-3 * LONG)
    world.until(lambda: world.status() and world.values()["processed"] == "2", what="both frames")
    assert world.values()["scales_last"] == str(ALL)


@pytest.mark.parametrize("scales", [1, 2])
def test_max_scales_are_decoded_at_most(world, shown, scales):
    start, show = shown
    start(max_scales=scales)
    show(scales)
    assert world.values()["scales_of_model"] == str(scales)


def test_more_scales_than_the_model_has_are_refused(world, shown, toy_model_path):
    from rclpy.lifecycle import TransitionCallbackReturn

    node = world.depth_node(autostart=False, model=str(toy_model_path), max_scales=9)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    world.until(lambda: "max_scales must be 1 to 3" in (world.status() or ""), what="the reason")
