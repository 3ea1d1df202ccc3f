"""Is the confidence worth its name? ``python -m training.sparsification MODEL --data NAME=PATH ... --out DIR``.

The most uncertain pixels of an image are removed, a hundredth at a time: the faster the mean AbsRel of the others
falls, the better the ranking. The oracle removes the pixels of the largest error first. AUSE is the area between the
curve of a ranking and the oracle's (Ilg et al. 2018, arXiv 1802.07095), here of AbsRel after alignment by scale, not
normalised, averaged over images; 0 is perfect. Compared are the model's confidence, two gradients of the predicted
depth, and chance. A second table tells whether the confidence is also right as a probability.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthart_core import markdown
from depthart_core.estimator import RelativeDepth
from training.command import run_command
from training.data.sample import Sample
from training.scoring.arguments import (
    add_data_arguments,
    add_model_arguments,
    load_predictor,
    make_output,
    open_sets,
    settings_of,
)
from training.scoring.confidence_calibration import calibration_error, reliability
from training.scoring.curves import Axes, Curve, draw_curves
from training.scoring.frames import Frame, Judged, Predictor, ScoringSettings, for_each_frame, judge
from training.scoring.metrics import ScoreError

REMOVED = np.arange(100) / 100
ORACLE = "oracle"


def confidence(prediction: RelativeDepth) -> np.ndarray:
    """Doubt of the model itself: minus its confidence.

    Raises:
        ScoreError: it states none.
    """
    if prediction.confidence is None:
        raise ScoreError("the model states no confidence, expected one for every pixel")
    return -prediction.confidence


def gradient(prediction: RelativeDepth) -> np.ndarray:
    """Length of the gradient of predicted depth, sqrt(d_u^2 + d_v^2), central differences, one-sided at the border."""
    return np.asarray(np.hypot(*np.gradient(prediction.values.astype(np.float64))))


def log_gradient(prediction: RelativeDepth) -> np.ndarray:
    """The same of the logarithm of depth: steps relative to the distance, as AbsRel sees them."""
    return np.asarray(np.hypot(*np.gradient(np.log(prediction.values.astype(np.float64)))))


def chance(prediction: RelativeDepth) -> np.ndarray:
    """No ranking at all."""
    return np.zeros(prediction.values.shape)


RANKINGS: dict[str, Callable[[RelativeDepth], np.ndarray]] = {
    "confidence": confidence,
    "gradient": gradient,
    "log gradient": log_gradient,
    "chance": chance,
}


def sparsify(error: np.ndarray, uncertainty: np.ndarray) -> np.ndarray:
    """Mean error of the pixels that remain when the most uncertain ones are removed.

    Pixels of one uncertainty are removed in random order, and this is the expectation: each counts as their mean error.

    Args:
        error: (n,), n at least 1.
        uncertainty: (n,), only its order matters.

    Returns:
        (100,) float64, for every share of ``REMOVED``; of n pixels ceil((1 - share) n) remain.
    """
    _, group, size = np.unique(uncertainty, return_inverse=True, return_counts=True)
    mean = np.bincount(group.ravel(), weights=error) / size
    running = np.cumsum(np.repeat(mean, size))
    remaining = -(-(100 - np.arange(100)) * len(error) // 100)
    return np.asarray(running[remaining - 1] / remaining)


def area_between(curve: np.ndarray, oracle: np.ndarray) -> float:
    """AUSE: integral of curve - oracle over the removed share, from 0 to 0.99, by trapezoids."""
    gap = curve - oracle
    return float(np.sum((gap[1:] + gap[:-1]) / 2 * np.diff(REMOVED)))


@dataclass(frozen=True)
class Sparsification:
    """Curves of a data set, each the mean over its images.

    Attributes:
        name: of the data set.
        frames: number of images.
        curves: (100,) for ``ORACLE`` and every name in ``RANKINGS``.
        bins: see `training.scoring.confidence_calibration.reliability`.
    """

    name: str
    frames: int
    curves: dict[str, np.ndarray]
    bins: np.ndarray

    def ause(self, ranking: str) -> float:
        """Area between the curve of a ranking and the oracle's."""
        return area_between(self.curves[ranking], self.curves[ORACLE])


