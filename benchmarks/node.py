"""The node end to end: ``python -m benchmarks.node``.

Camera, node and subscriber are three processes on the cores given. The subscriber takes depth and cloud as raw bytes.
The node's stages are those it publishes on /diagnostics at the end: percentiles over its last frames, `WINDOW` at most.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from benchmarks.deliver import deliver
from depthart_core.errors import DepthartError
from depthart_core.markdown import table
from depthart_ros.cli.demo import sample_scale
from depthart_ros.demo.processes import Program, python_program, transport_environment
from depthart_ros.diagnostics.memory import resident_mib
from depthart_ros.diagnostics.statistics import STAGES, WINDOW
from depthart_ros.outputs.topics import DEPTH, POINTS

if TYPE_CHECKING:
    from depthart_ros.demo.recorder import Recorder

LATENCY_FACTOR, LATENCY_MARGIN_MS = 1.6, 10.0
"""p95 from stamp to publication may be so many times the model's own p95, and so much longer."""
STEADY = 0.1  # share of the frames before memory counts as steady
PATIENCE = 60.0  # seconds without a frame


@dataclass(frozen=True)
class Memory:
    """Resident memory of the node after a number of processed frames."""

    frames: int
    resident_mib: float


@dataclass(frozen=True)
class Measurement:
    """What one run gave.

    Attributes:
        frames: processed.
        seconds: that they took.
        latencies: stamp to subscriber of depth, one for each frame [s].
        values: of the node's last diagnostics.
        memory: over the run.
    """

    frames: int
    seconds: float
    latencies: Sequence[float]
    values: dict[str, str]
    memory: Sequence[Memory]


def listen(recorder: Recorder, node: Program, frames: int) -> Measurement:
    """Let frames come, and look at the node's memory every second.

    Raises:
        DepthartError: the node ended, or no frame came for `PATIENCE`.
    """
    memory: list[Memory] = []
    start = last = time.monotonic()
    with tqdm(total=frames, unit="frame") as bar:
        while bar.n < frames:
            before = recorder.counts[DEPTH]
            recorder.listen(1.0)
            came = recorder.counts[DEPTH]
            bar.update(came - before)
            if node.ended:
                raise DepthartError(f"the node ended; its log ends so:\n{node.last_lines()}")
            memory.append(Memory(came, resident_mib(node.pid)))
            if came > before:
                last = time.monotonic()
            elif time.monotonic() - last > PATIENCE:
                silence = f"no depth came for {PATIENCE:g} s after {came} frames"
                raise DepthartError(f"{silence}; the node's log ends so:\n{node.last_lines()}")
    passed = time.monotonic() - start
    return Measurement(came, passed, tuple(recorder.latencies), recorder.values, memory)


def run(args: argparse.Namespace, folder: Path) -> Measurement:
    """Start camera and node, wait for the first depth, measure, stop both."""
    from depthart_ros.demo.recorder import Recorder

    camera = ["camera", "--rate", f"{args.rate:g}", "--width", str(args.width), "--height", str(args.height)]
    node = ["--ros-args", "-p", f"scale:={sample_scale()!r}", "-p", f"model:={args.model}"]
    node += ["-p", f"backend:={args.backend}", "-p", f"deadline_ms:={args.deadline_ms!r}"]
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(0.1, (DEPTH, POINTS, "/diagnostics")))
        programs = []
        for module, options in (("depthart_ros.cli.main", camera), ("depthart_ros.cli.depth_node", node)):
            program = Program(module, python_program(module, *options), folder / f"{module}.log")
            stack.callback(program.stop)
            programs.append(program)
        recorder.listen(PATIENCE, until=lambda: recorder.counts[POINTS] > 0 or recorder.refused)
        if recorder.refused or not recorder.counts[POINTS]:
            raise DepthartError(f"no cloud came; the node's log ends so:\n{programs[1].last_lines()}")
        recorder.listen(2.0)
        recorder.forget()
        return listen(recorder, programs[1], args.frames)


