"""Curves as PNG files, drawn by matplotlib (extra ``train``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Curve:
    """One line of a figure.

    Attributes:
        x: (n,) where.
        y: (n,) what; NaN leaves a gap.
        steps: whether y keeps its value until the next x.
    """

    x: np.ndarray
    y: np.ndarray
    steps: bool = False


@dataclass(frozen=True)
class Axes:
    """Labels of a figure, with units.

    Attributes:
        title: above it.
        x: below it.
        y: beside it.
        log_x: whether x is logarithmic.
        reach: right end of x; None leaves it to the data.
    """

    title: str
    x: str
    y: str
    log_x: bool = False
    reach: float | None = None


def cumulative(values: np.ndarray) -> Curve:
    """Share of the values that are at most x: a step up at every value, from (0, 0) on."""
    ordered = np.sort(values)
    return Curve(np.concatenate([[0.0], ordered]), np.arange(len(ordered) + 1) / len(ordered), steps=True)


def draw_curves(curves: Mapping[str, Curve], axes: Axes, path: Path) -> None:
    """Write one figure with a line for every name.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(7, 4.5), dpi=110, layout="constrained")
    plot = figure.add_subplot(xlabel=axes.x, ylabel=axes.y, title=axes.title)
    for name, curve in curves.items():
        style = "steps-post" if curve.steps else "default"
        plot.plot(curve.x, curve.y, label=name, drawstyle=style, marker="." if axes.log_x else None)
    if axes.log_x:
        plot.set_xscale("log")
        plot.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        plot.xaxis.set_major_formatter("{x:g}")
        plot.xaxis.set_minor_formatter("{x:g}")
    plot.set_xlim(right=axes.reach)
    plot.set_ylim(bottom=0)
    plot.grid(alpha=0.3)
    plot.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