def frame_curves(judged: Judged) -> dict[str, np.ndarray]:
    """Curves of one frame.

    Raises:
        ScoreError: the model states no confidence.
    """
    valid, truth = judged.frame.valid, judged.frame.sample.depth
    error = np.abs(judged.depth - truth)[valid].astype(np.float64) / truth[valid]
    curves = {name: sparsify(error, rank(judged.prediction)[valid]) for name, rank in RANKINGS.items()}
    return {**curves, ORACLE: sparsify(error, error)}


def sparsification(
    predict: Predictor,
    samples: Sequence[Sample],
    settings: ScoringSettings,
    *,
    name: str = "data",
    progress: bool = False,
) -> Sparsification:
    """Curves over a data set.

    Raises:
        ScoreError: no image has valid depth, or the model states no confidence.
    """

    def look_at(frame: Frame) -> tuple[dict[str, np.ndarray], np.ndarray]:
        [judged] = judge(predict(frame.sample.rgb), frame, settings)
        valid, stated = frame.valid, -confidence(judged.prediction)
        return frame_curves(judged), reliability(stated[valid], judged.depth[valid], frame.sample.depth[valid])

    rows = for_each_frame(look_at, samples, settings, title=name, progress=progress)
    curves = {key: np.mean([curves[key] for curves, _ in rows], axis=0) for key in rows[0][0]}
    return Sparsification(name, len(rows), curves, np.mean([bins for _, bins in rows], axis=0))


def table(results: Sequence[Sparsification]) -> str:
    """Markdown, a row for every data set and ranking; the last column is AUSE over that of chance."""
    rows = []
    for result in results:
        first = [result.name, str(result.frames), f"{result.curves[ORACLE][0]:.4f}"]
        for ranking in RANKINGS:
            ause, worst = result.ause(ranking), result.ause("chance")
            rows.append([*first, ranking, f"{ause:.4f}", f"{ause / worst:.3f}" if worst > 0 else "-"])
    return markdown.table(("data", "frames", "AbsRel", "ranking", "AUSE", "AUSE / chance"), rows)


def calibration_table(results: Sequence[Sparsification]) -> str:
    """Markdown, a row for every data set: mean confidence, share of right pixels, expected calibration error."""
    found = [(result.name, *result.bins.sum(0), calibration_error(result.bins)) for result in results]
    rows = [[name, *(f"{figure:.3f}" for figure in figures)] for name, *figures in found]
    return markdown.table(("data", "mean confidence", "within a factor of 1.25", "calibration error"), rows)


def draw(result: Sparsification, folder: Path) -> None:
    """Write the curves as DIR/NAME.sparsification.png."""
    axes = Axes(f"{result.name}: {result.frames} images", "share of pixels removed", "AbsRel of the others", reach=1.0)
    curves = {name: Curve(REMOVED, curve) for name, curve in result.curves.items()}
    draw_curves(curves, axes, folder / f"{result.name}.sparsification.png")


def run(args: argparse.Namespace) -> None:
    """Compute the curves, print the model and the tables and write what was asked for."""
    data = open_sets(args.data, args.limit)
    settings = [settings_of(args, one) for one in data]
    make_output(args.out)
    model, predict = load_predictor(args)
    results = [
        sparsification(predict, one.samples, how, name=one.name, progress=True)
        for one, how in zip(data, settings, strict=True)
    ]
    text = f"{model}\n\n{table(results)}\n\n{calibration_table(results)}"
    print(text)
    if args.out:
        for result in results:
            draw(result, args.out)
        (args.out / "sparsification.md").write_text(f"{text}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 1 with one sentence otherwise."""
    parser = argparse.ArgumentParser(prog="python -m training.sparsification", description=__doc__.split("\n")[0])
    add_model_arguments(parser)
    add_data_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write curves (PNG) and table there")
    args = parser.parse_args(arguments)
    return run_command("training.sparsification", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())
