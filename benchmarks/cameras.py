"""Several cameras in one node: ``python -m benchmarks.cameras``.

All cameras but the last publish fast, the last one slowly. A second table says why the frames of several cameras are
not put into one batch on a CPU.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.node import PATIENCE
from benchmarks.report import deliver
from depthart_core.checkpoint import load_model
from depthart_core.errors import DepthartError
from depthart_core.markdown import table
from depthart_ros.cli.demo_processes import Program, python_program, transport_environment
from depthart_ros.diagnostics.reports import resident_mib
from depthart_ros.outputs.topics import DEPTH

NAMES = ("front", "left", "right", "rear")
BATCHES = (1, 4)


@dataclass(frozen=True)
class Shared:
    """What one run gave: memory of the node [MiB] and the values of each camera's diagnostics."""

    resident_mib: float
    values: dict[str, dict[str, str]]


class Listener:
    """Hears one output of every camera, and the diagnostics, for the time of a `with` block."""

    def __init__(self, cameras: Sequence[str]) -> None:
        self.cameras, self.values = cameras, dict[str, dict[str, str]]()

    def __enter__(self) -> Listener:
        """Join the DDS domain and subscribe."""
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import Image

        rclpy.init()
        self.node = rclpy.create_node("listener")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        for camera in self.cameras:
            self.node.create_subscription(Image, f"{camera}/{DEPTH}", lambda _: None, 1, raw=True)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._hear, 10)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the domain."""
        import rclpy

        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()

    def _hear(self, message: Any) -> None:
        for status in message.status:
            self.values[status.name.rpartition(" ")[2]] = {pair.key: pair.value for pair in status.values}

    def processed(self) -> int:
        """Return the fewest frames that a camera has had."""
        return min((int(self.values.get(camera, {}).get("processed", 0)) for camera in self.cameras), default=0)


def share(cameras: Sequence[str], args: argparse.Namespace, folder: Path) -> Shared:
    """Run one node with some cameras until each has had its frames.

    Raises:
        DepthartError: the frames did not come.
    """
    options = ["-p", f"cameras:=[{','.join(cameras)}]", "-p", "scale:=1.0", "-p", f"backend:={args.backend}"]
    with ExitStack() as stack:
        node = Program("node", python_program("depthart_ros.node", "--ros-args", *options), folder / "node.log")
        stack.callback(node.stop)
        for place, name in enumerate(cameras):
            rate = args.slow if place and place == len(cameras) - 1 else args.rate
            command = ["camera", "--rate", f"{rate:g}", "--width", "640", "--height", "480", "--ros-args"]
            moved = [part for topic in ("image", "camera_info") for part in ("-r", f"{topic}:={name}/{topic}")]
            camera = Program(name, python_program("depthart_ros.cli.main", *command, *moved), folder / f"{name}.log")
            stack.callback(camera.stop)
        listener = stack.enter_context(Listener(cameras))
        end = time.monotonic() + PATIENCE
        while listener.processed() < args.frames:
            listener.executor.spin_once(timeout_sec=0.1)
            if time.monotonic() > end or node.ended:
                raise DepthartError(f"too few frames came; the node's log ends so:\n{node.last_lines()}")
        return Shared(resident_mib(node.pid), listener.values)


def batches(repetitions: int) -> list[list[str]]:
    """Return how long a picture takes alone and in a batch, in turns."""
    model = load_model("nano")
    side = model.config.tokenizer.input_size
    pictures = {size: torch.rand(size, 3, side, side) * 2 - 1 for size in BATCHES}
    seconds: dict[int, list[float]] = {size: [] for size in BATCHES}
    with torch.inference_mode():
        for repetition in range(repetitions + 1):
            for size, picture in pictures.items():
                start = time.perf_counter()
                model(picture)
                if repetition:
                    seconds[size].append(time.perf_counter() - start)
    typical = {size: statistics.median(times) * 1e3 for size, times in seconds.items()}
    return [[str(size), f"{typical[size]:.1f}", f"{typical[size] / size:.1f}"] for size in BATCHES]


def rows(shared: Shared, cameras: Sequence[str]) -> list[list[str]]:
    """Return a line for each camera."""
    keys = ("received_rate", "processed_rate", "infer_p50_ms", "arrival_to_publish_p50_ms", "arrival_to_publish_p95_ms")
    return [[name, *(shared.values[name].get(key, "?") for key in keys)] for name in cameras]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Several cameras in one node.")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--frames", type=int, default=20, help="frames to wait for of the slowest camera")
    parser.add_argument("--rate", type=float, default=15.0, help="images a second of all cameras but the last")
    parser.add_argument("--slow", type=float, default=2.0, help="images a second of the last camera")
    parser.add_argument("--repetitions", type=int, default=7, help="of each batch")
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    os.environ.update(transport_environment(1 + os.getpid() % 100))
    try:
        with tempfile.TemporaryDirectory() as folder:
            one, four = (share(names, args, Path(folder)) for names in (NAMES[:1], NAMES))
    except DepthartError as error:
        print(f"benchmarks.cameras: {error}", file=sys.stderr)
        return 1
    header = ["camera", "images/s", "processed/s", "model p50 [ms]", "arrival to published p50 [ms]", "p95 [ms]"]
    lines = [
        f"Memory of the node with one camera {one.resident_mib:.0f} MiB, with four {four.resident_mib:.0f} MiB.",
        table(header, rows(one, NAMES[:1])),
        table(header, rows(four, NAMES)),
        "PyTorch, float32: a batch must cost less for each picture than one alone to be worth waiting for.",
        table(["pictures in a batch", "batch [ms]", "one picture [ms]"], batches(args.repetitions)),
    ]
    command = f"python -m benchmarks.cameras --backend {args.backend} --rate {args.rate:g} --slow {args.slow:g}"
    deliver("Several cameras in one node", command, lines, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
