"""`depthart demo`: camera and node as two processes, what they deliver measured, drawn and recorded."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import cv2
import numpy as np

from depthart_core.errors import DepthartError
from depthart_core.model_files import write_atomically
from depthart_ros.demo.processes import Program, held_interrupts, python_program, transport_environment
from depthart_ros.driver.sources import SAMPLES, SAMPLES_INDEX
from depthart_ros.import_errors import ROS_MISSING
from depthart_ros.outputs.topics import COLOR, DEPTH, POINTS
from depthart_ros.spin import INTERRUPTED

if TYPE_CHECKING:
    from depthart_ros.demo.recorder import Recorder

SUMMARY = "run camera and node together and write pictures and a bag to demo/"
ROWS = 3  # frames in the picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the demo."""
    parser.add_argument("source", nargs="?", default="sample", help="webcam index, video, folder or `sample` (default)")
    parser.add_argument("--seconds", type=_positive, default=20.0, help="how long to measure [s] (default %(default)g)")
    parser.add_argument("--rate", type=_positive, default=30.0, help="pictures a second (default %(default)g)")
    parser.add_argument("--model", default="nano", help="packaged name or file (default %(default)s)")
    parser.add_argument(
        "--scale", type=_positive, help="metres per unit of relative depth (default: that of the samples)"
    )
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder to write (default %(default)s)")
    parser.add_argument(
        "--bag-seconds", type=_positive, default=5.0, help="how much of the end the bag holds [s] (default %(default)g)"
    )
    parser.add_argument(
        "--domain",
        type=int,
        choices=range(102),
        metavar="N",
        help="ROS_DOMAIN_ID to use, 0-101 (default: one of its own)",
    )
    parser.add_argument(
        "--patience", type=_positive, default=60.0, help="seconds to wait for the first depth (default %(default)g)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; the programs it started are gone when it returns, however it returns.

    Raises:
        DepthartError: the folder cannot be made, or nothing came out, with the cause as far as it is known.
    """
    domain = args.domain if args.domain is not None else 1 + os.getpid() % 100
    os.environ.update(transport_environment(domain))  # before rclpy is imported: for us and for what we start
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DepthartError(f"--out {args.out} cannot be made: {error.strerror}") from error
    try:
        _run_all(args, domain)
    except KeyboardInterrupt:
        print("depthart demo: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _run_all(args: argparse.Namespace, domain: int) -> None:
    """Start everything, measure, stop everything, and only then draw and write.

    Raises:
        DepthartError: there is no ROS, or nothing came out.
    """
    try:
        from depthart_ros.demo.recorder import Recorder
    except ModuleNotFoundError as error:
        raise DepthartError(ROS_MISSING.format(program="the demo", error=error)) from error
    scale = args.scale or sample_scale()
    with ExitStack() as stack:
        try:
            recorder = stack.enter_context(Recorder(args.bag_seconds))
        except RuntimeError as error:  # of rclpy, such as where it cannot write its log
            raise DepthartError(f"ROS cannot be joined: {error}; `depthart doctor` says what cures it") from error
        camera = ("depthart_ros.cli.main", "camera", "--source", args.source, "--rate", f"{args.rate:g}", "--loop")
        node = ("depthart_ros.cli.depth_node", "--ros-args", "-p", f"scale:={scale!r}", "-p", f"model:={args.model}")
        programs = [_start(stack, args.out, name, *module) for name, module in (("camera", camera), ("node", node))]
        print(f"camera ({args.source}) and depth_node ({args.model}) run with ROS_DOMAIN_ID={domain}", flush=True)
        _wait_for_depth(recorder, programs, args.patience)
        recorder.forget()
        print(f"measuring for {args.seconds:g} s", flush=True)
        passed = recorder.listen(args.seconds, until=lambda: any(program.ended for program in programs))
        _check(programs, recorder)
    _report(recorder, passed)
    print(f"metres:     scale {scale:g} m per unit of relative depth, {_scale_reason(args)}")
    _write(args.out, recorder)


def _start(stack: ExitStack, out: Path, name: str, module: str, *options: str) -> Program:
    """Start a module as a program with a log in a folder, and have the stack stop it."""
    with held_interrupts():
        program = Program(name, python_program(module, *options), out / f"{name}.log")
        stack.callback(program.stop)
    return program


def _wait_for_depth(recorder: Recorder, programs: list[Program], patience: float) -> None:
    """Listen until points and depth came once.

    Raises:
        DepthartError: they did not in time, or a program ended.
    """
    needed = (DEPTH, COLOR, POINTS)

    def came() -> bool:
        return all(recorder.counts[topic] for topic in needed)

    def hopeless() -> bool:
        return recorder.refused or any(program.ended for program in programs)

    passed = recorder.listen(patience, until=lambda: came() or hopeless())
    _check(programs, recorder)
    if not came():
        missing = ", ".join(topic for topic in needed if not recorder.counts[topic])
        _fail(f"nothing came on {missing} within {patience:g} s", recorder, programs)
    print(f"first depth and cloud after {passed:.1f} s", flush=True)


def _check(programs: list[Program], recorder: Recorder) -> None:
    """Raise DepthartError if a program has ended or the node cannot run."""
    for program in programs:
        if program.ended:
            _fail(f"the {program.name} ended early", recorder, [program])
    if recorder.refused:
        _fail("the node cannot run", recorder, [])


def _fail(what: str, recorder: Recorder, programs: list[Program]) -> NoReturn:
    """Raise DepthartError with what the node says about itself, after showing the logs."""
    for program in programs:
        print(f"end of {program.log}:\n{program.last_lines()}", file=sys.stderr)
    sentence = recorder.status.message if recorder.status else "nothing on /diagnostics"
    raise DepthartError(f"{what}; depth_node says: {sentence}")


def _report(recorder: Recorder, passed: float) -> None:
    """Print rates and latencies, our own and the node's."""
    if not recorder.latencies:
        raise DepthartError(f"no depth came in the {passed:.1f} s that were measured, though some had come before")
    p50, p95 = np.percentile(recorder.latencies, (50, 95)) * 1e3
    received, processed = (recorder.counts[topic] / passed for topic in ("image", DEPTH))
    print(f"rate:       {received:.1f} pictures/s received, {processed:.1f} processed")
    print(f"latency:    stamp to subscriber p50 {p50:.0f} ms, p95 {p95:.0f} ms (measured here, on {DEPTH})")
    own = {key: f"{float(value):.1f} ms" for key, value in recorder.values.items() if key.endswith("_ms")}
    stages = [f"{stage} {own.get(f'{stage}_p50_ms', '?')}" for stage in ("decode", "infer", "publish")]
    node = [f"{name} {own.get(f'stamp_to_publish_{name}_ms', '?')}" for name in ("p50", "p95")]
    print(f"            stamp to publish {', '.join(node)} (the node's own; p50 of its stages: {', '.join(stages)})")


def _write(out: Path, recorder: Recorder) -> None:
    """Write the picture and the bag, and say what to open."""
    from depthart_ros.demo.bag import write_bag
    from depthart_ros.demo.pictures import sheet
    from depthart_ros.demo.recorder import complete_frames, spread

    messages = recorder.recent()
    frames = spread(complete_frames(messages, ("image", COLOR, POINTS)), ROWS)
    if not frames:
        raise DepthartError("no picture, depth and cloud of one stamp came; raise --bag-seconds")
    picture = out / "depthart.png"
    shown = sheet([{topic: part.parsed() for topic, part in frame.items()} for frame in frames])
    try:
        write_atomically(picture, cv2.imencode(".png", shown)[1].tobytes())
    except OSError as error:
        raise DepthartError(f"{picture} cannot be written: {error.strerror}") from error
    bag = write_bag(out / "depthart", messages)
    seconds = (messages[-1].received - messages[0].received) / 1e9
    print(
        f"wrote:      {picture} and {bag} (the last {seconds:.1f} s of all topics, {bag.stat().st_size / 1e6:.0f} MB)"
    )
    print(f"open next:  {picture}; the bag with `ros2 bag play {bag.parent}` and rviz2 -d config/depth.rviz,")
    print(f"            or without ROS: pip install rerun-sdk && rerun {bag}")


def sample_scale() -> float:
    """Return the metres per unit of nano's relative depth that suit the sample frames (samples/ATTRIBUTION.md)."""
    frames = json.loads((SAMPLES / SAMPLES_INDEX).read_text())
    return float(statistics.median(frame["depth_geometric_mean"] for frame in frames))


def _scale_reason(args: argparse.Namespace) -> str:
    if args.scale:
        return "as given"
    if args.source == "sample":
        return "the median over the sample frames, each of which has its own"
    return "a guess for rooms: give --scale for true metres (README, How to get metres)"


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
