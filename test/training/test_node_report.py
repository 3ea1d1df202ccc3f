"""What the measurement of the node says, and when it gives up."""

import argparse
import os
import sys
from pathlib import Path

import pytest

from depthart_core import DepthartError

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from benchmarks import node
from depthart_ros.cli.demo_processes import Program, transport_environment

SILENT = """
import time
import rclpy
from sensor_msgs.msg import Image

rclpy.init()
publisher = rclpy.create_node("silent").create_publisher(Image, "depth/image_rect", 10)
while not publisher.get_subscription_count():
    time.sleep(0.05)
for _ in range(3):
    publisher.publish(Image())
    time.sleep(0.2)
print("that was all", flush=True)
time.sleep(120.0)
"""
"""In place of a node that hangs after its third frame."""


@pytest.mark.ros
def test_a_node_that_falls_silent_ends_the_measurement(monkeypatch, tmp_path):
    from depthart_ros.cli.demo_recorder import Recorder

    for name, value in transport_environment(1 + os.getpid() % 100).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(node, "PATIENCE", 2.0)
    program = Program("silent", [sys.executable, "-c", SILENT], tmp_path / "log")
    try:
        with Recorder(0.1, ("depth/image_rect",)) as recorder:
            recorder.listen(60.0, until=lambda: recorder.counts["depth/image_rect"] > 0)
            with pytest.raises(DepthartError, match=r"no depth came for 2 s after 3 frames.*\n.*that was all"):
                node.listen(recorder, program, 100)
    finally:
        program.stop()


def test_memory_is_told_in_the_unit_it_is_counted_in():
    values = {f"{stage}_p{p}_ms": "2.0" for stage in node.STAGES for p in (50, 95, 99)}
    memory = [node.Memory(frames, 100.0 + frames) for frames in range(0, 2000, 100)]
    found = node.Measurement(2000, 60.0, [0.1, 0.2, 0.3], values, memory)
    text = "\n".join(node.report(found, argparse.Namespace(width=64, height=48, rate=30.0, cores=2)))
    assert "grows by +1000.0 MiB per 1000 frames" in text
    assert "resident memory of the node [MiB]" in text
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert node.resident_mib(os.getpid()) == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, rel=0.05)
