"""Figures of the comparison as PNG files, drawn by matplotlib (extra ``train``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

COLOURS = {"depthart": "tab:blue", "teacher_forcing": "tab:orange", "regressor": "tab:green"}
DASHES = {"expected": "-", "argmax": "--", "sample": ":", "regression": "-"}
BANDED = ("expected", "regression")


@dataclass(frozen=True)
class Line:
    """One contender with one decoding.

    Attributes:
        contender: Decides the colour.
        decoding: Decides the dashes.
        x: (n,) where.
        values: n arrays: the score of every seed there.
    """

    contender: str
    decoding: str
    x: np.ndarray
    values: Sequence[np.ndarray]


@dataclass(frozen=True)
class Figure:
    """The lines of one data set and score."""

    title: str
    y_label: str
    lines: Sequence[Line]


def draw(rows: Sequence[Sequence[Figure]], x_label: str, path: Path) -> None:
    """Write rows of figures, equally many each: means over the seeds, and bands from the best to the worst seed.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    from matplotlib.figure import Figure as Sheet

    columns = len(rows[0])
    sheet = Sheet(figsize=(4.6 * columns, 4.2 * len(rows) + 0.4), dpi=110, layout="constrained")
    for place, figure in enumerate((figure for row in rows for figure in row), 1):
        plot = sheet.add_subplot(len(rows), columns, place, xlabel=x_label, ylabel=figure.y_label, title=figure.title)
        for line in figure.lines:
            style = {"color": COLOURS.get(line.contender), "linestyle": DASHES.get(line.decoding, "-")}
            means = [values.mean() for values in line.values]
            plot.plot(line.x, means, marker=".", label=f"{line.contender}, {line.decoding}", **style)
            if line.decoding in BANDED:
                lowest, highest = ([f(values) for values in line.values] for f in (np.min, np.max))
                plot.fill_between(line.x, lowest, highest, color=style["color"], alpha=0.15, linewidth=0)
        plot.xaxis.get_major_locator().set_params(integer=all(float(x).is_integer() for x in figure.lines[0].x))
        plot.grid(alpha=0.3)
    sheet.legend(*plot.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small")
    sheet.savefig(path)
