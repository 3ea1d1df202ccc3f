"""How near backends come to true depth; data sets and protocol are those of `training`, which a checkout has."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core import BackendError, DepthEstimator
from depthart_core.backends.measuring import Subjects

if TYPE_CHECKING:
    from training.data.source import DataSet

CHECKOUT = Path(__file__).parents[2]


def open_sets(named: Sequence[str], limit: int | None) -> list[DataSet]:
    """Open data sets before anything is measured.

    Args:
        named: Each as NAME=PATH.
        limit: Only the first so many frames of each; None: all.

    Raises:
        BackendError: This is no checkout, or something that it needs is not installed.
        DataError: See `training.scoring.arguments.open_sets`.
    """
    if not named:
        return []
    if (CHECKOUT / "training").is_dir() and str(CHECKOUT) not in sys.path:
        sys.path.append(str(CHECKOUT))  # a program finds what is installed alone, which `training` is not
    try:
        from training.scoring import arguments
    except ModuleNotFoundError as error:
        raise BackendError(f"--data needs a checkout and its extra `train`: {error.name} is missing") from error
    return arguments.open_sets(named, limit)


def measure_accuracy(model: str, subjects: Subjects, sets: Sequence[DataSet]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table: AbsRel of every subject by the protocol of `training.evaluate`.

    Args:
        model: As `DepthEstimator.load` takes it.
        subjects: See `depthart_core.backends.measuring.Subjects`; the first is what the others are compared with.
        sets: See `open_sets`.

    Raises:
        CheckpointError, BackendError: As `DepthEstimator.load`.
        ScoreError: No frame of a data set can be scored.
    """
    from training.evaluate import evaluate
    from training.scoring.frames import ScoringSettings

    scores = {}
    for name, arguments in subjects.items():
        estimator = DepthEstimator.load(model, **arguments)
        frames = [evaluate(estimator, data.samples, ScoringSettings(data.protocol), name=data.name) for data in sets]
        scores[name] = [statistics.mean(frame.scores.abs_rel for frame in each) for each in frames]
    first = next(iter(scores))
    header = ["backend"]
    for data in sets:
        header += [f"AbsRel on {data.name} ({len(data.samples)} pictures)", f"against {first}"]
    rows = [
        [name, *(cell for one, base in zip(each, scores[first], strict=True) for cell in _cells(one, base))]
        for name, each in scores.items()
    ]
    return header, rows


def _cells(score: float, base: float) -> list[str]:
    return [f"{score:.4f}", f"{score / base - 1.0:+.2%}"]
