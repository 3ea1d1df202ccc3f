"""DepthEstimator: a picture in, relative depth out, on whichever backend was chosen."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from depthart_core.backends.choice import load_backend
from depthart_core.backends.pace import REMEMBERED, expected
from depthart_core.config import DECODES, LARGEST_SEED, MOST_THREADS, PRECISIONS, ModelConfig
from depthart_core.errors import BackendError
from depthart_core.geometry import Intrinsics
from depthart_core.preprocess import check_rgb, resize_smooth, to_input, to_picture_size


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
        """From what the size head says, see `depthart_core.heads.SizeHead`."""
        return cls(math.exp(size), math.expm1(math.exp(error)))


@dataclass(frozen=True)
class RelativeDepth:
    """Depth up to one unknown positive factor.

    Attributes:
        values: float32 (H, W), finite and above 0, unit-less, linear along the optical axis.
        confidence: float32 (H, W) in 0..1: the probability that a value is within a factor of 1.25 of the truth, the
            scale being right; None where the model does not say.
        canonical: The factor for a camera whose focal length is the size of its picture; None likewise.
        scales: How many of the model's scales were decoded.
    """

    values: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32] | None = None
    canonical: ScaleGuess | None = None
    scales: int = 1

    def guess_scale(self, intrinsics: Intrinsics) -> ScaleGuess | None:
        """The factor for the camera that took the picture, None where the model does not say.

        Args:
            intrinsics: Of the whole picture, at whatever size.
        """
        if self.canonical is None:
            return None
        factor = self.canonical.metres_per_unit * relative_focal_length(intrinsics)
        return ScaleGuess(factor, self.canonical.relative_error)


def relative_focal_length(intrinsics: Intrinsics) -> float:
    """Focal length over the picture's size, the geometric mean of both axes: no resize changes it."""
    return math.sqrt(intrinsics.fx / intrinsics.width * intrinsics.fy / intrinsics.height)


@dataclass(frozen=True)
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
            BackendError: An unknown decoding or precision, or a number that is out of range.
        """
        if self.precision not in PRECISIONS:
            raise BackendError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if self.decode not in DECODES:
            raise BackendError(f"decode must be one of {', '.join(DECODES)}, got {self.decode!r}")
        if self.threads is not None and not 1 <= self.threads <= MOST_THREADS:
            raise BackendError(f"threads must be 1 to {MOST_THREADS}, got {self.threads}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise BackendError(f"seed must be 0 to {LARGEST_SEED}, got {self.seed}")

    def count_scales(self, config: ModelConfig) -> int:
        """How many scales of a model are to be decoded.

        Raises:
            BackendError: It has not so many, or none is asked for.
        """
        scales = len(config.tokenizer.scale_sizes)
        if self.max_scales is not None and not 1 <= self.max_scales <= scales:
            raise BackendError(f"max_scales must be 1 to {scales}, the scales of this model, got {self.max_scales}")
        return self.max_scales or scales

    def demand_precision(self, backend: str, *possible: str) -> None:
        """Raise BackendError where a backend does not compute in it."""
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
        """
        ...


class DepthEstimator:
    """Relative depth from one picture.

    Args:
        backend: What runs the model.
        name: One line that names model, backend, device and decoding.
    """

    def __init__(self, backend: Backend, name: str) -> None:
        self.backend = backend
        self.name = name
        self._enlarging = deque[float](maxlen=REMEMBERED)  # seconds for each pixel of the picture, lately

    @property
    def heads(self) -> bool:
        """Whether depth comes with confidence and with a guess of its scale."""
        return self.backend.heads

    @property
    def scales(self) -> int:
        """How many scales are decoded at most."""
        return self.backend.scales

    @property
    def anytime(self) -> bool:
        """Whether a deadline is kept by decoding fewer scales; otherwise it is ignored."""
        return self.backend.anytime

    @classmethod
    def load(
        cls,
        model: str | Path = "nano",
        *,
        backend: str = "auto",
        device: str = "auto",
        decode: str = "expected",
        seed: int = 0,
        threads: int | None = None,
        max_scales: int | None = None,
        precision: str = "auto",
    ) -> DepthEstimator:
        """Load a model.

        Args:
            model: Name of a packaged model, or path of a model file, of a folder of `depthart export` or of an
                engine of `depthart-build-trt`.
            backend: One of `BACKENDS`; "auto" takes of those that are installed and have graphs of exactly this model
                and decoding from `depthart export` the one that `depthart benchmark` found the fastest (ONNX Runtime
                before it was run); on "cuda" TensorRT where there is an engine for this GPU; PyTorch elsewhere.
            device: Where it runs, such as "cpu" or "cuda"; "auto": the first GPU if an engine was built for it, else
                the CPU.
            decode: "expected" (deterministic), "argmax" or "sample".
            seed: Of "sample".
            threads: CPU threads; None leaves the library's choice.
            max_scales: Decode after so many of the model's scales: coarser and faster; None: all.
            precision: "fp32", "fp16", "bf16" or "int8", see `BackendOptions`; "auto": what the backend takes by itself.

        Raises:
            CheckpointError: The model is missing or damaged.
            BackendError: An unknown backend, device, decoding or precision, or one that cannot do what is asked for.
        """
        options = BackendOptions(device, decode, seed, threads, max_scales, precision)
        chosen, used, loaded = load_backend(backend, model, options)
        computed = "" if (precision, loaded.precision) == ("auto", "fp32") else f" in {loaded.precision}"
        return cls(loaded, f"{Path(model).stem} ({chosen}{computed} on {used}, {decode})")

    def __call__(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> RelativeDepth:
        """Estimate depth at the size of the picture: uint8 (H, W, 3) in RGB order -> (H, W).

        Args:
            rgb: The picture.
            deadline: Moment of `time.monotonic` by which depth should be there, see `Backend.infer` and `anytime`.

        Raises:
            ImageError: Not such a picture.
        """
        check_rgb(rgb)
        height, width = rgb.shape[:2]
        if deadline is not None:
            deadline -= expected(self._enlarging) * height * width
        found = self.backend.infer(to_input(rgb, self.backend.input_size), deadline=deadline)
        start = time.monotonic()
        confidence = None if found.confidence is None else resize_smooth(found.confidence, height, width)
        values = to_picture_size(found.depth, height, width)
        self._enlarging.append((time.monotonic() - start) / (height * width))
        return RelativeDepth(values, confidence, found.canonical, found.scales)
