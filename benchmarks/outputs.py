"""What the node does beside its model, output by output: ``python -m benchmarks.outputs``.

Every output has a subscriber in another process. The model runs once; its answer is given again for every frame: what
is timed is everything else, decoding the message, resizing to the model and back, making and publishing messages.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.deliver import deliver
from benchmarks.timing import timed
from depthart_core import DepthEstimator, Intrinsics
from depthart_core.inference import Inference
from depthart_core.markdown import table
from depthart_core.preprocess import to_input
from depthart_ros.demo.processes import transport_environment
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.outputs.messages import cloud_message, fill_cloud
from depthart_ros.outputs.topics import CONFIDENCE
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import Frame, Pipeline

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo, Image

PATIENCE = 20.0
PAUSE = 0.02  # seconds between frames


class Replay:
    """A backend that gives one answer again and again."""

    anytime, precision = False, "fp32"

    def __init__(self, model: str, rgb: npt.NDArray[np.uint8]) -> None:
        backend = DepthEstimator.load(model).backend
        self.input_size, self.heads, self.scales = backend.input_size, backend.heads, backend.scales
        self.answer = backend.infer(to_input(rgb, self.input_size))

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:
        """Return the answer to another picture."""
        del rgb, deadline
        return self.answer


class Timed:
    """The node's outputs with the time that publishing takes [s], by topic."""

    def __init__(self, outputs: Any) -> None:
        self._outputs = outputs
        self.types = outputs.types
        self.seconds: dict[str, list[float]] = {}

    def subscribed(self) -> frozenset[str]:
        """Return the topics that somebody subscribes to."""
        found: frozenset[str] = self._outputs.subscribed()
        return found

    def publish(self, topic: str, message: Any) -> str:
        """Publish, and add the seconds that it takes; returns why it failed, or ""."""
        start = time.perf_counter()
        failure: str = self._outputs.publish(topic, message)
        self.seconds.setdefault(topic, []).append(time.perf_counter() - start)
        return failure


def listen(stop: Any) -> None:
    """Subscribe to every output in a process of its own, take what comes as bytes."""
    import rclpy
    from rclpy.qos import QoSProfile, QoSReliabilityPolicy

    from depthart_ros.outputs.publishers import OUTPUT_TYPES

    rclpy.init()
    node = rclpy.create_node("listener")
    qos = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)
    kept = [node.create_subscription(kind, topic, len, qos, raw=True) for topic, kind in OUTPUT_TYPES.items()]
    while not stop.is_set():
        rclpy.spin_once(node, timeout_sec=0.1)
    del kept
    node.destroy_node()
    rclpy.shutdown()


