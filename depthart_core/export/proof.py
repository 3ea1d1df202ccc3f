"""Whether a backend says what PyTorch says: how far an export is from it, and pictures to compare on.

Engines, whose stages are looked at as well, are judged by `acceptance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from depthart_core.errors import BackendError
from depthart_core.inference import Backend, Inference
from depthart_core.preprocess import to_input

Pictures = Sequence[npt.NDArray[np.uint8]]

Deviation = dict[str, dict[str, float]]
"""Output -> its largest ("max") and mean deviation over pictures, see `deviations`."""


def deviations(reference: Inference, found: Inference) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Output by output, how far `found` is from `reference` in every value; what is no number is infinitely far.

    Depth and size are compared by `relative_error`, confidence, which is a probability, as |found - reference|.
    """
    yield "depth", _finite(relative_error(reference.depth, found.depth))
    if reference.confidence is not None and found.confidence is not None:
        yield "confidence", _finite(absolute_error(reference.confidence, found.confidence))
    if reference.canonical is not None and found.canonical is not None:
        sizes = (reference.canonical.metres_per_unit, found.canonical.metres_per_unit)
        yield "size", _finite(relative_error(*map(np.array, sizes)))


def compare(reference: Backend, backend: Backend, pictures: Pictures) -> Deviation:
    """How far a backend is from the reference on pictures.

    Raises:
        BackendError: One has heads and the other has not, or there are no pictures.
    """
    if reference.heads != backend.heads:
        raise BackendError(f"heads: the graph says {backend.heads}, PyTorch {reference.heads}")
    if not pictures:
        raise BackendError("there are no pictures to compare a graph with PyTorch on")
    found: dict[str, list[npt.NDArray[np.float64]]] = {}
    for picture in pictures:
        rgb = to_input(picture, reference.input_size)
        for name, values in deviations(reference.infer(rgb), backend.infer(rgb)):
            found.setdefault(name, []).append(values)
    return {name: {"max": float(np.max(each)), "mean": float(np.mean(each))} for name, each in found.items()}


def demand(deviation: Deviation, limit: float, *, of: str = "max") -> None:
    """Refuse what deviates too much.

    Raises:
        BackendError: Names the first output whose largest (or mean) deviation is above `limit`.
    """
    for name, each in deviation.items():
        if not each[of] <= limit:
            raise BackendError(
                f"the graph is refused: {name} deviates from PyTorch by up to {each['max']:.2g} "
                f"(mean {each['mean']:.2g}), allowed is {limit:g}{' on average' if of == 'mean' else ''}"
            )


def structured_pictures(size: int, count: int = 4, seed: int = 0) -> list[npt.NDArray[np.uint8]]:
    """Pictures uint8 (size, size, 3) of slopes, boxes and a little noise: a stand-in where no real ones are at hand."""
    generator = np.random.default_rng(seed)
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


def _finite(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.inf).astype(np.float64)
