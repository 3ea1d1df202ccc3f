"""What the measurement of the node says."""

import argparse
import os
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from benchmarks import node


def test_memory_is_told_in_the_unit_it_is_counted_in():
    values = {f"{stage}_p{p}_ms": "2.0" for stage in node.STAGES for p in (50, 95, 99)}
    memory = [node.Memory(frames, 100.0 + frames) for frames in range(0, 2000, 100)]
    found = node.Measurement(2000, 60.0, [0.1, 0.2, 0.3], values, memory)
    text = "\n".join(node.report(found, argparse.Namespace(width=64, height=48, rate=30.0, cores=2)))
    assert "grows by +1000.0 MiB per 1000 frames" in text
    assert "resident memory of the node [MiB]" in text
    assert "| stage [ms], last 300 frames |" in text
    assert "| stamp to subscriber of depth, all frames | 200.000 |" in text
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert node.resident_mib(os.getpid()) == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, rel=0.05)
