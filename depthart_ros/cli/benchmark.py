"""`depthart benchmark`: every backend that works on this machine, side by side."""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import BACKENDS, DECODES, BackendError
from depthart_core.backends.measuring import Measured, measure
from depthart_core.backends.speeds import write_speeds

SUMMARY = "measure every backend that works on this machine; backend `auto` then takes the fastest"
PERCENTILES = (50, 95, 99)
PICTURE_SIZE = (640, 480)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the benchmark."""
    parser.add_argument("model", metavar="MODEL", nargs="?", default="nano", help="a model (default %(default)s)")
    parser.add_argument("--backends", nargs="+", choices=[name for name in BACKENDS if name != "auto"], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=8, help="turns of five pictures (default %(default)s)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: the libraries' choice)")
    parser.add_argument("--decode", default="expected", choices=[name for name in DECODES if name != "sample"])
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table to a Markdown file, too")


def run(args: argparse.Namespace) -> int:
    """Measure, print, remember which is the fastest; returns the exit status.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: No backend works, an option makes no sense, or something cannot be written.
        ImageError: The packaged pictures cannot be read.
    """
    if args.rounds < 1:
        raise BackendError(f"rounds must be at least 1, got {args.rounds}")
    backends = args.backends or [name for name in BACKENDS if name != "auto"]
    found, refused = measure(
        args.model, backends, sample_pictures(), rounds=args.rounds, threads=args.threads, decode=args.decode
    )
    for name, reason in refused.items():
        print(f"{name}: {reason}")
    if not found:
        raise BackendError(f"no backend runs {args.model}: {'; '.join(refused.values())}")
    medians = {name: statistics.median(each.seconds["total"]) for name, each in found.items()}
    text = "\n\n".join([summary(found), stages(found)])
    print(text)
    try:
        if args.out is not None:
            args.out.write_text(text + "\n")
        if len(medians) > 1 and not Path(args.model).is_dir():
            path = write_speeds(args.model, args.decode, medians)
            print(f"backend auto takes {min(medians, key=lambda name: medians[name])} from now on: {path}")
    except OSError as error:
        raise BackendError(f"{error.filename} cannot be written: {error.strerror}") from error
    return 0


def sample_pictures() -> list[npt.NDArray[np.uint8]]:
    """The packaged pictures at a camera's usual size, RGB."""
    from depthart_ros.cli.sources import open_source

    views = open_source("sample", fov_deg=60.0, size=PICTURE_SIZE, loop=False, repeats=1)
    return [np.asarray(cv2.cvtColor(view.bgr, cv2.COLOR_BGR2RGB), np.uint8) for view in views]


def summary(found: dict[str, Measured]) -> str:
    """A line for each backend; agreement is with PyTorch, where it runs."""
    reference = found.get("torch")
    rows = []
    for name, each in found.items():
        milliseconds = [f"{np.percentile(each.seconds['total'], p) * 1e3:.1f}" for p in PERCENTILES]
        rate = f"{1.0 / statistics.median(each.seconds['total']):.1f}"
        rows.append([name, *milliseconds, rate, f"{each.memory / 2**20:.0f}", _agreement(reference, each)])
    header = ["backend", *(f"p{p} ms" for p in PERCENTILES), "pictures/s", "peak MiB", "AbsRel to torch"]
    return _table(header, rows)


def _agreement(reference: Measured | None, each: Measured) -> str:
    if reference is None:
        return "-"
    pairs = zip(reference.depth, each.depth, strict=True)
    return f"{np.mean([np.abs(found / true - 1.0).mean() for true, found in pairs]):.1g}"


def stages(found: dict[str, Measured]) -> str:
    """A line for each stage: its median with every backend."""
    names = list(dict.fromkeys(stage for each in found.values() for stage in each.seconds if stage != "total"))
    rows = [[f"{stage}, p50 ms", *(_median(each, stage) for each in found.values())] for stage in names]
    return _table(["stage", *found], rows)


def _median(each: Measured, stage: str) -> str:
    return f"{statistics.median(each.seconds[stage]) * 1e3:.1f}" if stage in each.seconds else "-"


def _table(header: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))