def make_frame(width: int, height: int, number: int, settings: Settings) -> Frame:
    """Return an rgb8 frame of noise with its calibration."""
    from builtin_interfaces.msg import Time
    from sensor_msgs.msg import CameraInfo, Image

    image: Image = Image(width=width, height=height, encoding="rgb8", step=3 * width)
    image.header.stamp = Time(sec=number)
    image.data = np.random.default_rng(number).integers(0, 256, 3 * width * height, np.uint8).tobytes()
    info: CameraInfo = CameraInfo(width=width, height=height, distortion_model="plumb_bob")
    f, cx, cy = 0.9 * width, (width - 1) / 2, (height - 1) / 2
    info.k = [f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0]
    info.p = [f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return Frame(image, info, settings)


def measure_frames(args: argparse.Namespace, settings: Settings) -> tuple[list[float], dict[str, list[float]], float]:
    """Return seconds of every frame, those of publishing by topic, and CPU seconds of all threads for a frame."""
    import rclpy

    from depthart_ros.outputs.publishers import OUTPUT_TYPES, OutputPublishers

    rclpy.init()
    node = rclpy.create_node("depth_node")
    try:
        outputs = Timed(OutputPublishers(node))
        frames = [make_frame(args.width, args.height, number, settings) for number in range(4)]
        rgb = np.frombuffer(frames[0].image.data, np.uint8).reshape(args.height, args.width, 3)
        backend = Replay(args.model, rgb)
        wanted = set(OUTPUT_TYPES) if backend.heads else set(OUTPUT_TYPES) - {CONFIDENCE}
        end = time.monotonic() + PATIENCE
        while not wanted <= outputs.subscribed():
            if time.monotonic() > end:
                raise TimeoutError(f"no subscriber to {wanted - outputs.subscribed()} came in {PATIENCE:g} s")
            rclpy.spin_once(node, timeout_sec=0.05)
        pipeline = Pipeline(DepthEstimator(backend, "replay"), outputs, Problems(print), Statistics())
        for frame in frames:
            pipeline.process(frame)
        outputs.seconds.clear()
        before = time.process_time()
        whole = []
        for at in range(args.frames):
            time.sleep(PAUSE)
            whole.append(timed(lambda at=at: pipeline.process(frames[at % 4])))  # type: ignore[misc]
        return whole, dict(outputs.seconds), (time.process_time() - before) / args.frames
    finally:
        node.destroy_node()
        rclpy.shutdown()


def measure_cloud(args: argparse.Namespace) -> tuple[float, float]:
    """Return the median seconds of packing a cloud and of copying as many bytes, in turns."""
    from depthart_ros.outputs.publishers import ROS_TYPES

    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 8.0, (args.height, args.width)).astype(np.float32)
    rgb = rng.integers(0, 256, (args.height, args.width, 3), np.uint8)
    f, cx, cy = 0.9 * args.width, (args.width - 1) / 2, (args.height - 1) / 2
    camera = Intrinsics(args.width, args.height, f, f, cx, cy)
    cloud = cloud_message(ROS_TYPES, args.height, args.width)
    source = cloud.points.copy()
    copy = np.empty_like(source)
    packing, copying = [], []
    for _ in range(args.frames):
        packing.append(timed(lambda: fill_cloud(cloud, depth, rgb, intrinsics=camera, stride=1)))
        copying.append(timed(lambda: np.copyto(copy, source)))
    return float(np.median(packing)), float(np.median(copying))


def row(name: str, seconds: Sequence[float]) -> list[str]:
    """Return p50, p95 and p99 [ms] as a line of a table."""
    return [name, *(f"{value:.2f}" for value in np.percentile(np.array(seconds) * 1e3, (50, 95, 99)))]


def report(args: argparse.Namespace) -> list[str]:
    """Measure, and return paragraphs and tables."""
    whole, publishing, cpu = measure_frames(args, Settings(scale=1.0, color_legend=True))
    packing, copying = measure_cloud(args)
    rows = [row("everything beside the model", whole)]
    rows += [row(f"of that publish() of {topic}", seconds) for topic, seconds in publishing.items()]
    beside = (
        f"{args.width}x{args.height}, {args.model}, every output subscribed from another process. Beside the model: "
        f"**{np.median(whole) * 1e3:.1f} ms** (p50), {cpu * 1e3:.1f} ms of CPU in all threads."
    )
    cloud = (
        f"Packing a cloud: {packing * 1e3:.2f} ms, **{packing / copying:.1f} times** copying as many bytes "
        f"({copying * 1e3:.2f} ms)."
    )
    return [beside, table(["time [ms]", "p50", "p95", "p99"], rows), cloud]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="What the node does beside its model.")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    args = parse(argv)
    environment = transport_environment(1 + os.getpid() % 100)
    if not environment.keys() <= os.environ.keys():  # how memory is kept is read once, when a process begins
        os.environ.update(environment)
        os.execv(
            sys.executable, [sys.executable, "-m", "benchmarks.outputs", *(sys.argv[1:] if argv is None else argv)]
        )
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    listener = context.Process(target=listen, args=(stop,), daemon=True)
    listener.start()
    try:
        lines = report(args)
    finally:
        stop.set()
        listener.join(math.ceil(PATIENCE))
    deliver("What the node does beside its model", lines, program="benchmarks.outputs", argv=argv, out=args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
