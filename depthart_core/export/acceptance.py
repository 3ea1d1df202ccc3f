"""Whether a compiled model may be used: compared with PyTorch on pictures, refused above limits, cured where possible.

Knows nothing of TensorRT: whatever gives named arrays for a picture can be judged, so the way of a refusal is tested
on a CPU with ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from depthart_core.backends.precision import LOGITS, NORM, SOFTMAX
from depthart_core.errors import BackendError
from depthart_core.export.proof import Pictures, absolute_error, relative_error
from depthart_core.export.whole import STAGE
from depthart_core.preprocess import to_input

Arrays = Mapping[str, npt.NDArray[np.float32]]
Said = Sequence[Arrays]
"""What was said about each of some pictures."""


@dataclass(frozen=True)
class Limits:
    """How far an engine may be from PyTorch in float32; values that are no number are never allowed.

    Attributes:
        mean: Of every output's error over all values and pictures: depth's is relative (AbsRel), that of confidence
            and of the logarithms of the size a difference; see `measure`.
        p99: Their 99th percentile, of each output alone.
        stage: Relative error (of the Euclidean norm) from which on a stage counts as the one that deviates.
    """

    mean: float
    p99: float
    stage: float


LIMITS = {
    "fp32": Limits(mean=2e-4, p99=2e-3, stage=2e-3),
    "fp16": Limits(mean=5e-3, p99=5e-2, stage=3e-2),
    "bf16": Limits(mean=1e-2, p99=1e-1, stage=1e-1),
}
"""By precision. fp32 is without TF32."""

ATTEMPTS: tuple[tuple[str, ...], ...] = ((), (NORM, SOFTMAX), (NORM, SOFTMAX, LOGITS))
"""What is kept in float32 in half precision, try after try: some of `depthart_core.backends.precision.ISLANDS`."""


class Candidate(Protocol):
    """A compiled model that wants to be used."""

    def outputs(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """What it says about a picture uint8 (S, S, 3) RGB, by name: see `whole.output_names`."""
        ...

    def stages(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """Outputs and what it computes on the way, asked only after a refusal: a twin may have to be made for it."""
        ...


@dataclass(frozen=True)
class Accepted:
    """A candidate that may be used.

    Attributes:
        candidate: The one.
        float32: What it keeps in float32.
        deviation: Output -> mean, p99, max, not_finite.
    """

    candidate: Candidate
    float32: tuple[str, ...]
    deviation: dict[str, dict[str, float]]


def accept(
    make: Callable[[tuple[str, ...]], Candidate],
    reference: Said,
    pictures: Pictures,
    *,
    limits: Limits,
    attempts: Sequence[tuple[str, ...]] = ATTEMPTS,
    report: Callable[[str], object] = lambda _: None,
) -> Accepted:
    """Take the first candidate that agrees with PyTorch, keeping more and more in float32.

    Args:
        make: Builds the candidate that keeps the named parts in float32.
        reference: Outputs and stages of PyTorch in float32 for each picture.
        pictures: uint8 (S, S, 3) RGB.
        limits: See `Limits`.
        attempts: What to keep in float32, try after try; an engine in float32 has one try.
        report: Gets a sentence at every step.

    Raises:
        BackendError: All are refused: names figures, limits and the first stage that deviates.
    """
    if not pictures:
        raise BackendError("there are no pictures to compare an engine with PyTorch on")
    refused: list[str] = []
    unmade = ""
    for kept in attempts:
        try:
            candidate = make(kept)
        except BackendError as error:  # TensorRT takes no such graph: what is kept in float32 next may be the cure
            if str(error) == unmade:
                break  # what is kept makes no difference
            unmade = str(error)
            refused.append(f"{_kept_words(kept)}: {unmade}")
            report(f"refused {refused[-1]}")
            continue
        report(f"comparing with PyTorch in float32 on {len(pictures)} pictures")
        deviation = measure(reference, [candidate.outputs(picture) for picture in pictures])
        reason = objection(deviation, limits)
        if not reason:
            return Accepted(candidate, kept, deviation)
        refused.append(f"{_kept_words(kept)}: {reason}; {_blame(candidate, reference, pictures, limits)}")
        report(f"refused {refused[-1]}")
        del candidate  # with its memory on the GPU, which the next one needs
    raise BackendError(f"the engine is refused {'; and '.join(refused)}")


def _blame(candidate: Candidate, reference: Said, pictures: Pictures, limits: Limits) -> str:
    """What is known of where a refused candidate goes wrong, from one that shows its stages."""
    try:
        shown = [candidate.stages(picture) for picture in pictures]
    except BackendError as error:
        return f"its stages cannot be shown ({error})"
    if not objection(measure(reference, shown), limits):
        return "one that shows its stages agrees, so the builder fuses wrongly across them"
    return f"the first stage that deviates is {first_deviating(reference, shown, limits.stage)}"


def measure(reference: Said, found: Said) -> dict[str, dict[str, float]]:
    """Output -> mean, p99 and max of its error over pictures, and how many values are no number ("not_finite").

    Depth is compared as |found / reference - 1| (AbsRel, see `proof.relative_error`), the others, which are
    probabilities and logarithms, as |found - reference|.
    """
    errors: dict[str, list[npt.NDArray[np.float64]]] = {}
    for expected, said in zip(reference, found, strict=True):
        for name in (name for name in expected if not name.startswith(STAGE)):
            wrong = relative_error if name == "depth" else absolute_error
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


def objection(deviation: dict[str, dict[str, float]], limits: Limits) -> str:
    """Why such deviations are too large; empty where they are not."""
    for name, found in deviation.items():
        if found["not_finite"]:
            return f"{name} has {found['not_finite']:.0f} values that are no numbers, allowed are 0"
    for figure, allowed in (("mean", limits.mean), ("p99", limits.p99)):
        for name, found in deviation.items():
            if not found[figure] <= allowed:
                return f"{name} deviates from PyTorch by {found[figure]:.2%} ({figure}), allowed is {allowed:.2%}"
    return ""


def first_deviating(reference: Said, found: Said, limit: float) -> str:
    """The first of prefix, scales and decoder where any picture's result is further than `limit` from PyTorch's."""
    worst: dict[str, float] = {}
    for expected, said in zip(reference, found, strict=True):
        for name in (name for name in expected if name.startswith(STAGE)):
            error = _norm_error(said[name].astype(np.float64), expected[name].astype(np.float64))
            worst[name] = max(worst.get(name, 0.0), error)
    for name, error in worst.items():
        if error > limit:
            return f"{name.removeprefix(STAGE).replace('_', ' ')} (relative error {error:.2g}, allowed {limit:g})"
    before = f"every stage before it is within {max(worst.values()):.2g}" if worst else "no stage was compared"
    return f"the decoder ({before})"


def _norm_error(found: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> float:
    error = np.linalg.norm(found - expected) / max(float(np.linalg.norm(expected)), 1e-12)
    return float(error) if np.isfinite(error) else float("inf")


def squares(pictures: Pictures, size: int) -> list[npt.NDArray[np.uint8]]:
    """Pictures at the model's size."""
    return [np.ascontiguousarray(to_input(picture, size)) for picture in pictures]


def _kept_words(kept: tuple[str, ...]) -> str:
    return f"with {', '.join(kept)} in float32" if kept else "as built"
