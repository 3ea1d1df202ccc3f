"""What the step of a stepped export is told about each scale: resizes as matrices, and which convolution it uses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from depthart_core.config import ModelConfig


def scale_maps(config: ModelConfig) -> list[dict[str, npt.NDArray[np.float32]]]:
    """What a step is told about each scale.

    `up` (N^2, L) enlarges code vectors bicubically, `spread` (N^2, L) certainties bilinearly, `phi` (1, convolutions)
    is 1 at the convolution it uses, `pool` (M, N^2) makes the tokens of the next scale; one row after the last.
    """
    tokenizer, size = config.tokenizer, config.tokenizer.feature_size
    pools = [_linear(size, each, "area") for each in tokenizer.scale_sizes]
    following = [*pools[1:], np.zeros((1, size**2), np.float32)]
    return [
        {
            "up": _linear(each, size, "bicubic"),
            "spread": _linear(each, size, "bilinear"),
            "phi": np.eye(tokenizer.quantizer_convs, dtype=np.float32)[[convolution]],
            "pool": pool,
        }
        for each, convolution, pool in zip(tokenizer.scale_sizes, tokenizer.phi_indices, following, strict=True)
    ]


def _linear(before: int, after: int, mode: str) -> npt.NDArray[np.float32]:
    """A resize as a matrix (after^2, before^2)."""
    pixels = torch.eye(before**2).view(before**2, 1, before, before)
    resized = pixels if before == after else functional.interpolate(pixels, size=(after, after), mode=mode)
    return np.ascontiguousarray(resized.flatten(1).T.numpy())
