"""Image prefix: the tokens that the transformer reads before the first scale."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.efficientnet import COARSE_CHANNELS, EfficientNetLite0
from depthart_core.initialization import draw_normal


class Prefix(NamedTuple):
    """What the image gives to the model.

    Attributes:
        tokens: (B, L, D), read before the first scale.
        guidance: Image features for the decoder at strides 2, 4, 8; empty where the decoder takes none.
        aligned: (B, D, N, N), added to the tokens of every scale at their own place; None where tokens say it all.
    """

    tokens: Tensor
    guidance: tuple[Tensor, ...] = ()
    aligned: Tensor | None = None


class EfficientNetPrefix(nn.Module):
    """EfficientNet-Lite0 features: N / 2 x N / 2 tokens to read first, and N x N features beside the depth tokens.

    A depth token finds the image at its own place without searching for it among the prefix tokens; those are few,
    for the context.

    Args:
        width: Channels D of a token.
        size: Side N of the feature grid, even.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.backbone = EfficientNetLite0()
        self.fine_proj = nn.Conv2d(COARSE_CHANNELS[0], width, 1)
        self.coarse_proj = nn.Conv2d(COARSE_CHANNELS[1], width, 1)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.position = nn.Parameter(torch.zeros((size // 2) ** 2, width))
        draw_normal(self.position, std=0.2)

    def forward(self, image: Tensor) -> Prefix:
        """(B, 3, S, S) in [-1, 1] -> tokens (B, N * N / 4, D), guidance and aligned features."""
        guidance = self.backbone.fine(image)
        stride16, stride32 = self.backbone.coarse(guidance[-1])
        coarse = functional.interpolate(self.coarse_proj(stride32), scale_factor=2.0, mode="bilinear")
        features = self.norm((self.fine_proj(stride16) + coarse).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        tokens = functional.avg_pool2d(features, 2).flatten(2).transpose(1, 2)
        return Prefix(tokens + self.position, guidance, features)