def speed_rows(found: Measurement) -> list[list[str]]:
    """Return rates and latencies as lines of a table."""
    values = found.values
    rows = [[stage, *(values.get(f"{stage}_p{p}_ms", "?") for p in (50, 95, 99))] for stage in STAGES]
    beyond = np.percentile(np.array(found.latencies) * 1e3, (50, 95, 99))
    return [*rows, ["stamp to subscriber of depth, all frames", *(f"{latency:.3f}" for latency in beyond)]]


def memory_rows(found: Measurement) -> list[list[str]]:
    """Return the memory at a few points of the run as lines of a table."""
    places = [round(share * (len(found.memory) - 1)) for share in (0, STEADY, 0.25, 0.5, 0.75, 1)]
    return [
        [str(found.memory[place].frames), f"{found.memory[place].resident_mib:.1f}"] for place in sorted(set(places))
    ]


def growth(memory: Sequence[Memory]) -> float:
    """Return the slope of the memory after the first frames [MiB per 1000 frames]."""
    steady = memory[round(STEADY * len(memory)) :]
    if len({point.frames for point in steady}) < 2:
        return float("nan")
    slope, _ = np.polyfit([point.frames for point in steady], [point.resident_mib for point in steady], 1)
    return float(slope) * 1000


def latency_line(found: Measurement) -> str:
    """Return the sentence on the age of published depth: against the model's own latency, and over time."""
    whole, model = (float(found.values[f"{stage}_p95_ms"]) for stage in ("stamp_to_publish", "infer"))
    limit = LATENCY_FACTOR * model + LATENCY_MARGIN_MS
    minutes = np.linspace(0.0, found.seconds / 60.0, len(found.latencies))
    slope, _ = np.polyfit(minutes, np.array(found.latencies) * 1e3, 1)
    return (
        f"Stamp to publication, p95 of the last {WINDOW} frames: **{whole:.1f} ms**, {whole / model:.2f} times the "
        f"model's own; {LATENCY_FACTOR:g} times it and {LATENCY_MARGIN_MS:g} ms are {limit:.1f} ms. The age of depth "
        f"changes by {slope:+.1f} ms a minute over {found.seconds:.0f} s."
    )


def report(found: Measurement, args: argparse.Namespace) -> list[str]:
    """Return the paragraphs and tables."""
    model, beside = (
        sum(float(found.values[f"{stage}_p50_ms"]) for stage in stages)
        for stages in (("infer",), ("decode", "publish"))
    )
    summary = (
        f"{args.width}x{args.height} at {args.rate:g} pictures/s, {args.cores} cores for camera, node and subscriber; "
        f"depth and cloud subscribed. **{found.frames / found.seconds:.1f} processed frames/s** over {found.frames} "
        f"frames. Conversion and publishing beside the model, p50 of the last {WINDOW} frames: **{beside:.1f} ms**, "
        f"{beside / model:.1%} of the model's {model:.1f} ms."
    )
    return [
        summary,
        latency_line(found),
        table([f"stage [ms], last {WINDOW} frames", "p50", "p95", "p99"], speed_rows(found)),
        f"Memory after the first tenth grows by {growth(found.memory):+.1f} MiB per 1000 frames.",
        table(["processed frames", "resident memory of the node [MiB]"], memory_rows(found)),
    ]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="The node end to end.")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--deadline-ms", type=float, default=0.0, help="the node's parameter of that name")
    parser.add_argument("--frames", type=int, default=2000, help="processed frames to wait for")
    parser.add_argument("--rate", type=float, default=30.0, help="pictures a second that the camera publishes")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--cores", type=int, default=2, help="cores for all three processes together")
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    args = parse(argv)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
    os.environ.update(transport_environment(1 + os.getpid() % 100))
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = run(args, Path(folder))
    except DepthartError as error:
        print(f"benchmarks.node: {error}", file=sys.stderr)
        return 1
    deliver("The node end to end", report(found, args), program="benchmarks.node", argv=argv, out=args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
