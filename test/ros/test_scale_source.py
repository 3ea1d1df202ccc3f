"""Metres and confidence from a model with heads, over DDS."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter

from depthart_core import DepthEstimator, Intrinsics
from depthart_ros.outputs.publishers import OUTPUT_TYPES

STAMP = Time(sec=1234567890, nanosec=987654321)


def values_of(image):
    return np.frombuffer(image.data, np.float32).reshape(image.height, image.width)


@pytest.fixture
def shown(world, make_camera, rgb_message, info_message):
    """A function that starts a node with a model, shows it a frame, and waits for the newest message of the topics."""

    def show(model, *topics, info=True, **parameters):
        camera = make_camera(tuple(OUTPUT_TYPES))
        world.depth_node(model=str(model), threads=1, **parameters)
        camera.connect()
        message = info_message(STAMP, width=64, height=48) if info else None
        image = rgb_message(STAMP, width=64, height=48)
        camera.show(image, message, until=lambda: all(world.got[topic] for topic in topics))
        return [world.got[topic][-1] for topic in topics]

    return show


@pytest.fixture
def estimate(toy_heads_path, picture):
    return DepthEstimator.load(toy_heads_path, threads=1)(picture(64, 48))


def test_the_models_own_guess_makes_metres(world, shown, toy_heads_path, estimate):
    depth, info, points = shown(
        toy_heads_path, "depth/image_rect", "depth/camera_info", "points", scale_source="model", scale=7.0
    )
    guess = estimate.guess_scale(Intrinsics(64, 48, info.p[0], info.p[5], info.p[2], info.p[6]))
    np.testing.assert_allclose(values_of(depth), guess.metres_per_unit * estimate.values, rtol=1e-4)
    assert (points.width, points.height) == (64, 48)
    world.until(lambda: world.status() and "scale_expected_error" in world.values(), what="the expected error")
    assert float(world.values()["scale"]) == pytest.approx(guess.metres_per_unit, rel=1e-3)


def test_confidence_is_that_of_the_estimate_with_the_header_of_the_image(shown, toy_heads_path, estimate):
    (confidence,) = shown(toy_heads_path, "depth/confidence")
    assert (confidence.encoding, confidence.header.stamp) == ("32FC1", STAMP)
    np.testing.assert_allclose(values_of(confidence), estimate.confidence, atol=1e-5)


def test_without_camera_info_the_guess_stays_relative_and_says_so(world, shown, toy_heads_path):
    shown(toy_heads_path, "depth/relative", "depth/image_color", info=False, scale_source="model")
    assert not any(world.got[topic] for topic in ("depth/image_rect", "points"))
    world.until(lambda: "no camera_info came" in (world.status() or ""), what="the cause")
    assert "relative depth only" in world.status()


def test_a_model_without_heads_says_that_it_makes_no_guess(world, shown, toy_model_path):
    shown(toy_model_path, "depth/relative", scale_source="model")
    assert not any(world.got[topic] for topic in ("depth/image_rect", "points", "depth/confidence"))
    world.until(lambda: "makes no guess" in (world.status() or ""), what="the cause")


def test_a_listener_to_the_confidence_of_a_model_without_it_is_told(world, shown, toy_model_path):
    shown(toy_model_path, "points", scale=2.0)
    world.until(lambda: "does not say how sure it is" in (world.status() or ""), what="the cause")


def test_a_scale_that_is_given_is_shown_before_the_first_frame(world, toy_model_path):
    world.listen("/diagnostics", DiagnosticArray)
    world.depth_node(model=str(toy_model_path), threads=1, scale=2.5)
    world.until(lambda: world.status() and world.values()["scale"] == "2.5", what="the scale")


def test_the_guess_of_an_old_frame_is_not_shown_for_ever(world, shown, toy_heads_path):
    shown(toy_heads_path, "depth/image_rect", scale_source="model")
    world.until(lambda: world.status() and world.values()["scale"] != "0", what="the guess")
    world.nodes[-1].trigger_deactivate()
    world.until(lambda: world.values()["lifecycle"] == "inactive", what="the end of its activity")
    assert world.values()["scale"] == "0"
    assert "scale_expected_error" not in world.values()


def test_a_scale_that_is_set_while_the_model_guesses_is_said_not_to_count(world, toy_heads_path, capfd):
    node = world.depth_node(model=str(toy_heads_path), threads=1, scale_source="model")
    sentence = "scale does not count while scale_source is model; set scale_source to given"
    for name, value, said in (("scale", 2.0, 1), ("scale_source", "given", 0), ("scale", 3.0, 0)):
        capfd.readouterr()
        assert node.set_parameters([Parameter(name, value=value)])[0].successful
        assert capfd.readouterr().err.count(sentence) == said
