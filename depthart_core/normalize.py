"""Pictures and depth as the networks take them, in [-1, 1]; depth forgets one positive factor on the way."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from depthart_core.config import ModelConfig

SMALLEST = 1e-4
"""Relative depth is kept above 0, where metres would have no meaning."""


def normalize_image(picture: Tensor) -> Tensor:
    """Colours 0..255 of any dtype and shape -> float32 in [-1, 1]."""
    return picture.float() / 127.5 - 1.0


def normalize(depth: Tensor, config: ModelConfig) -> Tensor:
    """Depth in metres (B, 1, H, W) -> [-1, 1]; invalid pixels (not finite or <= 0) get the middle, 0.

    "linear": depth / q98 * 2 - 1, which saturates beyond the 98th percentile (DepthART, section 3).
    "log": ln(depth / its geometric mean) / ln(log_range), relative accuracy the same near and far.
    """
    valid = torch.isfinite(depth) & (depth > 0)
    result = torch.zeros_like(depth)
    for target, picture, mask in zip(result, depth, valid, strict=True):
        values = picture[mask]
        if values.numel() == 0:
            continue
        if config.normalization == "linear":
            target[mask] = values / torch.quantile(values[:: max(values.numel() // 65536, 1)], 0.98) * 2.0 - 1.0
        else:
            logs = values.log()
            target[mask] = (logs - logs.mean()) / math.log(config.log_range)
    return result.clamp(-1.0, 1.0)


def denormalize(normalized: Tensor, config: ModelConfig) -> Tensor:
    """[-1, 1] -> relative depth, positive and unit-less, of the same shape."""
    if config.normalization == "linear":
        return ((normalized + 1.0) / 2.0).clamp_min(SMALLEST)
    return torch.exp(normalized * math.log(config.log_range))
