"""DepthART (arXiv 2409.15010): depth as autoregressive refinement from coarse to fine token maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.config import ModelConfig
from depthart_core.decoding import Decoding, expected
from depthart_core.heads import ConfidenceHead, SizeHead, certainty
from depthart_core.initialization import draw_normal
from depthart_core.prefix import EfficientNetPrefix, Prefix
from depthart_core.tokenizer import Tokenizer
from depthart_core.transformer import Cache, KVCache, Transformer, block_causal_mask


class ScaleStep(NamedTuple):
    """What one scale of the rollout did.

    Attributes:
        k: Scale index.
        logits: (B, size_k^2, V).
        f_hat: The feature map after this scale (B, C, N, N).
    """

    k: int
    logits: Tensor
    f_hat: Tensor


class Prediction(NamedTuple):
    """What the whole model says about pictures.

    Attributes:
        depth: Normalised (B, 1, S, S) in [-1, 1].
        confidence: Logit of a pixel's depth being right, (B, 1, S, S); None without heads.
        size: (B, 2), see `SizeHead`; None without heads.
    """

    depth: Tensor
    confidence: Tensor | None = None
    size: Tensor | None = None


class DepthART(nn.Module):
    """The whole model: `prefix`, `rollout` over the scales, `conclude`; `predict` is the three in a row."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, tokens = config.transformer.width, sum(config.tokenizer.tokens)
        self.tokenizer = Tokenizer(config.tokenizer)
        self.transformer = Transformer(config.transformer, config.tokenizer.codebook_size)
        self.embed = nn.Linear(config.tokenizer.code_channels, width)
        self.start = nn.Parameter(torch.zeros(width))
        self.position = nn.Parameter(torch.zeros(tokens, width))
        draw_normal(self.position, std=0.2)
        network = config.prefix == "efficientnet_lite0"
        self.image = EfficientNetPrefix(width, config.tokenizer.feature_size) if network else None
        sizes = config.tokenizer.scale_sizes
        self.size_head = SizeHead(width) if config.heads else None
        self.confidence_head = ConfidenceHead(len(sizes), sizes[-1]) if config.heads else None

    def prefix(self, image: Tensor) -> Prefix:
        """Image tokens: (B, 3, S, S) in [-1, 1] -> (B, L, D), with position and level vectors added.

        Without a network of its own the image goes through the depth tokenizer, and each cumulative feature map is
        resized to its scale bicubically (the depth path pools by area).
        """
        size = self.config.tokenizer.input_size
        assert image.shape[1:] == (3, size, size), f"expected (B, 3, {size}, {size}), got {tuple(image.shape)}"
        if self.image is not None:
            result: Prefix = self.image(image)
            return result
        f_hats = self.tokenizer.quantizer.quantize(self.tokenizer.features(image)).f_hats
        sizes = self.config.tokenizer.scale_sizes
        maps = [
            functional.interpolate(f_hat, size=(side, side), mode="bicubic").flatten(2)
            for f_hat, side in zip(f_hats, sizes, strict=True)
        ]
        return Prefix(self.embed(torch.cat(maps, dim=2).transpose(1, 2)) + self.position)

    def scale_input(self, prefix: Prefix, f_hat: Tensor | None, k: int) -> Tensor:
        """Tokens (B, size_k^2, D) that enter the transformer at scale k, from f_hat after scale k - 1."""
        quantizer, batch = self.tokenizer.quantizer, prefix.tokens.shape[0]
        first = sum(self.config.tokenizer.tokens[:k])
        result = self.position[first : first + self.config.tokenizer.tokens[k]].expand(batch, -1, -1)
        result = result + (self.start if f_hat is None else self.embed(quantizer.pool(f_hat, k)))
        if prefix.aligned is not None:
            result = result + quantizer.pool(prefix.aligned, k)
        return result.to(prefix.tokens.dtype)

    def rollout(
        self,
        prefix: Prefix,
        decoding: Decoding = expected,
        *,
        max_scales: int | None = None,
        cache: Cache | None = None,
    ) -> Iterator[ScaleStep]:
        """Predict scale after scale from the model's own output: the one loop of inference and of training.

        Args:
            prefix: Of the pictures.
            decoding: How logits become codes.
            max_scales: Stop after so many scales; None: all.
            cache: An empty one to use; None: one that is allocated once.
        """
        config, tokens = self.config.tokenizer, prefix.tokens
        start = 0
        if cache is None:
            cache = KVCache(self.config.transformer.blocks, tokens.shape[1] + sum(config.tokens))
        f_hat: Tensor | None = None
        for k, count in enumerate(config.tokens[:max_scales]):
            x = self.scale_input(prefix, f_hat, k)
            x = torch.cat([tokens, x], dim=1) if k == 0 else x
            logits = self.transformer(x, keep=count, cache=cache, start=start)
            start += x.shape[1]
            codes = decoding(logits, self.tokenizer.quantizer.codebook)
            added = self.tokenizer.quantizer.contribution(k, codes)
            f_hat = added if f_hat is None else f_hat + added
            yield ScaleStep(k, logits, f_hat)

    def logits(self, prefix: Prefix, f_hats: list[Tensor]) -> Tensor:
        """Logits of all scales in one masked pass, given f_hat after every scale but the last: (B, tokens, V)."""
        config, tokens = self.config.tokenizer, prefix.tokens
        inputs = [self.scale_input(prefix, f_hat, k) for k, f_hat in enumerate([None, *f_hats])]
        x = torch.cat([tokens, *inputs], dim=1)
        mask = block_causal_mask([tokens.shape[1] + 1, *config.tokens[1:]], x.device)
        result: Tensor = self.transformer(x, keep=sum(config.tokens), mask=mask)
        return result

    def decode(self, f_hat: Tensor, prefix: Prefix, *, clip: bool = False) -> Tensor:
        """Normalised depth: (B, C, N, N) -> (B, 1, S, S), the mean of the channels that the tokenizer decodes.

        Args:
            f_hat: After some scale.
            prefix: That the rollout began with.
            clip: Whether the channels are clipped to [-1, 1] before, as the released code does; in training they are
                not.
        """
        guidance = prefix.guidance if self.config.tokenizer.decoder == "guided" else ()
        channels = self.tokenizer.decode(f_hat, guidance)
        return (channels.clamp(-1.0, 1.0) if clip else channels).mean(1, keepdim=True)

    def predict(self, image: Tensor, decoding: Decoding = expected, *, max_scales: int | None = None) -> Prediction:
        """Image (B, 3, S, S) in [-1, 1] -> depth and what the heads say."""
        prefix = self.prefix(image)
        return self.conclude(prefix, list(self.rollout(prefix, decoding, max_scales=max_scales)))

    def conclude(self, prefix: Prefix, steps: list[ScaleStep]) -> Prediction:
        """What the scales of a rollout so far say, at least one; missing ones make depth coarser.

        Args:
            prefix: That the rollout began with.
            steps: Of the scales, in order.
        """
        depth = self.decode(steps[-1].f_hat, prefix, clip=True)
        if self.confidence_head is None or self.size_head is None:
            return Prediction(depth)
        certainties = [certainty(step.logits, self.tokenizer.quantizer.codebook) for step in steps]
        return Prediction(depth, self.confidence_head(certainties, depth), self.size_head(prefix.tokens))

    def forward(self, image: Tensor) -> Tensor:
        """The depth of `predict` alone: (B, 3, S, S) -> (B, 1, S, S)."""
        return self.predict(image).depth
