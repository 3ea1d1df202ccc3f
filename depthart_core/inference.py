"""What a backend is asked, and what it says of a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from depthart_core.errors import BackendError

DECODES = ("expected", "argmax", "sample")
PRECISIONS = ("auto", "fp32", "fp16", "bf16", "int8")
LARGEST_SEED = 2**31 - 1
MOST_THREADS = 256

BEYOND_ALL_SCALES = 100.0
"""Natural logarithm of a factor that no scene has."""
LARGEST_ERROR = 6.0
"""Natural logarithm of an error, itself the logarithm of a factor, that says nothing any more."""


@dataclass(frozen=True)
class ScaleGuess:
    """The model's own idea of how large the scene is.

    Attributes:
        metres_per_unit: What relative depth is to be multiplied by.
        relative_error: How far off it expects to be, as a share: 0.2 means 20 % more or less.
    """

    metres_per_unit: float
    relative_error: float

    @classmethod
    def of_logarithms(cls, size: float, error: float) -> ScaleGuess:
        """From what the size head says, see `depthart_core.heads.SizeHead`.

        Raises:
            BackendError: It is not finite, or beyond all scales.
        """
        if not (abs(size) < BEYOND_ALL_SCALES and error < LARGEST_ERROR):  # NaN is not less
            raise BackendError(
                f"the model's guess of the scale makes no sense: its logarithm is {size:g}, that of its error {error:g}"
            )
        return cls(math.exp(size), math.expm1(math.exp(error)))


@dataclass(frozen=True, eq=False)
class Inference:
    """What a backend says about one square picture; see `RelativeDepth` for the meaning.

    Attributes:
        depth: float32 (S, S).
        confidence: float32 (S, S) or None.
        canonical: For a camera of focal length S.
        scales: How many scales were decoded.
    """

    depth: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32] | None = None
    canonical: ScaleGuess | None = None
    scales: int = 1

    @classmethod
    def of_outputs(cls, outputs: Mapping[str, npt.NDArray[Any]], scales: int) -> Inference:
        """What a graph says of one picture: `depth` (1, S, S), with heads `confidence` (1, S, S) and `size` (1, 2)."""
        depth = outputs["depth"][0]
        if "size" not in outputs:
            return cls(depth, scales=scales)
        return cls(depth, outputs["confidence"][0], ScaleGuess.of_logarithms(*outputs["size"][0].tolist()), scales)


@dataclass(frozen=True)
class BackendOptions:
    """What a backend is asked for.

    Attributes:
        device: Such as "cpu", "cuda" or "cuda:1"; "auto": see `DepthEstimator.load`.
        decode: "expected" (deterministic), "argmax" or "sample".
        seed: Of "sample", from 0 to `LARGEST_SEED`.
        threads: CPU threads, at most `MOST_THREADS`; None leaves the library's choice.
        max_scales: Decode after so many scales; None: all.
        precision: "fp32", "fp16", "bf16" or "int8"; "auto": a backend's own choice (fp32 but for engines, OpenVINO,
            and ONNX Runtime where there is an export in int8).
    """

    device: str = "cpu"
    decode: str = "expected"
    seed: int = 0
    threads: int | None = None
    max_scales: int | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Check what no backend can do.

        Raises:
            BackendError: An unknown decoding or precision, or a number that is not whole or out of range.
        """
        if self.precision not in PRECISIONS:
            raise BackendError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if self.decode not in DECODES:
            raise BackendError(f"decode must be one of {', '.join(DECODES)}, got {self.decode!r}")
        for name in ("seed", "threads", "max_scales"):
            value = getattr(self, name)
            if not isinstance(value, Integral) and (value is not None or name == "seed"):
                raise BackendError(f"{name} must be a whole number, got {value!r}")
        if self.threads is not None and not 1 <= self.threads <= MOST_THREADS:
            raise BackendError(f"threads must be 1 to {MOST_THREADS}, got {self.threads}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise BackendError(f"seed must be 0 to {LARGEST_SEED}, got {self.seed}")

    def count_scales(self, scales: int) -> int:
        """How many of a model's scales are to be decoded.

        Raises:
            BackendError: It has not so many, or none is asked for.
        """
        if self.max_scales is not None and not 1 <= self.max_scales <= scales:
            raise BackendError(f"max_scales must be 1 to {scales}, the scales of this model, got {self.max_scales}")
        return self.max_scales or scales

    def demand_precision(self, backend: str, *possible: str) -> None:
        """Raise BackendError where the precision is none of those that a backend computes in."""
        if self.precision not in ("auto", *possible):
            raise BackendError(f"backend {backend!r} computes in {' or '.join(possible)}, got {self.precision!r}")


class Backend(Protocol):
    """What runs a model."""

    @property
    def input_size(self) -> int:
        """Side S of the square picture, in pixels."""
        ...

    @property
    def heads(self) -> bool:
        """Whether it says confidence and scale."""
        ...

    @property
    def scales(self) -> int:
        """How many scales it decodes at most."""
        ...

    @property
    def anytime(self) -> bool:
        """Whether it can stop after any scale; one that cannot ignores deadlines."""
        ...

    @property
    def precision(self) -> str:
        """What most of it is computed in: one of `PRECISIONS` but "auto"."""
        ...

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale.

        Args:
            rgb: The picture.
            deadline: Moment of `time.monotonic` by which the result should be there: after each scale, of which there
                is at least one, the next is decoded if it is expected to fit. None: all scales.

        Raises:
            BackendError: The model's guess of the scale makes no sense, or its library cannot run it.
        """
        ...
