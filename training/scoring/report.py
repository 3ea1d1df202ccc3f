"""Results of an evaluation as a table, as CSV and as curves."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from training.data.protocol import NEAREST
from training.scoring.curves import Axes, Curve, cumulative, draw_curves
from training.scoring.depth_profile import EDGES, depth_profile, mean_profile
from training.scoring.frames import Judged, ScoringSettings
from training.scoring.metrics import METRICS, Scores, average

COLUMNS = ("data", "alignment", "cap", "crop", "size", "frames")
FIGURES = ("AbsRel", "d1", "d2", "d3", "RMSE", "MAE", "log10", "SILog", "boundary F1")
FILE_COLUMNS = ("name", "alignment", "scale", "shift", *METRICS)


@dataclass(frozen=True)
class FrameScores:
    """Scores of one frame in one alignment.

    Attributes:
        index: in the data set.
        name: of the frame.
        how: the alignment, one of ``training.scoring.frames.ALIGNMENTS``.
        scale: metres per unit of prediction.
        shift: [m].
        scores: errors of the aligned depth.
        profile: (2, bins), see ``training.scoring.depth_profile``.
    """

    index: int
    name: str
    how: str
    scale: float
    shift: float
    scores: Scores
    profile: np.ndarray


def frame_scores(judged: Judged) -> FrameScores:
    """What is kept of a frame when its pictures are forgotten."""
    frame, alignment = judged.frame, judged.alignment
    profile = depth_profile(judged.depth, frame.sample.depth, frame.valid)
    name = frame.sample.name
    return FrameScores(frame.index, name, judged.how, alignment.scale, alignment.shift, judged.scores, profile)


def of_alignment(frames: Sequence[FrameScores], how: str) -> list[FrameScores]:
    """Those of one alignment, in order."""
    return [frame for frame in frames if frame.how == how]


def markdown_head() -> str:
    """Title and rule of the table."""
    columns = (*COLUMNS, *FIGURES)
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def markdown_row(name: str, frames: Sequence[FrameScores], settings: ScoringSettings) -> str:
    """One line of the table of ``markdown_head``: the mean over frames of one alignment."""
    mean = average([frame.scores for frame in frames])
    words = [name, *_conditions(frames[0].how, settings), str(len(frames))]
    return f"| {' | '.join([*words, *map(_figure, METRICS, astuple(mean))])} |"


def _conditions(how: str, settings: ScoringSettings) -> list[str]:
    """Alignment, cap, crop and size as the table states them."""
    given, limits = settings.metres_per_unit, settings.protocol
    alignment = f"none, scale {given:g}" if how == "none" and given is not None else how
    cap = f"{limits.cap:g} m" if limits.nearest <= NEAREST else f"{limits.nearest:g} to {limits.cap:g} m"
    size = "full" if limits.size is None else f"{limits.size}x{limits.size}"
    return [alignment, cap, limits.crop_name, size]


def _figure(metric: str, value: float) -> str:
    """One number of the table; a dash where no frame had one."""
    if np.isnan(value):
        return "-"
    return f"{value:.2f}" if metric == "silog" else f"{value:.4f}"


def write_csv(frames: Sequence[FrameScores], path: Path) -> None:
    """One line a frame and alignment, in the order of the data set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(FILE_COLUMNS)
        for frame in frames:
            numbers = (frame.scale, frame.shift, *astuple(frame.scores))
            writer.writerow((frame.name, frame.how, *(f"{number:.7g}" for number in numbers)))


def write_curves(frames: Mapping[str, Sequence[FrameScores]], folder: Path) -> None:
    """Write DIR/cumulative.png and DIR/error_by_depth.png.

    Args:
        frames: of every line of the figures.
        folder: DIR.
    """
    shares = {name: cumulative(np.array([one.scores.abs_rel for one in some])) for name, some in frames.items()}
    title = "How many images are at least so good"
    draw_curves(shares, Axes(title, "AbsRel of the image", "share of the images"), folder / "cumulative.png")
    middles = np.sqrt(EDGES[1:] * EDGES[:-1])
    errors = {name: Curve(middles, mean_profile([one.profile for one in some])) for name, some in frames.items()}
    axes = Axes("Error against depth", "true depth [m]", "AbsRel of the pixels", log_x=True)
    draw_curves(errors, axes, folder / "error_by_depth.png")
