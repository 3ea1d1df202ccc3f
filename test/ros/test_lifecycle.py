"""The lifecycle of depth_node: refusals with their reason, every order of transitions, and nothing left behind."""

import itertools
import threading

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from depthart_ros.depth_node import DepthNode

OUTPUTS = ("/depth/relative", "/depth/image_rect", "/depth/camera_info", "/points", "/depth/image_color")
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


def refusal(world, **parameters):
    """Configure a node with such parameters; returns what log and diagnostics both say."""
    world.listen("/diagnostics", DiagnosticArray)
    world.listen_to_log()
    node = world.depth_node(autostart=False, **parameters)
    world.until(lambda: node.count_subscribers("/rosout") == 1)
    assert node.trigger_configure() == FAILURE
    world.until(lambda: any("stays unconfigured: " in line for line in world.logs), what="a refusal in the log")
    sentence = next(line for line in world.logs if "stays unconfigured: " in line).partition(": ")[2]
    world.until(lambda: sentence in (world.status() or ""), what="the same sentence in the diagnostics")
    assert world.got["/diagnostics"][-1].status[0].level == b"\x02"
    assert "\n" not in sentence
    assert "/depth/relative" not in dict(node.get_publisher_names_and_types_by_node("depth_node", "/"))
    return sentence


def test_a_missing_model_file_is_refused(world, tmp_path):
    assert "nowhere.safetensors" in refusal(world, model=str(tmp_path / "nowhere.safetensors"))


def test_a_corrupt_model_file_is_refused(world, tmp_path, toy_model_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(toy_model_path.read_bytes()[:5000])
    assert "broken.safetensors" in refusal(world, model=str(broken))


def test_an_unknown_device_is_refused(world, toy_model_path):
    assert "'abacus'" in refusal(world, model=str(toy_model_path), device="abacus")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"backend": "abacus"}, "backend is 'abacus'; expected one of auto, "),
        ({"decode": "dream"}, "decode is 'dream'; expected one of expected, argmax, sample"),
        ({"scale": "big"}, "scale is 'big'; expected a value of type double"),
        ({"scale": -1.0}, "scale out of range"),
        ({"threads": 1000}, "threads out of range"),
        (
            {"min_range": 9.0, "max_range": 3.0},
            "min_range is 9 and max_range is 3; expected the first below the second",
        ),
    ],
)
def test_a_bad_parameter_at_start_is_refused_at_configure(world, toy_model_path, parameters, words):
    assert words in refusal(world, model=str(toy_model_path), **parameters)


def test_a_bad_qos_override_is_refused(world, toy_model_path):
    sentence = refusal(world, model=str(toy_model_path), **{"qos_overrides./points.publisher.reliability": "sometimes"})
    assert "sometimes" in sentence


def test_a_bad_dynamic_parameter_can_be_corrected_and_configure_tried_again(world, toy_model_path):
    node = world.depth_node(autostart=False, model=str(toy_model_path), color__map="pink")
    assert node.trigger_configure() == FAILURE
    assert node.set_parameters([Parameter("color.map", value="magma")])[0].successful
    assert node.trigger_configure() == SUCCESS


@pytest.mark.parametrize(
    ("parameters", "cure"),
    [
        ({"seed": -1, "scale": -1.0}, "start again with a valid value"),
        ({"scale": -1.0}, "transition `configure` again"),
    ],
)
def test_configure_is_advised_only_where_every_bad_parameter_can_be_set(world, toy_model_path, parameters, cure):
    refusal(world, model=str(toy_model_path), **parameters)
    assert cure in world.status()
    assert ("`configure`" in cure) == ("`configure`" in world.status())


def workers():
    """How many threads of ours there are; libraries have others."""
    return [thread.name for thread in threading.enumerate()].count("depthart_worker")


def endpoints(node):
    """What a node publishes and subscribes to, as sorted names."""
    return (
        sorted(publisher.topic_name for publisher in node.publishers),
        sorted(subscription.topic_name for subscription in node.subscriptions),
    )


