"""The program `depth_node`: runs DepthNode (`depthart_ros.depth_node`) in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from depthart_ros.spin import run_node

if TYPE_CHECKING:
    from depthart_ros.depth_node import DepthNode


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit status.

    Args:
        args: the command line with its ROS arguments; that of the process by default.
    """
    return run_node("depth_node", _make, args)


def _make() -> DepthNode:
    """Import ROS, make the node and start it."""
    from depthart_ros.depth_node import DepthNode

    node = DepthNode()
    node.autostart()
    return node


if __name__ == "__main__":
    sys.exit(main())
