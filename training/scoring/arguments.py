"""What the commands that score a model read from the command line: the model and the data."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.data.sample import DataError, readable
from training.data.source import DataSet, open_data, open_named
from training.errors import make_folder
from training.scoring.frames import Predictor, ScoringSettings
from training.scoring.mean_map import mean_map

MEAN_MAP = "mean-map"
FULL = "full"
LARGEST_SIDE = 16384


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """The model and how it runs; ``load_predictor`` reads them."""
    add = parser.add_argument
    add("model", metavar="MODEL", help=f"a packaged name, a .safetensors file, or {MEAN_MAP}")
    add("--decode", default="expected", help="expected (default), argmax or sample")
    add("--max-scales", type=int, metavar="K", help="decode after so many scales (default: all)")
    add("--backend", default="auto")
    add("--device", default="auto", help="such as cpu or cuda (auto: the GPU of an engine, else cpu)")
    add("--seed", type=int, default=0, help="of sampled decoding")
    add("--threads", type=int, help="of the processor")
    add("--train", type=Path, nargs="+", action="extend", metavar="PATH", help=f"data of the {MEAN_MAP}")


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """The data sets and which pixels of them count; ``open_sets`` and ``settings_of`` take them."""
    add = parser.add_argument
    add("--data", nargs="+", action="extend", required=True, metavar="NAME=PATH", help="data sets as downloaded")
    add("--limit", type=int, help="only the first so many frames of each data set")
    add("--cap", type=float, help="true depth beyond it does not count [m] (default: that of the data set)")
    add("--size", help=f"side [px] of image and depth, or {FULL} (default: that of the data set, 256 or {FULL})")


def make_output(folder: Path | None) -> None:
    """Make the folder of --out before any work is done, and miss matplotlib then rather than after it.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        TrainingError: the folder cannot be made.
    """
    if folder is not None:
        importlib.import_module("matplotlib")
        make_folder(folder)


def load_predictor(args: argparse.Namespace) -> tuple[str, Predictor]:
    """The model named on the command line, or the image-blind mean map, and one line that names it.

    Raises:
        DataError: the mean map has no data.
        CheckpointError, BackendError: as ``DepthEstimator.load``.
    """
    if args.model == MEAN_MAP:
        if not args.train:
            raise DataError(f"{MEAN_MAP} has nothing to average, expected --train PATH ...")
        return MEAN_MAP, mean_map(sample for path in args.train for sample in readable(open_data(path, learning=True)))
    from depthart_core import DepthEstimator

    options = {name: getattr(args, name) for name in ("backend", "device", "decode", "seed", "threads", "max_scales")}
    estimator = DepthEstimator.load(args.model, **options)
    scales = "" if args.max_scales is None else f", {args.max_scales} scales"
    return f"{estimator.name}{scales}", estimator


def check_limit(limit: int | None, *, option: str = "--limit") -> None:
    """Refuse a number of frames that is none.

    Raises:
        DataError: it is below 1.
    """
    if limit is not None and limit < 1:
        raise DataError(f"{option} {limit}: expected a number of frames from 1 up")


def open_sets(items: Sequence[str], limit: int | None, *, option: str = "--data") -> list[DataSet]:
    """Open all data sets; as they are read only when needed, wrong arguments end the command before any work.

    Args:
        items: each as NAME=PATH.
        limit: only the first so many frames of each; None: all.
        option: where the items stand, for messages.

    Raises:
        DataError: an item has another form, a path is no data set, two have one name, or no frame is asked for.
    """
    check_limit(limit)
    names = [item.partition("=")[0] for item in items]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{option} names {name} {names.count(name)} times, expected different names")
    return [replace(data, samples=data.samples[:limit]) for data in (open_named(item, option=option) for item in items)]


def settings_of(args: argparse.Namespace, data: DataSet) -> ScoringSettings:
    """Size and cap of the command line, the rest of the data set's protocol.

    Raises:
        DataError: the size is neither a number of pixels nor "full", or the cap is not above 0.
    """
    if args.cap is not None and not args.cap > 0:
        raise DataError(f"--cap {args.cap:g}: expected metres above 0")
    protocol = data.protocol if args.cap is None else replace(data.protocol, cap=args.cap)
    return ScoringSettings(protocol if args.size is None else replace(protocol, size=_side(args.size)))


def _side(text: str) -> int | None:
    if text != FULL and not (text.isdecimal() and len(text) < 9 and 0 < int(text) <= LARGEST_SIDE):
        raise DataError(f"--size {text}: expected 1 to {LARGEST_SIDE} pixels or {FULL}")
    return None if text == FULL else int(text)
