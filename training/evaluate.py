"""Score a model on data sets: ``python -m training.evaluate MODEL --data NAME=PATH ...``.

Protocol: image and depth at 256x256 (the aspect is not kept, depth takes the nearest pixel); per image one
scale, median(truth / prediction) over the valid pixels; errors per image, then averaged over images.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from depthart_core.align import Alignment, fit_scale
from depthart_core.errors import DepthartError
from training.data.sample import DataError, Sample, readable, resize_sample
from training.data.source import open_data
from training.metrics import METRICS, Scores, average, score, valid_pixels
from training.plots import SheetRow, write_sheet

SIZE_PX = 256
CAP = 10.0
MEAN_MAP = "mean-map"

# (H, W, 3) uint8 RGB -> (H, W) float32, positive, up to one factor.
Predictor = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class FrameScores:
    """Scores of one frame and the scale [metres per unit of prediction] it was aligned with."""

    name: str
    scale: float
    scores: Scores


@dataclass(frozen=True)
class AlignedFrame:
    """One frame at the size of the protocol.

    Attributes:
        sample: image and truth.
        depth: (S, S) float32, metres.
        valid: (S, S) bool, the pixels that count.
        alignment: what made the depth metric.
    """

    sample: Sample
    depth: np.ndarray
    valid: np.ndarray
    alignment: Alignment


def evaluate(
    predict: Predictor, samples: Sequence[Sample], *, cap: float = CAP, progress: str | None = None
) -> list[FrameScores]:
    """Score every frame that can be read and has a valid pixel.

    Args:
        predict: the model.
        samples: images with true depth.
        cap: true depth beyond it does not count [m].
        progress: title of a progress bar; none without.
    """
    frames = tqdm(readable(samples), total=len(samples), desc=progress, disable=progress is None, leave=False)
    scored = []
    for sample in frames:
        frame = align_frame(predict, sample, cap=cap)
        if frame is not None:
            scores = score(frame.depth, frame.sample.depth, frame.valid)
            scored.append(FrameScores(sample.name, frame.alignment.scale, scores))
    return scored


def align_frame(predict: Predictor, sample: Sample, *, cap: float = CAP) -> AlignedFrame | None:
    """Predict one frame and align it by scale alone; None when it has no valid pixel."""
    resized = resize_sample(sample, SIZE_PX, SIZE_PX)
    valid = valid_pixels(resized.depth, cap)
    if not valid.any():
        return None
    prediction = predict(resized.rgb)
    alignment = fit_scale(prediction, resized.depth, valid)
    return AlignedFrame(resized, alignment.apply(prediction), valid, alignment)


def markdown_row(name: str, frames: Sequence[FrameScores], cap: float) -> str:
    """One line of the table of ``markdown_head``."""
    mean = average([frame.scores for frame in frames])
    figures = (mean.abs_rel, mean.delta1, mean.delta2, mean.delta3, mean.rmse, mean.mae, mean.log10)
    cells = [name, "scale", f"{cap:g} m", str(len(frames)), *(f"{value:.4f}" for value in figures), f"{mean.silog:.2f}"]
    return f"| {' | '.join(cells)} |"


def markdown_head() -> str:
    """Title and rule of the table."""
    columns = ("data", "alignment", "cap", "frames", "AbsRel", "d1", "d2", "d3", "RMSE", "MAE", "log10", "SILog")
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def write_csv(frames: Sequence[FrameScores], path: Path) -> None:
    """One line a frame, in the order of the data set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "scale", *METRICS))
        writer.writerows((frame.name, frame.scale, *astuple(frame.scores)) for frame in frames)


def sheet_rows(
    predict: Predictor, samples: Sequence[Sample], frames: Sequence[FrameScores], *, cap: float = CAP
) -> list[SheetRow]:
    """Rows of the best, the median and the worst frame by AbsRel."""
    ranked = sorted(frames, key=lambda frame: frame.scores.abs_rel)
    chosen = {"best": ranked[0], "median": ranked[len(ranked) // 2], "worst": ranked[-1]}
    wanted = {frame.name for frame in chosen.values()}
    aligned = {s.name: align_frame(predict, s, cap=cap) for s in readable(samples) if s.name in wanted}
    rows = []
    for title, frame in chosen.items():
        shown = aligned[frame.name]
        assert shown is not None, frame.name
        caption = f"{title}: {frame.name}  AbsRel {frame.scores.abs_rel:.3f}   image | truth | depth"
        truth = np.where(shown.valid, shown.sample.depth, np.nan)
        rows.append(SheetRow(caption, shown.sample.rgb, truth, shown.depth))
    return rows


def load_predictor(args: argparse.Namespace) -> Predictor:
    """The model named on the command line, or the image-blind mean map."""
    if args.model == MEAN_MAP:
        from training.mean_map import mean_map

        if not args.train:
            raise DataError(f"{MEAN_MAP} has nothing to average, expected --train PATH ...")
        return mean_map(sample for path in args.train for sample in readable(open_data(path)))
    from depthart_core import DepthEstimator

    estimator = DepthEstimator.load(
        args.model, backend=args.backend, device=args.device, decode=args.decode, seed=args.seed, threads=args.threads
    )
    return lambda rgb: estimator(rgb).values


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description="Score a model on data sets.")
    add = parser.add_argument
    add("model", metavar="MODEL", help=f"a packaged name, a .safetensors file, or {MEAN_MAP}")
    add("--data", nargs="+", action="extend", required=True, metavar="NAME=PATH", help="a .tar shard or a folder")
    add("--decode", default="expected", help="expected (default), argmax or sample")
    add("--backend", default="auto")
    add("--device", default="cpu")
    add("--seed", type=int, default=0, help="of sampled decoding")
    add("--threads", type=int, help="of the processor")
    add("--cap", type=float, default=CAP, help="true depth beyond it does not count [m] (default %(default)s)")
    add("--limit", type=int, help="only the first so many frames of each data set")
    add("--csv", type=Path, metavar="DIR", help="write NAME.csv with the scores of each frame")
    add("--sheet", type=Path, metavar="FILE", help="write a picture of the best, median and worst frames")
    add("--train", type=Path, nargs="+", default=[], metavar="PATH", help=f"data of the {MEAN_MAP}")
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Score, print the table and write what was asked for."""
    data = [parse_data(item) for item in args.data]
    predict = load_predictor(args)
    lines, rows = [markdown_head()], []
    for name, samples in data:
        chosen = samples[: args.limit]
        frames = evaluate(predict, chosen, cap=args.cap, progress=name)
        lines.append(markdown_row(name, frames, args.cap))
        if args.csv:
            write_csv(frames, args.csv / f"{name}.csv")
        if args.sheet:
            rows += sheet_rows(predict, chosen, frames, cap=args.cap)
    print("\n".join(lines))
    if args.sheet:
        write_sheet(rows, args.sheet)


def parse_data(item: str) -> tuple[str, Sequence[Sample]]:
    """Open what a NAME=PATH argument names.

    Raises:
        DataError: It has another form, or the path is no data set.
    """
    name, separator, path = item.partition("=")
    if not (name and separator and path):
        raise DataError(f"--data {item}: expected NAME=PATH")
    return name, open_data(Path(path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; errors of the project are one sentence and status 1."""
    try:
        run(parse_arguments(arguments))
    except DepthartError as error:
        print(f"training.evaluate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
