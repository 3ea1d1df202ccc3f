"""What a deadline does to the time from an image to its outputs: ``python -m benchmarks.deadline``.

One sample picture goes through the node's pipeline again and again, depth and cloud wanted, under deadlines from
impossible to generous; every repetition runs all of them one after the other. Timing alone: what the depth of fewer
scales is worth, `training.evaluate` says.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rclpy.clock import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tqdm import tqdm

from benchmarks.deliver import deliver
from depthart_core import DepthEstimator, Intrinsics
from depthart_core.errors import DepthartError
from depthart_core.markdown import table
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.driver.sources import SAMPLES
from depthart_ros.inputs.fallback_calibration import pinhole
from depthart_ros.outputs.publishers import ROS_TYPES
from depthart_ros.outputs.topics import CAMERA_INFO, DEPTH, POINTS
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import Frame, Pipeline

SAMPLE = SAMPLES / "room_008.jpg"
SHARES = (0.0, 0.4, 0.6, 0.8, 1.0, 1.3, 2.0)
"""Deadlines, as shares of the time that a frame takes without one."""
LEARNING = 5
"""First repetitions, from which the estimator learns how long its scales take; they are not counted."""


class Nowhere:
    """Outputs that somebody wants and nobody gets."""

    types = ROS_TYPES

    def subscribed(self) -> frozenset[str]:
        """Return what the node is used for."""
        return frozenset({DEPTH, CAMERA_INFO, POINTS})

    def publish(self, topic: str, message: Any) -> str:  # noqa: ARG002
        """Take a message."""
        return ""


@dataclass
class Case:
    """One deadline [ms], None for none, and what was measured under it: seconds and scales of each frame."""

    deadline_ms: float | None
    seconds: list[float] = field(default_factory=list)
    scales: list[int] = field(default_factory=list)


def frame(width: int, height: int) -> tuple[Image, CameraInfo]:
    """Return the sample picture as messages."""
    bgr = cv2.resize(cv2.imread(str(SAMPLE)), (width, height))
    header = Header(stamp=Clock().now().to_msg(), frame_id="camera_optical_frame")
    image = Image(header=header, height=height, width=width, encoding="bgr8", step=3 * width)
    image.data = bgr.tobytes()
    camera = pinhole(Intrinsics(width, height, 0.9 * width, 0.9 * width, width / 2, height / 2))
    return image, camera.fill(CameraInfo(header=header))


def measure(args: argparse.Namespace) -> list[Case]:
    """Run every deadline in turn, again and again."""
    estimator = DepthEstimator.load(args.model, backend=args.backend)
    if not estimator.anytime:
        raise DepthartError(f"{estimator.name} decodes all scales at once; choose another --backend")
    found = Statistics()
    pipeline = Pipeline(estimator, Nowhere(), Problems(print), found)
    image, info = frame(args.width, args.height)

    def send(deadline_ms: float | None) -> float:
        arrival = time.monotonic()
        deadline = None if deadline_ms is None else arrival + deadline_ms * 1e-3
        pipeline.process(Frame(image, info, Settings(scale=1.0), deadline))
        return time.monotonic() - arrival

    whole = statistics.median(send(None) for _ in range(LEARNING)) * 1e3
    cases = [*(Case(round(share * whole, 1)) for share in SHARES), Case(None)]
    for repetition in tqdm(range(LEARNING + args.repetitions)):
        for case in cases:
            seconds = send(case.deadline_ms)
            if repetition >= LEARNING:
                case.seconds.append(seconds)
                case.scales.append(found.snapshot().scales[-1])
    return cases


def longest_scale(args: argparse.Namespace) -> float:
    """Return the milliseconds that the longest scale adds."""
    rgb = np.ascontiguousarray(cv2.imread(str(SAMPLE))[..., ::-1])
    scales = DepthEstimator.load(args.model, backend=args.backend).scales
    some = [DepthEstimator.load(args.model, backend=args.backend, max_scales=k) for k in range(1, scales + 1)]
    seconds: list[list[float]] = [[] for _ in some]
    for _ in range(LEARNING + args.repetitions // 2):
        for estimator, times in zip(some, seconds, strict=True):
            start = time.monotonic()
            estimator(rgb)
            times.append(time.monotonic() - start)
    typical = [statistics.median(times[LEARNING:]) for times in seconds]
    return max(after - before for before, after in itertools.pairwise(typical)) * 1e3


def row(case: Case) -> list[str]:
    """Return the line of a case."""
    milliseconds = np.array(case.seconds) * 1e3
    p50, p95 = np.percentile(milliseconds, (50, 95))
    counts = ", ".join(f"{scales}: {count}" for scales, count in sorted(Counter(case.scales).items()))
    if case.deadline_ms is None:
        return ["none", f"{p50:.1f}", f"{p95:.1f}", "", "", counts]
    late, worst = p95 - case.deadline_ms, milliseconds.max() - case.deadline_ms
    return [f"{case.deadline_ms:g}", f"{p50:.1f}", f"{p95:.1f}", f"{late:+.1f}", f"{worst:+.1f}", counts]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description="What a deadline does.")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    try:
        cases, longest = measure(args), longest_scale(args)
    except DepthartError as error:
        print(f"benchmarks.deadline: {error}", file=sys.stderr)
        return 1
    header = ["deadline [ms]", "p50 [ms]", "p95 [ms]", "p95 beyond it", "worst beyond it", "scales: frames"]
    summary = (
        f"{args.model} ({args.backend}), {args.width}x{args.height}, depth and cloud made, {args.repetitions} frames "
        f"for each deadline. The longest scale adds {longest:.1f} ms: by more than that a deadline may not be missed, "
        "unless one scale alone takes longer."
    )
    lines = [summary, table(header, [row(case) for case in cases])]
    deliver("Depth by a deadline", lines, program="benchmarks.deadline", argv=argv, out=args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
