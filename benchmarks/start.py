"""Start and idleness of the node: ``python -m benchmarks.start``.

A camera publishes while nobody listens to depth: how long the node takes from its start to being active, what it costs
then, and how much memory it holds before and after its first frames.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.deliver import deliver
from benchmarks.node import PATIENCE
from depthart_core.errors import DepthartError
from depthart_core.markdown import table
from depthart_ros.demo.processes import Program, python_program, transport_environment
from depthart_ros.diagnostics.memory import resident_mib
from depthart_ros.intake import LINGER
from depthart_ros.outputs.topics import RELATIVE

ACTIVE = "active: depth of "
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Found:
    """What was measured.

    Attributes:
        starts: seconds from the start of the process to active, one for each try.
        listening: share of a core while images still come, though nobody listens to depth.
        idle: the same once the node has unsubscribed from them.
        resident: memory while idle and after the first frames [MiB].
        torch: whether PyTorch is loaded.
    """

    starts: Sequence[float]
    listening: float
    idle: float
    resident: tuple[float, float]
    torch: bool


def wait(what: str, node: Program, came: Callable[[], bool]) -> float:
    """Return the seconds until something is so.

    Raises:
        DepthartError: it did not come, or the node ended.
    """
    start = time.monotonic()
    while not came():
        if node.ended or time.monotonic() - start > PATIENCE:
            raise DepthartError(f"{what} did not come; the node's log ends so:\n{node.last_lines()}")
        time.sleep(0.005)
    return time.monotonic() - start


def share_of_core(pid: int, seconds: float) -> float:
    """Return the processor time of a process over the time that passes."""

    def used() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before, start = used(), time.monotonic()
    time.sleep(seconds)
    return (used() - before) / TICKS / (time.monotonic() - start)


def start_node(args: argparse.Namespace, folder: Path, stack: ExitStack) -> tuple[Program, float]:
    """Start the node and return it with the seconds until it was active."""
    options = ["--ros-args", "-p", f"model:={args.model}", "-p", f"backend:={args.backend}"]
    node = Program("node", python_program("depthart_ros.cli.depth_node", *options), folder / "node.log")
    stack.callback(node.stop)
    return node, wait("its activation", node, lambda: ACTIVE in node.log.read_text(errors="replace"))


def run(args: argparse.Namespace, folder: Path) -> Found:
    """Start the node a few times, then let a camera publish while nobody listens, then while somebody does."""
    from depthart_ros.demo.recorder import Recorder

    starts = []
    for _ in range(args.starts):
        with ExitStack() as stack:
            starts.append(start_node(args, folder, stack)[1])
    size = ["--width", str(args.width), "--height", str(args.height)]
    camera = python_program("depthart_ros.cli.main", "camera", "--rate", f"{args.rate:g}", *size)
    with ExitStack() as stack:
        publisher = Program("camera", camera, folder / "camera.log")
        stack.callback(publisher.stop)
        time.sleep(3.0)  # until it publishes
        node, _ = start_node(args, folder, stack)
        listening = share_of_core(node.pid, 0.7 * LINGER)
        time.sleep(0.3 * LINGER + 1.0)
        idle, resident = share_of_core(node.pid, args.seconds), resident_mib(node.pid)
        with Recorder(0.1, (RELATIVE,)) as recorder:
            recorder.listen(PATIENCE, until=lambda: recorder.counts[RELATIVE] >= args.frames)
            if not recorder.counts[RELATIVE]:
                raise DepthartError(f"no depth came; the node's log ends so:\n{node.last_lines()}")
            maps = Path(f"/proc/{node.pid}/maps").read_text()
            return Found(starts, listening, idle, (resident, resident_mib(node.pid)), "libtorch" in maps)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Start and idleness of the node.")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--rate", type=float, default=30.0, help="pictures a second that the camera publishes")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--seconds", type=float, default=10.0, help="of idleness to measure")
    parser.add_argument("--starts", type=int, default=3, help="starts to measure")
    parser.add_argument("--frames", type=int, default=50, help="frames before memory is read again")
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    os.environ.update(transport_environment(1 + os.getpid() % 100))
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = run(args, Path(folder))
    except DepthartError as error:
        print(f"benchmarks.start: {error}", file=sys.stderr)
        return 1
    rows = [
        [
            "start of the process to active [s], fastest and slowest",
            f"{min(found.starts):.2f}, {max(found.starts):.2f}",
        ],
        [f"share of a core, {args.rate:g} images/s, nobody listens: at first", f"{found.listening:.1%}"],
        [f"the same after {LINGER:g} s", f"{found.idle:.1%}"],
        ["memory while idle [MiB]", f"{found.resident[0]:.0f}"],
        [f"memory after {args.frames} frames [MiB]", f"{found.resident[1]:.0f}"],
        ["PyTorch loaded", "yes" if found.torch else "no"],
    ]
    lines = [table(["", "measured"], rows)]
    deliver("Start and idleness of the node", lines, program="benchmarks.start", argv=argv, out=args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
