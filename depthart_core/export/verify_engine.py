"""Whether a compiled model may be used: compared with PyTorch on pictures, refused above limits, cured where possible.

Knows nothing of TensorRT: whatever gives named arrays for a picture can be judged, so the way of a refusal is tested
on a CPU with ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from depthart_core.backends.precision import LOGITS, NORM, SOFTMAX
from depthart_core.errors import BackendError
from depthart_core.export.agreement import Arrays, Deviation, Limits, Outputs, Pictures, measure, objection
from depthart_core.export.whole import STAGE


@dataclass(frozen=True)
class EngineLimits(Limits):
    """How far an engine may be from PyTorch in float32; depth's error is relative, that of the others a difference.

    Attributes:
        stage: Relative error (of the Euclidean norm) from which on a stage counts as the one that deviates.
    """

    stage: float = field(kw_only=True)


LIMITS = {
    "fp32": EngineLimits(mean=2e-4, p99=2e-3, stage=2e-3),
    "fp16": EngineLimits(mean=5e-3, p99=5e-2, stage=3e-2),
    "bf16": EngineLimits(mean=1e-2, p99=1e-1, stage=1e-1),
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


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True)
class Accepted(Generic[C]):
    """A candidate that may be used.

    Attributes:
        candidate: The one.
        float32: What it keeps in float32.
        deviation: See `agreement.Deviation`.
    """

    candidate: C
    float32: tuple[str, ...]
    deviation: Deviation


def accept(
    make: Callable[[tuple[str, ...]], C],
    reference: Outputs,
    pictures: Pictures,
    *,
    limits: EngineLimits,
    attempts: Sequence[tuple[str, ...]] = ATTEMPTS,
    report: Callable[[str], object] = lambda _: None,
) -> Accepted[C]:
    """Take the first candidate that agrees with PyTorch, keeping more and more in float32.

    Args:
        make: Builds the candidate that keeps the named parts in float32.
        reference: Outputs and stages of PyTorch in float32 for each picture.
        pictures: uint8 (S, S, 3) RGB.
        limits: See `EngineLimits`.
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


def _blame(candidate: Candidate, reference: Outputs, pictures: Pictures, limits: EngineLimits) -> str:
    """What is known of where a refused candidate goes wrong, from one that shows its stages."""
    try:
        shown = [candidate.stages(picture) for picture in pictures]
    except BackendError as error:
        return f"its stages cannot be shown ({error})"
    if not objection(measure(reference, shown), limits):
        return "one that shows its stages agrees, so the builder fuses wrongly across them"
    return f"the first stage that deviates is {first_deviating(reference, shown, limits.stage)}"


def first_deviating(reference: Outputs, found: Outputs, limit: float) -> str:
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


def _kept_words(kept: tuple[str, ...]) -> str:
    return f"with {', '.join(kept)} in float32" if kept else "as built"
