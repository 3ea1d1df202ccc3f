"""Pictures and depth as the networks take them, in [-1, 1]; depth forgets one positive factor on the way."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from depthart_core.config import ModelConfig

QUANTILE_PIXELS = 65536
"""At most about so many pixels of a picture decide its quantile."""

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
    known = torch.where(torch.isfinite(depth) & (depth > 0), depth, torch.nan)
    if config.normalization == "linear":
        stride = max(1, math.ceil((depth.shape[2] * depth.shape[3] / QUANTILE_PIXELS) ** 0.5))
        some = known[:, :, ::stride, ::stride].flatten(1)
        farthest = torch.nanquantile(some, 0.98, dim=1).view(-1, 1, 1, 1)
        result = known / farthest * 2.0 - 1.0
    else:
        logs = known.log()
        result = (logs - logs.nanmean((1, 2, 3), keepdim=True)) / math.log(config.log_range)
    return result.nan_to_num(0.0).clamp(-1.0, 1.0)


def normalize_known(depth: Tensor, config: ModelConfig) -> Tensor:
    """As `normalize`, but NaN where depth is not finite: what losses leave out and `fill_unknown` fills in."""
    return normalize(depth, config).masked_fill(~torch.isfinite(depth), torch.nan)


def fill_unknown(depth: Tensor) -> Tensor:
    """Normalised depth (B, 1, H, W) with values for its unknown pixels (NaN), known ones as they are.

    An encoder has to be shown something there. Each unknown pixel gets the mean of what is known in the smallest block
    of 2, 4, 8, ... pixels around it that knows anything, drawn smoothly; a picture that knows nothing gets 0.
    """
    known = torch.isfinite(depth)
    return _filled(torch.where(known, depth, 0.0), known.to(depth.dtype))


def _filled(values: Tensor, weights: Tensor) -> Tensor:
    """Means where weights are above 0, and means of larger blocks elsewhere; values are sums over as many pixels."""
    means = torch.where(weights > 0, values / weights.clamp_min(torch.finfo(weights.dtype).tiny), 0.0)
    size = values.shape[2:]
    if max(size) == 1:
        return means
    coarse = _filled(*(functional.avg_pool2d(each, 2, ceil_mode=True) for each in (values, weights)))
    return torch.where(weights > 0, means, functional.interpolate(coarse, size=size, mode="bilinear"))


def denormalize(normalized: Tensor, config: ModelConfig) -> Tensor:
    """[-1, 1] -> relative depth, positive and unit-less, of the same shape."""
    if config.normalization == "linear":
        return ((normalized + 1.0) / 2.0).clamp_min(SMALLEST)
    return torch.exp(normalized * math.log(config.log_range))
