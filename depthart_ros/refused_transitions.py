"""Answers to lifecycle transitions that cannot be made: up to Jazzy rclpy would end the process over them."""

from __future__ import annotations

from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode


def answer_refusals(node: LifecycleNode) -> None:
    """Let the service `~/change_state` answer "no success" to a transition that the node's state does not have."""
    service = node._service_change_state  # noqa: SLF001 - rclpy makes it, and offers no other way to it
    change = service.callback

    def answer(request: Any, response: Any) -> Any:
        try:
            return change(request, response)
        except rclpy_implementation.RCLError as error:
            if not node.context.ok():
                raise  # a signal came meanwhile
            asked = request.transition.label or request.transition.id
            node.get_logger().error(f"transition {asked} is refused: {str(error).splitlines()[0]}")
            response.success = False
            return response

    service.callback = answer
