"""DepthEstimator: a picture in, relative depth out, on whichever backend was chosen."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from depthart_core.errors import BackendError
from depthart_core.preprocess import check_rgb, to_input, to_picture_size

BACKEND_MODULES = {"torch": "depthart_core.backends.torch"}
"""Name of a backend -> its module, which imports its library only then and has a function `load`."""

BACKENDS = ("auto", *BACKEND_MODULES)


@dataclass(frozen=True)
class RelativeDepth:
    """Depth up to one unknown positive factor.

    Attributes:
        values: float32 (H, W), finite and above 0, unit-less, linear along the optical axis.
    """

    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class BackendOptions:
    """What a backend is asked for.

    Attributes:
        device: Such as "cpu", "cuda" or "cuda:1".
        decode: "expected" (deterministic), "argmax" or "sample".
        seed: Of "sample".
        threads: CPU threads; None leaves the library's choice.
    """

    device: str = "cpu"
    decode: str = "expected"
    seed: int = 0
    threads: int | None = None


class Backend(Protocol):
    """What runs a model."""

    @property
    def input_size(self) -> int:
        """Side S of the square picture, in pixels."""
        ...

    def infer(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 (S, S, 3) RGB -> relative depth float32 (S, S)."""
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

    @classmethod
    def load(
        cls,
        model: str | Path = "nano",
        *,
        backend: str = "auto",
        device: str = "cpu",
        decode: str = "expected",
        seed: int = 0,
        threads: int | None = None,
    ) -> DepthEstimator:
        """Load a model.

        Args:
            model: Name of a packaged model or path of a model file.
            backend: One of `BACKENDS`; "auto" takes the fastest that is installed.
            device: Where it runs, such as "cpu" or "cuda".
            decode: "expected" (deterministic), "argmax" or "sample".
            seed: Of "sample".
            threads: CPU threads; None leaves the library's choice.

        Raises:
            CheckpointError: The model is missing or damaged.
            BackendError: An unknown backend, device or decoding, or one that is not installed.
        """
        if backend not in BACKENDS:
            raise BackendError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
        chosen = "torch" if backend == "auto" else backend
        try:
            module = importlib.import_module(BACKEND_MODULES[chosen])
        except ModuleNotFoundError as error:
            raise BackendError(
                f"backend {chosen!r} needs the package {error.name}: pip install {error.name}"
            ) from error
        options = BackendOptions(device=device, decode=decode, seed=seed, threads=threads)
        return cls(module.load(model, options), f"{Path(model).stem} ({chosen} on {device}, {decode})")

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> RelativeDepth:
        """Estimate depth at the size of the picture: uint8 (H, W, 3) in RGB order -> (H, W).

        Raises:
            ImageError: Not such a picture.
        """
        check_rgb(rgb)
        depth = self.backend.infer(to_input(rgb, self.backend.input_size))
        return RelativeDepth(to_picture_size(depth, rgb.shape[0], rgb.shape[1]))
