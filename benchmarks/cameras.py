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
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.deliver import deliver
from benchmarks.node import PATIENCE
from benchmarks.timing import timed
from depthart_core.checkpoint import load_model
from depthart_core.errors import DepthartError
from depthart_core.markdown import table
from depthart_ros.demo.processes import Program, python_program, transport_environment
from depthart_ros.diagnostics.memory import resident_mib
from depthart_ros.diagnostics.statistics import WINDOW
from depthart_ros.outputs.topics import DEPTH

if TYPE_CHECKING:
    from depthart_ros.demo.recorder import Recorder

NAMES = ("front", "left", "right", "rear")
BATCHES = (1, 4)
DIAGNOSTICS = "/diagnostics"
WARM_UP = 5  # frames of the slowest camera
KEPT = 3.0  # seconds of messages, among which are diagnostics


@dataclass(frozen=True)
class Look:
    """What the node said of every camera: the values of its diagnostics, and when [s]."""

    seconds: float
    values: dict[str, dict[str, str]]

    def fewest(self, cameras: Sequence[str]) -> int:
        """Return the fewest frames that a camera has had."""
        return min(int(self.values.get(camera, {}).get("processed", 0)) for camera in cameras)


@dataclass(frozen=True)
class Shared:
    """What one run gave: memory of the node [MiB], and the first and last look after the warm-up."""

    resident_mib: float
    first: Look
    last: Look


def look(recorder: Recorder) -> Look:
    """Return the newest diagnostics; no values before the node spoke."""
    for message in reversed(recorder.recent()):
        if message.topic == DIAGNOSTICS:
            values = {
                status.name.rpartition(" ")[2]: {pair.key: pair.value for pair in status.values}
                for status in message.parsed().status
            }
            seconds, nanoseconds = message.stamp
            return Look(seconds + nanoseconds * 1e-9, values)
    return Look(0.0, {})


def wait(recorder: Recorder, node: Program, cameras: Sequence[str], frames: int) -> Look:
    """Listen until each camera has had so many frames.

    Raises:
        DepthartError: they did not come.
    """
    recorder.listen(PATIENCE, until=lambda: node.ended or recorder.refused or look(recorder).fewest(cameras) >= frames)
    if (found := look(recorder)).fewest(cameras) < frames:
        raise DepthartError(f"too few frames came; the node's log ends so:\n{node.last_lines()}")
    return found


def share(cameras: Sequence[str], args: argparse.Namespace, folder: Path) -> Shared:
    """Run one node with some cameras until each has had its frames after the warm-up.

    Raises:
        DepthartError: the frames did not come.
    """
    from depthart_ros.demo.recorder import Recorder

    options = ["-p", f"cameras:=[{','.join(cameras)}]", "-p", "scale:=1.0", "-p", f"backend:={args.backend}"]
    with ExitStack() as stack:
        node = Program(
            "node", python_program("depthart_ros.cli.depth_node", "--ros-args", *options), folder / "node.log"
        )
        stack.callback(node.stop)
        for place, name in enumerate(cameras):
            rate = args.slow if place and place == len(cameras) - 1 else args.rate
            command = ["camera", "--rate", f"{rate:g}", "--width", "640", "--height", "480", "--ros-args"]
            moved = [part for topic in ("image", "camera_info") for part in ("-r", f"{topic}:={name}/{topic}")]
            camera = Program(name, python_program("depthart_ros.cli.main", *command, *moved), folder / f"{name}.log")
            stack.callback(camera.stop)
        recorder = stack.enter_context(Recorder(KEPT, (DIAGNOSTICS, *(f"{name}/{DEPTH}" for name in cameras))))
        first = wait(recorder, node, cameras, WARM_UP)
        last = wait(recorder, node, cameras, first.fewest(cameras) + args.frames)
        return Shared(resident_mib(node.pid), first, last)


def batches(repetitions: int) -> list[list[str]]:
    """Return how long a picture takes alone and in a batch, in turns."""
    model = load_model("nano")
    side = model.config.tokenizer.input_size
    pictures = {size: torch.rand(size, 3, side, side) * 2 - 1 for size in BATCHES}
    seconds: dict[int, list[float]] = {size: [] for size in BATCHES}
    with torch.inference_mode():
        for repetition in range(repetitions + 1):
            for size, picture in pictures.items():
                taken = timed(lambda picture=picture: model(picture))  # type: ignore[misc]
                if repetition:
                    seconds[size].append(taken)
    typical = {size: statistics.median(times) * 1e3 for size, times in seconds.items()}
    return [[str(size), f"{typical[size]:.1f}", f"{typical[size] / size:.1f}"] for size in BATCHES]


def rows(shared: Shared, cameras: Sequence[str]) -> list[list[str]]:
    """Return a line for each camera: its rates between both looks, and the latencies of its last frames."""
    keys = ("infer_p50_ms", "arrival_to_publish_p50_ms", "arrival_to_publish_p95_ms")
    passed, lines = shared.last.seconds - shared.first.seconds, []
    for name in cameras:
        before, after = shared.first.values[name], shared.last.values[name]
        rates = [f"{(int(after[count]) - int(before[count])) / passed:.2f}" for count in ("received", "processed")]
        lines.append([name, *rates, *(after.get(key, "?") for key in keys)])
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Several cameras in one node.")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--frames", type=int, default=40, help="frames of the slowest camera to measure over")
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
    passed = " and ".join(f"{shared.last.seconds - shared.first.seconds:.0f}" for shared in (one, four))
    lines = [
        f"Rates over {passed} s after a warm-up, latencies of the last {WINDOW} frames of each camera at most.",
        f"Memory of the node with one camera {one.resident_mib:.0f} MiB, with four {four.resident_mib:.0f} MiB.",
        table(header, rows(one, NAMES[:1])),
        table(header, rows(four, NAMES)),
        "PyTorch, float32: a batch must cost less for each picture than one alone to be worth waiting for.",
        table(["pictures in a batch", "batch [ms]", "one picture [ms]"], batches(args.repetitions)),
    ]
    deliver("Several cameras in one node", lines, program="benchmarks.cameras", argv=argv, out=args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
