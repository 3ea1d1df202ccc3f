"""DepthEstimator: a picture in, relative depth out, on whichever backend was chosen."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from depthart_core.backends.choice import load_backend
from depthart_core.backends.scale_times import REMEMBERED, expected_seconds
from depthart_core.errors import BackendError
from depthart_core.geometry import Intrinsics
from depthart_core.inference import Backend, BackendOptions, ScaleGuess
from depthart_core.preprocess import check_rgb, resize_smooth, to_input, to_picture_size

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
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


class DepthEstimator:
    """Relative depth from one picture.

    Args:
        backend: What runs the model.
        name: One line that names model, backend, device and decoding.
        backend_name: Which of `BACKENDS` it is; "" for another one.
    """

    def __init__(self, backend: Backend, name: str, backend_name: str = "") -> None:
        self.backend, self.name, self.backend_name = backend, name, backend_name
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
        device: str | torch.device = "auto",
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
            device: Where it runs, such as "cpu", "cuda" or a torch.device; "auto": the first GPU if an engine was built
                for it, else the CPU.
            decode: "expected" (deterministic), "argmax" or "sample".
            seed: Of "sample".
            threads: CPU threads; None leaves the library's choice.
            max_scales: Decode after so many of the model's scales: coarser and faster; None: all.
            precision: "fp32", "fp16", "bf16" or "int8", see `BackendOptions`; "auto": what the backend takes by itself.

        Raises:
            CheckpointError: The model is missing or damaged.
            BackendError: An unknown backend, device, decoding or precision, or one that cannot do what is asked for.
        """
        options = BackendOptions(str(device), decode, seed, threads, max_scales, precision)
        chosen, used, loaded = load_backend(backend, model, options)
        computed = "" if (precision, loaded.precision) == ("auto", "fp32") else f" in {loaded.precision}"
        return cls(loaded, f"{Path(model).stem} ({chosen}{computed} on {used}, {decode})", chosen)

    def __call__(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> RelativeDepth:
        """Estimate depth at the size of the picture: uint8 (H, W, 3) in RGB order -> (H, W).

        Args:
            rgb: The picture.
            deadline: Moment of `time.monotonic` by which depth should be there, see `Backend.infer` and `anytime`.

        Raises:
            ImageError: Not such a picture.
            BackendError: Depth or confidence is not finite, or as `Backend.infer`.
        """
        check_rgb(rgb)
        height, width = rgb.shape[:2]
        if deadline is not None:
            deadline -= expected_seconds(self._enlarging) * height * width
        try:
            found = self.backend.infer(to_input(rgb, self.backend.input_size), deadline=deadline)
        except BackendError as error:
            error.args = (f"{self.name}: {error}",)  # it keeps its cause and where it came from
            raise
        for what, values in (("depth", found.depth), ("confidence", found.confidence)):
            if values is not None and not np.isfinite(values).all():
                least, most = float(values.min()), float(values.max())
                raise BackendError(f"{self.name} gives {what} from {least:g} to {most:g}; expected finite values")
        start = time.monotonic()
        confidence = None if found.confidence is None else resize_smooth(found.confidence, height, width)
        values = to_picture_size(found.depth, height, width)
        self._enlarging.append((time.monotonic() - start) / (height * width))
        return RelativeDepth(values, confidence, found.canonical, found.scales)
