"""Accuracy against latency: ``python -m benchmarks.anytime nano --data NAME=PATH ...``.

The model decodes after 1, 2, ... scales; every picture is timed with each number of scales, one after another, and
scored as in `training.evaluate` (one scale per picture).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.deliver import deliver
from depthart_core import BACKENDS, DepthEstimator
from depthart_core.errors import DepthartError
from depthart_core.markdown import table
from training.data.frames import Frames
from training.data.source import DataSet, open_named
from training.scoring.curves import Axes, Curve, draw_curves
from training.scoring.frames import Frame, ScoringSettings, for_each_frame, judge

Measured = list[tuple[float, float]]
"""Seconds and AbsRel of one picture with 1, 2, ... scales."""


def load_all(model: str, backend: str, threads: int | None) -> list[DepthEstimator]:
    """One estimator for every number of scales, fewest first."""
    whole = DepthEstimator.load(model, backend=backend, threads=threads)
    fewer = (DepthEstimator.load(model, backend=backend, threads=threads, max_scales=k) for k in range(1, whole.scales))
    return [*fewer, whole]


def measure(estimators: Sequence[DepthEstimator], data: DataSet, count: int) -> np.ndarray:
    """Seconds and AbsRel, (pictures, scales, 2), of at most `count` pictures, evenly over the data set."""
    settings = ScoringSettings(data.protocol)
    places = np.unique(np.linspace(0, len(data.samples) - 1, min(count, len(data.samples))).round().astype(int))
    chosen = Frames(places.tolist(), data.samples.__getitem__)  # read one by one, and left out where that fails

    def look(frame: Frame) -> Measured:
        found = []
        for estimator in estimators:
            start = perf_counter()
            depth = estimator(frame.sample.rgb)
            seconds = perf_counter() - start
            found.append((seconds, judge(depth, frame, settings)[0].scores.abs_rel))
        return found

    return np.array(for_each_frame(look, chosen, settings, title=data.name, progress=True))


def report(found: dict[str, np.ndarray]) -> list[list[str]]:
    """Lines of the table: scales, latency [ms] over all pictures, AbsRel of every data set."""
    seconds = np.concatenate([each[..., 0] for each in found.values()])
    rows = []
    for k in range(seconds.shape[1]):
        latency = [f"{value * 1e3:.1f}" for value in np.percentile(seconds[:, k], (50, 95))]
        rows.append([str(k + 1), *latency, *(f"{each[:, k, 1].mean():.4f}" for each in found.values())])
    return rows


def draw(found: dict[str, np.ndarray], model: str, path: Path) -> None:
    """Draw a line for each data set, a point for each number of scales."""
    latency = np.median(np.concatenate([each[..., 0] for each in found.values()]), axis=0) * 1e3
    curves = {name: Curve(latency, each[..., 1].mean(0)) for name, each in found.items()}
    scales = len(latency)
    title = f"{model}: depth after 1 to {scales} scales"
    draw_curves(curves, Axes(title, "latency of one picture, p50 [ms]", "AbsRel", log_x=True), path)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="Accuracy against latency.")
    parser.add_argument("model", nargs="?", default="nano")
    parser.add_argument("--data", nargs="+", action="extend", required=True, metavar="NAME=PATH")
    parser.add_argument("--backend", default="auto", choices=BACKENDS)
    parser.add_argument("--frames", type=int, default=58, help="pictures of each set (default %(default)s)")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    parser.add_argument("--curve", type=Path, metavar="PNG", help="picture to draw")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    args = parse(argv)
    try:
        sets = [open_named(item) for item in args.data]
        estimators = load_all(args.model, args.backend, args.threads)
        measure(estimators, sets[0], 2)  # warm
        found = {data.name: measure(estimators, data, args.frames) for data in sets}
    except DepthartError as error:
        print(f"benchmarks.anytime: {error}", file=sys.stderr)
        return 1
    header = ["scales", "p50 [ms]", "p95 [ms]", *(f"AbsRel, {name}" for name in found)]
    pictures = ", ".join(f"{len(each)} of {name}" for name, each in found.items())
    conditions = f"{estimators[-1].name}; pictures of 256x256: {pictures}; one scale per picture."
    lines = [conditions, table(header, report(found))]
    deliver("Depth after fewer scales", lines, program="benchmarks.anytime", argv=argv, out=args.out)
    if args.curve:
        draw(found, args.model, args.curve)
    return 0


if __name__ == "__main__":
    sys.exit(main())
