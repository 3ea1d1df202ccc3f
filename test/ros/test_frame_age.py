"""Frames that are old when they arrive, or when it is their turn: which are dropped, and what the diagnostics say."""

import time

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from rclpy.parameter import Parameter

from depthart_ros.intake import Arrival

SCALE = 2.5


def test_frames_that_are_too_old_are_dropped_counted_and_explained(world, camera, toy_model_path, rgb_message):
    world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE, max_age=0.5)
    camera.connect()
    old = world.now()
    old.sec -= 60
    camera.show(rgb_message(old), until=lambda: "frames are too old" in (world.status() or ""))
    assert "expected at most 0.5 (parameter max_age); set use_sim_time" in world.status()
    assert "raise max_age (0 keeps images of any age" in world.status()
    assert int(world.values()["too_old"]) >= 1
    assert not any(world.got[topic] for topic in camera.topics)


def test_images_that_are_old_when_they_arrive_are_no_fault_of_the_model(
    world, make_camera, toy_model_path, rgb_message
):
    camera = make_camera(("depth/relative",))
    node = world.depth_node(model=str(toy_model_path), threads=1, max_age=3600.0)
    camera.connect()
    old = world.now()
    old.sec -= 60
    camera.show(rgb_message(old), until=lambda: "images come late; images are 6" in (world.status() or ""))
    assert world.values()["cure"].startswith("set use_sim_time for a bag with a clock, set the clocks right")
    assert 60e3 < float(world.values()["stamp_to_arrival_p50_ms"]) < float(world.values()["stamp_to_publish_p99_ms"])
    assert node.set_parameters([Parameter("max_age", value=0.0)])[0].successful
    camera.show(rgb_message(old), until=lambda: world.values()["state"] == "relative depth only")


def test_frames_that_a_driver_stamps_with_0_have_depth_and_no_age(world, make_camera, toy_model_path, rgb_message):
    world.listen_to_log()
    camera = make_camera(("depth/relative",))
    world.depth_node(model=str(toy_model_path), threads=1, max_age=0.5)
    camera.connect()
    camera.show(rgb_message(Time()), until=lambda: world.got["/diagnostics"] and world.values()["processed"] != "0")
    world.until(lambda: "arrival_to_publish_p50_ms" in world.values(), what="the time it took")
    assert not any(key.startswith(("stamp_to", "problem.")) for key in world.values())
    assert (world.values()["too_old"], world.values()["state"]) == ("0", "relative depth only")
    world.until(lambda: any("header.stamp is 0" in line for line in world.logs), what="the log")


def test_frames_that_waited_too_long_for_their_turn_are_no_fault_of_a_clock(world, camera, toy_model_path, rgb_message):
    node = world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE, max_age=30.0)
    camera.connect()
    queue, old = node._cameras[0]._intake._queue, world.now()
    old.sec -= 60
    queue.put(Arrival(rgb_message(old), time.monotonic() - 59.0))
    world.until(lambda: ", as it waited 59." in (world.status() or ""), what="the cause")
    assert "expected at most 30 (parameter max_age); set deadline_ms, lower max_scales" in world.status()
    queue.put(Arrival(rgb_message(old), time.monotonic()))
    world.until(lambda: "(parameter max_age); set use_sim_time" in world.status(), what="the other cause")
    assert "waited" not in world.status()
