"""How far what a graph or an engine says of pictures is from what PyTorch says, and whether that is too far."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from depthart_core.errors import BackendError
from depthart_core.export.whole import STAGE, Graph, output_names
from depthart_core.inference import BackendOptions
from depthart_core.model import DepthART
from depthart_core.preprocess import to_input

Pictures = Sequence[npt.NDArray[np.uint8]]

Arrays = Mapping[str, npt.NDArray[np.floating]]
"""What is said of a picture, by the name of the output; also stages, see `whole.stage_names`."""

Outputs = Sequence[Arrays]
"""What is said of each of some pictures."""

Deviation = dict[str, dict[str, float]]
"""Output -> mean, p99 and max of its error over pictures, and how many errors are not finite ("not_finite")."""


@dataclass(frozen=True)
class Limits:
    """How large the error of every output may be, each output alone; None: any; non-finite values are never allowed.

    Attributes:
        mean: Over all values and pictures.
        p99: Their 99th percentile.
        max: The largest.
    """

    mean: float | None = None
    p99: float | None = None
    max: float | None = None


def torch_outputs(
    model: DepthART, options: BackendOptions, pictures: Pictures, *, stages: bool = False
) -> list[Arrays]:
    """What PyTorch says on the CPU of pictures uint8 (S, S, 3), by the names of `whole.output_names`."""
    scales = options.count_scales(model.config.tokenizer.scales)
    names = output_names(scales, heads=model.config.heads, stages=stages)
    graph = Graph(model, options, stages=stages).eval()
    with torch.inference_mode():
        return [
            dict(zip(names, (tensor.numpy() for tensor in graph(torch.from_numpy(picture)[None])), strict=True))
            for picture in pictures
        ]


def measure(reference: Outputs, found: Outputs, *, relative: Collection[str] = ("depth",)) -> Deviation:
    """How far outputs are from the reference, stages left out.

    Args:
        reference: What PyTorch says of each picture.
        found: What is judged, of the same pictures.
        relative: Outputs whose error is a share, see `relative_error`; that of the others is a difference.

    Raises:
        BackendError: There are no pictures, or the outputs are not those of PyTorch.
    """
    if not reference:
        raise BackendError("there are no pictures to compare with PyTorch on")
    errors: dict[str, list[npt.NDArray[np.float64]]] = {}
    for expected, said in zip(reference, found, strict=True):
        names, got = ([name for name in each if not name.startswith(STAGE)] for each in (expected, said))
        if set(got) != set(names):
            raise BackendError(f"the outputs are {', '.join(got)}, those of PyTorch are {', '.join(names)}")
        for name in names:
            wrong = relative_error if name in relative else absolute_error
            errors.setdefault(name, []).append(wrong(expected[name], said[name]))
    return {name: _figures(np.concatenate([each.ravel() for each in values])) for name, values in errors.items()}


def _figures(errors: npt.NDArray[np.float64]) -> dict[str, float]:
    finite = errors[np.isfinite(errors)]
    if not finite.size:
        return {"mean": float("inf"), "p99": float("inf"), "max": float("inf"), "not_finite": float(errors.size)}
    return {
        "mean": float(finite.mean()),
        "p99": float(np.quantile(finite, 0.99)),
        "max": float(finite.max()),
        "not_finite": float(errors.size - finite.size),
    }


def objection(deviation: Deviation, limits: Limits) -> str:
    """Why such deviations are too large; empty where they are not."""
    for name, found in deviation.items():
        if found["not_finite"]:
            return f"{name} has {found['not_finite']:.0f} non-finite values, allowed are 0"
    for figure, allowed in (("mean", limits.mean), ("p99", limits.p99), ("max", limits.max)):
        for name, found in deviation.items():
            if allowed is not None and not found[figure] <= allowed:
                by = f"{100 * found[figure]:.3g}% ({figure})"
                return f"{name} deviates from PyTorch by {by}, allowed is {100 * allowed:g}%"
    return ""


def relative_error(reference: npt.NDArray[np.floating], found: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """|found - reference| over the reference (AbsRel), or over a hundredth of its largest value where that is more.

    A model with linear depth says almost 0 for what is nearest, where rounding alone would be a large share; one with
    logarithmic depth never says less than that hundredth.
    """
    floor = 0.01 * float(reference.max())
    return absolute_error(reference, found) / np.maximum(reference.astype(np.float64), floor)


def absolute_error(reference: npt.NDArray[np.floating], found: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """|found - reference|."""
    return np.abs(found.astype(np.float64) - reference)


def structured_pictures(size: int, count: int = 4) -> list[npt.NDArray[np.uint8]]:
    """Pictures uint8 (size, size, 3) of slopes, boxes and a little noise: a stand-in where no real ones are at hand."""
    generator = np.random.default_rng(0)
    return [_structured(size, generator) for _ in range(count)]


def _structured(size: int, generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    ramp = np.linspace(0.0, 1.0, size)
    colours = generator.uniform(0.0, 255.0, (3, 3))
    picture = colours[0] + ramp[:, None, None] * (colours[1] - colours[0]) + ramp[:, None] * (colours[2] - colours[0])
    for _ in range(6):
        top, left = generator.integers(0, size, 2)
        height, width = generator.integers(1, size // 2 + 2, 2)
        picture[top : top + height, left : left + width] = generator.uniform(0.0, 255.0, 3)
    noisy = picture + generator.normal(0.0, 4.0, picture.shape)
    return np.asarray(noisy.clip(0.0, 255.0), dtype=np.uint8)


def resize_pictures(pictures: Pictures, size: int) -> list[npt.NDArray[np.uint8]]:
    """Pictures uint8 (H, W, 3) at the model's size."""
    return [np.ascontiguousarray(to_input(picture, size)) for picture in pictures]
