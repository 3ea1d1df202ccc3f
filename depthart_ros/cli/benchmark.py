"""`depthart benchmark`: every backend that works on this machine, side by side."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import numpy as np

from depthart_core import BACKENDS, DECODES, PRECISIONS, BackendError
from depthart_core.backends.measuring import Measured, measure, subjects
from depthart_core.markdown import table
from depthart_core.model_files import is_export
from depthart_core.store.speeds import read_speeds, write_speeds
from depthart_ros.cli.accuracy import measure_accuracy, open_sets
from depthart_ros.driver.sources import sample_pictures

SUMMARY = "measure every backend that works on this machine; backend `auto` then takes the fastest"
PERCENTILES = {50: 1, 95: 20, 99: 100}
"""Percentile -> values that it takes: of fewer it would be little more than the largest."""
PICTURE_SIZE = (640, 480)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the benchmark."""
    parser.add_argument("model", metavar="MODEL", nargs="?", default="nano", help="a model (default %(default)s)")
    backends = [name for name in BACKENDS if name != "auto"]
    parser.add_argument("--backends", nargs="+", action="extend", choices=backends, metavar="NAME")
    parser.add_argument(
        "--rounds", type=int, default=8, help="turns of five pictures (default %(default)s); from 20 p99 is told"
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: the libraries' choice)")
    parser.add_argument("--decode", default="expected", choices=[name for name in DECODES if name != "sample"])
    parser.add_argument("--device", default="auto", help="of torch and tensorrt: cpu, cuda (default: cpu for torch)")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS, help="measure each backend in this, too")
    parser.add_argument(
        "--data", nargs="+", action="extend", default=[], metavar="NAME=PATH",
        help="measure the accuracy on data sets or shards of rooms, too (in a checkout)",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, help="only the first so many frames of each data set")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the tables to a Markdown file, too")


def run(args: argparse.Namespace) -> int:
    """Measure, print, remember which is the fastest; returns the exit status.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: No backend works, an option makes no sense, or something cannot be written.
        DepthartError: A data set cannot be read.
        ImageError: The packaged pictures cannot be read.
    """
    if args.rounds < 1:
        raise BackendError(f"rounds must be at least 1, got {args.rounds}")
    sets = open_sets(args.data, args.limit)
    backends = args.backends or [name for name in BACKENDS if name != "auto"]
    chosen = subjects(backends, device=args.device, precision=args.precision, decode=args.decode, threads=args.threads)
    found, refused = measure(args.model, chosen, sample_pictures(PICTURE_SIZE), rounds=args.rounds)
    for name, reason in refused.items():
        print(f"{name}: {reason}")
    if not found:
        raise BackendError(f"no backend runs {args.model}: {'; '.join(dict.fromkeys(refused.values()))}")
    tables = [summary(found), stages(found)]
    if sets:
        tables.append(table(*measure_accuracy(args.model, {name: chosen[name] for name in found}, sets)))
    text = "\n\n".join(tables)
    print(text)
    try:
        if args.out is not None:
            args.out.write_text(text + "\n")
        _remember(args, found, refused)
    except OSError as error:
        raise BackendError(f"{error.filename} cannot be written: {error.strerror}") from error
    return 0


def _remember(args: argparse.Namespace, found: Mapping[str, Measured], refused: Container[str]) -> None:
    """Write down how fast backends are on the CPU, for backend `auto`; one alone counts only beside earlier ones."""
    if args.device not in ("auto", "cpu") or is_export(args.model):
        return
    for precision in dict.fromkeys(("auto", args.precision)):
        labels = {name: name if precision == "auto" else f"{name} {precision}" for name in BACKENDS}
        medians = {
            name: statistics.median(found[label].seconds["total"]) for name, label in labels.items() if label in found
        }
        before = read_speeds(args.model, args.decode, precision)
        known = {name: value for name, value in before.items() if labels.get(name) not in refused} | medians
        if medians and len(known) > 1:
            path = write_speeds(args.model, args.decode, precision, known)
            asked = "" if precision == "auto" else f" for precision {precision}"
            print(f"backend auto takes {min(known, key=lambda name: known[name])}{asked} from now on: {path}")


def summary(found: dict[str, Measured]) -> str:
    """A line for each backend; agreement is with PyTorch, where it runs."""
    reference = found.get("torch")
    rows = []
    for name, each in found.items():
        rate = f"{1.0 / statistics.median(each.seconds['total']):.1f}"
        label = name if each.precision == "fp32" or each.precision in name else f"{name}: {each.precision}"
        milliseconds = percentiles(each.seconds["total"])
        rows.append([label, *milliseconds, rate, f"{each.memory / 2**20:.0f}", _agreement(reference, each)])
    header = ["backend", *(f"p{p} ms" for p in PERCENTILES), "pictures/s", "peak MiB", "AbsRel to torch"]
    return table(header, rows)


def _agreement(reference: Measured | None, each: Measured) -> str:
    if reference is None:
        return "-"
    pairs = zip(reference.depth, each.depth, strict=True)
    return f"{np.mean([np.abs(found / true - 1.0).mean() for true, found in pairs]):.1g}"


def stages(found: dict[str, Measured]) -> str:
    """A line for each stage: its percentiles with every backend."""
    names = list(dict.fromkeys(stage for each in found.values() for stage in each.seconds if stage != "total"))
    rows = [
        [stage, *(" / ".join(percentiles(each.seconds.get(stage, ()))) for each in found.values())] for stage in names
    ]
    return table([f"stage [ms], {' / '.join(f'p{p}' for p in PERCENTILES)}", *found], rows)


def percentiles(seconds: Sequence[float]) -> list[str]:
    """`PERCENTILES` [ms]; "-" for those that there are too few values for."""
    return [
        f"{np.percentile(seconds, p) * 1e3:.1f}" if len(seconds) >= fewest else "-" for p, fewest in PERCENTILES.items()
    ]
