"""Tables and figures of results.json; what they mean is for a person to write."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from depthart_core.markdown import table
from depthart_core.model_files import write_atomically
from training.comparison.figures import Figure, Line, draw
from training.comparison.plan import TRAINED, ComparisonError

Points = Sequence[Mapping[str, Any]]

LABELS = {"abs_rel": "AbsRel", "delta1": "share within a factor of 1.25"}
"""Score that is drawn over training -> what stands beside its axis."""


def report(results: Path, out: Path) -> Path:
    """Write comparison.md and its pictures into a folder.

    Args:
        results: The file that `training.comparison.runs.write_results` wrote.
        out: The folder; it is made where it is not there.

    Returns:
        The Markdown file.

    Raises:
        ComparisonError: No such file, or it is of another kind.
        ModuleNotFoundError: matplotlib (extra `train`) is not installed.
    """
    try:
        found = json.loads(results.read_text(encoding="utf-8"))
        points, costs, plan = found["points"], found["costs"], found["plan"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ComparisonError(f"{results}: expected the results.json of a comparison ({error!r})") from error
    out.mkdir(parents=True, exist_ok=True)
    over_training = [training_figures(points, score) for score in LABELS]
    draw(over_training, "operations of training [TFLOP]", out / "comparison-training.png")
    draw([scale_figures(points)], "scales decoded", out / "comparison-scales.png")
    parts = [
        conditions(plan),
        cost_table(costs, points),
        score_table(points),
        "![AbsRel and delta over training](comparison-training.png)",
        scale_table(points),
        "![AbsRel over scales](comparison-scales.png)",
    ]
    path = out / "comparison.md"
    write_atomically(path, ("\n\n".join(part for part in parts if part) + "\n").encode())
    return path


def conditions(plan: Mapping[str, Any]) -> str:
    """One paragraph: what was the same for all, and how much of it."""
    budget = {"flops": "operations of training", "samples": "training pictures"}[plan["equal"]]
    sets = ", ".join(item.partition("=")[0] for item in plan["data"])
    trained = plan["tokenizer"] == TRAINED
    tokenizer = "trained first, the same for all" if trained else f"of `{plan['tokenizer']}`"
    return (
        f"Recipe `{plan['recipe']}`, tokenizer and decoder {tokenizer}, ImageNet image features, "
        f"{len(plan['train'])} training shards, seeds {', '.join(map(str, plan['seeds']))}; equal {budget}. "
        f"At most {plan['frames']} pictures each of {sets}, aligned by scale; mean and, after ±, "
        "standard deviation over the seeds; averaged weights (EMA); scores in float32."
    )


def cost_table(costs: Mapping[str, Mapping[str, float]], points: Points) -> str:
    """What each contender costs and got."""
    rows = []
    for name in _contenders(points):
        cost, last = costs[name], _at_end(points, name)
        numbers = [
            f"{cost['parameters'] / 1e6:.2f}",
            f"{cost['trained'] / 1e6:.2f}",
            f"{cost['inference_gflop']:.2f}",
            f"{cost['training_gflop']:.2f}",
            f"{last[0]['step']}",
            f"{last[0]['samples']}",
            f"{last[0]['teraflop']:.1f}",
            _mean_and_deviation([point["minutes"] for point in last], 1),
        ]
        rows.append([name, *numbers])
    head = ["", "M parameters", "trained", "GFLOP a depth", "GFLOP a training picture", "steps", "pictures", "TFLOP"]
    return table([*head, "minutes"], rows)


def score_table(points: Points) -> str:
    """AbsRel and delta1 at the end, by contender, decoding and data set."""
    sets = list(points[0]["scores"])
    rows = []
    for name in _contenders(points):
        last = _at_end(points, name)
        for variant in _decodings(last):
            cells = [
                _mean_and_deviation([point["scores"][data][variant][metric] for point in last], digits)
                for data in sets
                for metric, digits in (("abs_rel", 4), ("delta1", 3))
            ]
            rows.append([f"{name}, {variant}", *cells])
    return table(["", *(f"{data} {metric}" for data in sets for metric in ("AbsRel", "d1"))], rows)


def scale_table(points: Points) -> str:
    """AbsRel after every scale at the end; empty without scales."""
    rows, numbers = [], _scales(points)
    for name in _contenders(points):
        last = _at_end(points, name)
        for data in last[0]["scores"]:
            for decoding in _decodings(last):
                variants = [f"{decoding}@{k}" for k in numbers]
                if all(variant in last[0]["scores"][data] for variant in variants):
                    values = [[p["scores"][data][v]["abs_rel"] for p in last] for v in variants]
                    rows.append([f"{name}, {decoding}, {data}", *(_mean_and_deviation(v, 4) for v in values)])
    return table(["AbsRel with so many scales", *map(str, numbers)], rows) if numbers else ""


def training_figures(points: Points, score: str) -> list[Figure]:
    """A score, key of `LABELS`, over the operations of training, one figure a data set."""
    figures = []
    for data in points[0]["scores"]:
        lines = []
        for name in _contenders(points):
            own = [point for point in points if point["contender"] == name]
            for decoding in _decodings(own):
                values = defaultdict(list)
                for point in own:
                    values[point["teraflop"]].append(point["scores"][data][decoding][score])
                lines.append(_line(name, decoding, values))
        figures.append(Figure(data, LABELS[score], lines))
    return figures


def scale_figures(points: Points) -> list[Figure]:
    """AbsRel over the number of scales at the end, one figure a data set; a level line for what has no scales."""
    figures = []
    for data in points[0]["scores"]:
        lines = []
        for name in _contenders(points):
            last = _at_end(points, name)
            scores = [point["scores"][data] for point in last]
            for decoding in _decodings(last):
                named = {k: f"{decoding}@{k}" for k in _scales(points)}
                shown = {k: variant if variant in scores[0] else decoding for k, variant in named.items()}
                values = {k: [found[v]["abs_rel"] for found in scores] for k, v in shown.items()}
                lines.append(_line(name, decoding, values))
        figures.append(Figure(data, LABELS["abs_rel"], lines))
    return figures


def _line(name: str, decoding: str, values: Mapping[float, Sequence[float]]) -> Line:
    return Line(name, decoding, np.array(list(values)), [np.array(found) for found in values.values()])


def _contenders(points: Points) -> list[str]:
    return list(dict.fromkeys(point["contender"] for point in points))


def _at_end(points: Points, name: str) -> Points:
    """The points of a contender at the end of its training, one a seed."""
    own = [point for point in points if point["contender"] == name]
    latest = max(point["share"] for point in own)
    return [point for point in own if point["share"] == latest]


def _variants(points: Points) -> Iterable[str]:
    return dict.fromkeys(v for point in points for scores in point["scores"].values() for v in scores)


def _decodings(points: Points) -> list[str]:
    return [variant for variant in _variants(points) if "@" not in variant]


def _scales(points: Points) -> list[int]:
    return sorted({int(variant.partition("@")[2]) for variant in _variants(points) if "@" in variant})


def _mean_and_deviation(values: Sequence[float], digits: int) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else mean
