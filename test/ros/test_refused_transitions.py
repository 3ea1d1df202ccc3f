"""Transitions over the service, as a lifecycle manager asks for them."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation

from depthart_ros.refused_transitions import answer_refusals


@pytest.fixture
def ask(world):
    """A function that asks the node for a transition and gives the answer's `success`."""
    client = world.peer.create_client(ChangeState, "/depth_node/change_state")

    def change(transition):
        world.until(client.service_is_ready, what="the service")
        asked = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        world.until(asked.done, what="an answer")
        return asked.result().success

    return change


def test_a_transition_that_the_state_does_not_have_is_refused_and_the_node_goes_on(world, ask, toy_model_path):
    node = world.depth_node(model=str(toy_model_path), threads=1)
    assert ask(Transition.TRANSITION_CONFIGURE) is False
    assert node._label == "active"
    assert ask(Transition.TRANSITION_DEACTIVATE) is True
    assert node._label == "inactive"


def test_an_rcl_error_of_a_transition_which_rclpy_lets_out_up_to_jazzy_is_answered_too(world, ask, toy_model_path):
    node = world.depth_node(model=str(toy_model_path), threads=1)
    world.listen_to_log()

    def refuse(request, response):
        raise rclpy_implementation.RCLError("Failed to trigger lifecycle state machine transition")

    node._service_change_state.callback = refuse
    answer_refusals(node)
    assert ask(Transition.TRANSITION_CONFIGURE) is False
    world.until(
        lambda: any("transition 1 is refused: Failed to trigger" in line for line in world.logs), what="the log"
    )
