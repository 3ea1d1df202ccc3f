"""When the measurement of the node gives up."""

import sys

import pytest

from depthart_core import DepthartError

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from benchmarks import node
from depthart_ros.demo.processes import Program

SILENT = """
import time
import rclpy
from sensor_msgs.msg import Image

rclpy.init()
publisher = rclpy.create_node("silent").create_publisher(Image, "depth/image_rect", 10)
while not publisher.get_subscription_count():
    time.sleep(0.05)
print("three frames", flush=True)
for _ in range(3):
    publisher.publish(Image())
time.sleep(120.0)
"""
"""In place of a node that hangs after its third frame."""


def test_a_node_that_falls_silent_ends_the_measurement(dds, domain, monkeypatch, tmp_path):
    from depthart_ros.demo.recorder import Recorder

    monkeypatch.setattr(node, "PATIENCE", 2.0)
    program = Program("silent", [sys.executable, "-c", SILENT], tmp_path / "log")
    try:
        with Recorder(0.1, ("depth/image_rect",)) as recorder:
            recorder.listen(60.0, until=lambda: recorder.counts["depth/image_rect"] == 3)
            with pytest.raises(DepthartError, match=r"no depth came for 2 s after 3 frames.*\n(.*\n)*.*three frames"):
                node.listen(recorder, program, 100)
    finally:
        program.stop()
