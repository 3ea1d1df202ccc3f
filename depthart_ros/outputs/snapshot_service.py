"""The service ~/save_snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node
from rclpy.time import Time as RosTime
from sensor_msgs.msg import CameraInfo
from std_srvs.srv import Trigger

from depthart_core import ConfigError
from depthart_ros.outputs.snapshot import save_snapshot, snapshot_folder
from depthart_ros.outputs.view import View

INACTIVE = "the node is not active, so there is no frame; run its lifecycle transitions configure and activate"
NO_FRAME = (
    "no frame yet; depth is made only while somebody subscribes to an output and images come: subscribe, wait for "
    "depth, and call again"
)
NO_METRES = "relative depth only, because the scale is unknown"
OLD = 5.0  # seconds after which a frame's age is worth a word: depth is made only while somebody subscribes


def offer_snapshots(node: Node, views: Callable[[], Mapping[str, View | None]]) -> None:
    """Offer the service.

    Args:
        node: that offers it.
        views: the newest view of each active camera by its name, None before the first.
    """

    def save(request: Any, response: Any) -> Any:
        del request
        found = views()
        answers = [_save(name, view, node.get_clock().now()) for name, view in found.items()]
        response.success = bool(answers) and all(well for well, _ in answers)
        response.message = "; ".join(sentence for _, sentence in answers) or INACTIVE
        if not response.success:
            node.get_logger().warning(f"save_snapshot: {response.message}")
        return response

    node.create_service(Trigger, "~/save_snapshot", save)


def _save(camera: str, view: View | None, now: RosTime) -> tuple[bool, str]:
    """Save the view of one camera; returns whether that went well, and a sentence."""
    named = f"{camera}: " if camera else ""
    if view is None:
        return False, named + NO_FRAME
    try:
        folder = save_snapshot(view, snapshot_folder(view.settings.snapshot_dir), CameraInfo, camera=camera)
    except ConfigError as error:
        return False, named + str(error)
    stamp = view.header.stamp
    age = now.nanoseconds * 1e-9 - (stamp.sec + stamp.nanosec * 1e-9)
    remarks = [NO_METRES] * (view.scale is None) + [f"its frame is {age:.0f} s old"] * (age > OLD and stamp.sec > 0)
    return True, f"{named}saved {folder}" + (f" ({'; '.join(remarks)})" if remarks else "")