def test_cycles_of_the_lifecycle_leave_no_publisher_subscription_or_thread(world, toy_model_path):
    node = world.depth_node(autostart=False, model=str(toy_model_path), threads=1)
    bare = (endpoints(node), workers())
    seen = []
    for _ in range(3):
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        world.spin_for(0.05)
        seen.append((endpoints(node), workers()))
        assert node.trigger_deactivate() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        assert node.trigger_deactivate() == SUCCESS
        assert node.trigger_cleanup() == SUCCESS
        assert (endpoints(node), workers()) == bare
    assert seen[1:] == seen[:1] * 2
    assert {"/image", "/camera_info"} <= set(seen[0][0][1])
    assert set(OUTPUTS) <= set(seen[0][0][0])


@pytest.mark.parametrize(
    "steps", [(), ("configure",), ("configure", "activate"), ("configure", "activate", "deactivate")]
)
def test_shutdown_works_from_every_state(world, toy_model_path, steps):
    node = world.depth_node(autostart=False, model=str(toy_model_path), threads=1)
    bare = (endpoints(node), workers())
    for step in steps:
        assert getattr(node, f"trigger_{step}")() == SUCCESS
    assert node.trigger_shutdown() == SUCCESS
    assert (endpoints(node), workers()) == bare


def test_a_node_destroyed_while_active_leaves_no_thread(world, toy_model_path):
    before = workers()
    node = world.depth_node(model=str(toy_model_path), threads=1)
    assert workers() == before + 1
    world.executor.remove_node(node)
    world.nodes.remove(node)
    node.destroy_node()
    assert workers() == before


def test_nothing_is_processed_while_inactive(world, toy_model_path, rgb_message):
    node = world.depth_node(model=str(toy_model_path), threads=1)
    images = world.peer.create_publisher(Image, "image", 1)
    world.listen("depth/relative", Image)
    seconds = itertools.count(1)

    def publish():
        second = next(seconds)
        images.publish(rgb_message(Time(sec=second)))
        return second

    def came():
        return [message.header.stamp.sec for message in world.got["depth/relative"]]

    world.until(came, meanwhile=publish)
    assert node.trigger_deactivate() == SUCCESS
    world.until(lambda: images.get_subscription_count() == 0, what="the end of the subscription")
    inactive = publish()
    world.spin_for(0.5)
    assert node.trigger_activate() == SUCCESS
    world.until(lambda: came()[-1] > inactive, meanwhile=publish)
    assert inactive not in came()


def test_a_lifecycle_manager_can_drive_the_node_by_its_services(world, toy_model_path):
    world.depth_node(autostart=False, model=str(toy_model_path), threads=1)
    change = world.peer.create_client(ChangeState, "/depth_node/change_state")
    state = world.peer.create_client(GetState, "/depth_node/get_state")
    world.until(lambda: change.service_is_ready() and state.service_is_ready(), what="lifecycle services")
    for transition, label in (
        (Transition.TRANSITION_CONFIGURE, "inactive"),
        (Transition.TRANSITION_ACTIVATE, "active"),
        (Transition.TRANSITION_DEACTIVATE, "inactive"),
        (Transition.TRANSITION_CLEANUP, "unconfigured"),
    ):
        request = ChangeState.Request()
        request.transition.id = transition
        changed = change.call_async(request)
        world.until(changed.done, what="an answer")
        assert changed.result().success
        asked = state.call_async(GetState.Request())
        world.until(asked.done, what="an answer")
        assert asked.result().current_state.label == label


def test_autostart_false_waits_to_be_configured(world, toy_model_path):
    world.listen("/diagnostics", DiagnosticArray)
    overrides = [Parameter("model", value=str(toy_model_path)), Parameter("autostart", value=False)]
    node = DepthNode(context=world.context, parameter_overrides=overrides)
    world.add(node)
    node.autostart()
    world.until(lambda: "unconfigured; run the lifecycle transition `configure`" in (world.status() or ""))
