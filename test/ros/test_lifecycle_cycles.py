"""The lifecycle of depth_node for hundreds of times, in any order, and after errors that nobody foresaw."""

import gc
import random
import threading
from statistics import median

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image

from depthart_ros.depth_node import DepthNode
from depthart_ros.diagnostics.memory import resident_mib

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
CYCLES = 200
STEPS = {
    ("unconfigured", "configure"): "inactive",
    ("inactive", "activate"): "active",
    ("active", "deactivate"): "inactive",
    ("inactive", "cleanup"): "unconfigured",
}
TRANSITIONS = ("configure", "activate", "deactivate", "cleanup")


def held(node):
    """How many publishers, subscriptions, waitables and threads of ours there are."""
    return (
        len(list(node.publishers)),
        len(list(node.subscriptions)),
        len(list(node.waitables)),
        [thread.name for thread in threading.enumerate()].count("depthart_worker"),
    )


def trigger(node, transition):
    """Whether rclpy's own method of a transition succeeded: up to Jazzy it raises where the state has no such one."""
    try:
        return getattr(node, f"trigger_{transition}")() == SUCCESS
    except rclpy_implementation.RCLError:
        return False


def test_two_hundred_cycles_leave_nothing_behind(world, toy_model_path):
    node = world.depth_node(autostart=False, model=str(toy_model_path), threads=1, cameras=["front", "left"])
    before, memory = held(node), []
    for cycle in range(CYCLES):
        for transition in ("configure", "activate", "deactivate", "cleanup"):
            assert getattr(node, f"trigger_{transition}")() == SUCCESS
        world.executor.spin_once(timeout_sec=0)
        assert held(node) == before
        if cycle % 10 == 9:
            gc.collect()
            memory.append(resident_mib())
    if memory[0] is not None:
        first, last = median(memory[2:7]), median(memory[-5:])  # what is made once is made by then
        assert last - first < 40, f"{memory} MiB after every 10 cycles"


def test_transitions_in_any_order_are_done_or_refused_and_the_node_works_in_the_end(world, toy_model_path, rgb_message):
    node = world.depth_node(autostart=False, model=str(toy_model_path), threads=1)
    before, state, dice = held(node), "unconfigured", random.Random(7)
    for _ in range(100):
        transition = dice.choice(TRANSITIONS)
        assert trigger(node, transition) is ((state, transition) in STEPS), (state, transition)
        state = STEPS.get((state, transition), state)
        assert node._label == state
        world.executor.spin_once(timeout_sec=0)
    for start, transition in (("active", "deactivate"), ("inactive", "cleanup")):
        if state == start:
            assert getattr(node, f"trigger_{transition}")() == SUCCESS
            state = STEPS[start, transition]
    assert held(node) == before
    node.trigger_configure()
    node.trigger_activate()
    images = world.peer.create_publisher(Image, "image", 1)
    world.listen("depth/relative", Image)
    world.until(
        lambda: world.got["depth/relative"],
        meanwhile=lambda: images.publish(rgb_message(world.now())),
    )


class Broken(DepthNode):
    """Fails once, with everything already made, in a way that nobody foresaw."""

    fails_in = ""

    def _configure(self):
        super()._configure()
        self._fail("configure")

    def _activate(self):
        super()._activate()
        self._fail("activate")

    def _fail(self, transition):
        if transition == self.fails_in:
            self.fails_in = ""
            raise ZeroDivisionError("nobody foresaw this")


@pytest.mark.parametrize("transition", ["configure", "activate"])
def test_after_an_unforeseen_error_the_node_is_unconfigured_and_can_be_started_again(world, toy_model_path, transition):
    from rclpy.parameter import Parameter

    world.listen_to_log()
    node = Broken(context=world.context, parameter_overrides=[Parameter("model", value=str(toy_model_path))])
    world.add(node)
    world.until(lambda: node.count_subscribers("/rosout") == 1)
    before, node.fails_in = held(node), transition
    results = [node.trigger_configure(), *([node.trigger_activate()] if transition == "activate" else [])]
    assert results[-1] != SUCCESS
    assert (node._label, held(node)) == ("unconfigured", before)
    world.until(lambda: any("nobody foresaw this" in line for line in world.logs), what="the cause in the log")
    assert (node.trigger_configure(), node.trigger_activate()) == (SUCCESS, SUCCESS)


def test_an_activation_that_is_refused_leaves_the_node_inactive_without_a_worker(world, toy_model_path):
    world.listen("/diagnostics", DiagnosticArray)
    node = world.depth_node(
        autostart=False,
        model=str(toy_model_path),
        cameras=["front", "left"],
        **{"qos_overrides./left/image.subscription.reliability": "sometimes"},
    )
    assert node.trigger_configure() == SUCCESS
    inactive = held(node)
    assert node.trigger_activate() == FAILURE
    assert held(node) == inactive
    world.until(lambda: "'sometimes'" in (world.status() or ""), what="the reason")


def test_after_shutdown_the_diagnostics_do_not_advise_what_is_impossible(world, toy_model_path):
    world.listen("/diagnostics", DiagnosticArray)
    node = world.depth_node(model=str(toy_model_path), threads=1)
    assert node.trigger_shutdown() == SUCCESS
    world.until(lambda: "finalized; start the node again" in (world.status() or ""))
