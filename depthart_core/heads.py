"""What the model knows besides depth: how large the scene is, and where its depth can be trusted."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.autocasting import without_autocast

POOLS = 4
"""Weighted means that the size head takes over the image tokens."""

HIDDEN = 128

ERROR_RANGE = (-4.0, 1.0)
"""Bounds of the ln of the size's error, so that no training picture weighs too much and no guess claims too much."""

CHANNELS = 32


class SizeHead(nn.Module):
    """Metres per unit of relative depth, for a camera whose focal length equals the side of its picture.

    What a camera sees of a scene twice as large and twice as far away is the same; with the focal length taken out
    (canonical camera, Metric3D, arXiv 2307.10984) what is left is how large things of this look usually are.

    Args:
        width: Channels D of the image tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.weights = nn.Linear(width, POOLS)
        self.mlp = nn.Sequential(nn.Linear(POOLS * width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 2))

    def forward(self, tokens: Tensor) -> Tensor:
        """Image tokens (B, L, D) -> (B, 2): ln of the size, and ln of its mean absolute error in ln."""
        x = self.norm(tokens)
        pooled = self.weights(x).softmax(1).transpose(1, 2) @ x
        size, error = self.mlp(pooled.flatten(1)).unbind(1)
        lowest, highest = ERROR_RANGE
        middle, half = (highest + lowest) / 2, (highest - lowest) / 2
        return torch.stack([size, middle + half * torch.tanh((error - middle) / half)], dim=1)


class ConfidenceHead(nn.Module):
    """How likely the depth of a pixel is right, from how sure the transformer was of every token.

    Args:
        scales: Number K of scales.
        size: Side N of the feature map.
    """

    def __init__(self, scales: int, size: int) -> None:
        super().__init__()
        self.scales, self.size = scales, size
        self.layers = nn.Sequential(
            nn.Conv2d(2 * scales + 1, CHANNELS, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(CHANNELS, 1, 1),
        )

    def forward(self, certainties: list[Tensor], depth: Tensor) -> Tensor:
        """Logit of the depth being right, (B, 1, S, S).

        Args:
            certainties: Of every scale that was predicted, see `certainty`; missing ones count as 0.
            depth: Normalised (B, 1, S, S): its steps show edges, where errors gather.
        """
        maps = [functional.interpolate(maps, size=(self.size, self.size), mode="bilinear") for maps in certainties]
        missing = depth.new_zeros(depth.shape[0], 2 * (self.scales - len(maps)), self.size, self.size)
        return self.judge(torch.cat([*maps, missing], dim=1), depth)

    def judge(self, maps: Tensor, depth: Tensor) -> Tensor:
        """The same from the certainties of all scales at the size of the feature map, (B, 2 K, N, N)."""
        steps = functional.adaptive_avg_pool2d(_steps(depth), self.size)
        logits = self.layers(torch.cat([maps, steps], dim=1))
        return functional.interpolate(logits, size=depth.shape[2:], mode="bilinear")


def token_certainty(logits: Tensor, codebook: Tensor) -> Tensor:
    """How sure the transformer is of every token: (B, L, V) -> (B, L, 2).

    The ln of the codes' variance under the distribution, which says how far apart the candidates are, and its entropy
    over that of a uniform one.
    """
    probabilities = logits.float().softmax(-1)
    codes = codebook.float()
    with without_autocast(logits.device.type):  # a small difference of large products would be noise
        variance = probabilities @ codes.square().sum(1) - (probabilities @ codes).square().sum(-1)
    entropy = -(probabilities * logits.float().log_softmax(-1)).sum(-1) / math.log(len(codebook))
    return torch.stack([variance.clamp_min(1e-6).log(), entropy], dim=2)


def certainty(logits: Tensor, codebook: Tensor) -> Tensor:
    """The same as maps of one scale: logits (B, size^2, V) -> (B, 2, size, size)."""
    tokens = token_certainty(logits, codebook)
    side = round(float(tokens.shape[1]) ** 0.5)
    return tokens.transpose(1, 2).reshape(tokens.shape[0], 2, side, side)


def _steps(depth: Tensor) -> Tensor:
    """Larger of the absolute differences to the right and the lower neighbour; the last ones repeat."""
    right = functional.pad(depth.diff(dim=3).abs(), (0, 1, 0, 0), mode="replicate")
    down = functional.pad(depth.diff(dim=2).abs(), (0, 0, 0, 1), mode="replicate")
    return torch.maximum(right, down)
