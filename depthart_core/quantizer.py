"""Multi-scale residual quantizer: nearest, contribution and pool; everything else is a loop over these three.

Autocast or not, it computes in float32: in bfloat16 the running sum would lose what the finer scales add.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.autocasting import without_autocast
from depthart_core.config import TokenizerConfig


class Quantized(NamedTuple):
    """A feature map as token maps.

    Attributes:
        indices: Per scale int64 (B, tokens of the scale).
        f_hats: Per scale (B, C, N, N): the running sum after that scale.
    """

    indices: list[Tensor]
    f_hats: list[Tensor]


class ResidualQuantizer(nn.Module):
    """One codebook for all scales and a few shared convolutions phi."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config, self.phi_indices = config, config.phi_indices
        self.codebook = nn.Parameter(torch.empty(config.codebook_size, config.code_channels))
        nn.init.uniform_(self.codebook, -1.0 / config.codebook_size, 1.0 / config.codebook_size)
        channels = config.code_channels
        self.phi = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(config.quantizer_convs))

    def nearest(self, tokens: Tensor) -> Tensor:
        """Index of the nearest code (Euclidean, float32): (B, L, C) -> int64 (B, L)."""
        with without_autocast(tokens.device.type):
            flat, codebook = tokens.float().flatten(0, 1), self.codebook.float()
            distances = codebook.square().sum(1) - 2.0 * flat @ codebook.T
            return distances.argmin(1).view(tokens.shape[:2])

    def codes(self, indices: Tensor) -> Tensor:
        """Code vectors: int64 (B, L) -> (B, L, C)."""
        return functional.embedding(indices, self.codebook)

    def contribution(self, k: int, codes: Tensor) -> Tensor:
        """What scale k adds to f_hat: codes (B, size_k^2, C) -> phi_k(upsampled) (B, C, N, N)."""
        size, full = self.config.scale_sizes[k], self.config.feature_size
        maps = codes.transpose(1, 2).reshape(codes.shape[0], codes.shape[2], size, size)
        if size != full:
            maps = functional.interpolate(maps, size=(full, full), mode="bicubic")
        mix = self.config.quantizer_mix
        with without_autocast(maps.device.type):
            result: Tensor = (1.0 - mix) * maps + mix * self.phi[self.phi_indices[k]](maps)
        return result

    def pool(self, features: Tensor, k: int) -> Tensor:
        """Area-pool a feature map to scale k: (B, C, N, N) -> (B, size_k^2, C)."""
        size = self.config.scale_sizes[k]
        if size != self.config.feature_size:
            features = functional.interpolate(features, size=(size, size), mode="area")
        return features.flatten(2).transpose(1, 2)

    def quantize(self, features: Tensor) -> Quantized:
        """The static pyramid of a feature map (B, C, N, N): each scale takes up the rest the ones before it left."""
        features = features.float()
        f_hat = torch.zeros_like(features)
        indices, f_hats = [], []
        for k in range(self.config.scales):
            indices.append(self.nearest(self.pool(features - f_hat, k)))
            f_hat = f_hat + self.contribution(k, self.codes(indices[-1]))
            f_hats.append(f_hat)
        return Quantized(indices, f_hats)
