"""Training objectives: refinement with dynamic targets (DepthART) and teacher forcing (VAR).

Both are one masked forward; they differ in the feature maps it is fed with and in what each scale should add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from depthart_core.config import ModelConfig
from depthart_core.decoding import Decoding, expected
from depthart_core.model import DepthART
from depthart_core.normalize import fill_unknown
from depthart_core.prefix import Prefix

OBJECTIVES = ("depthart", "teacher_forcing")


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms.

    Attributes:
        last_scale: Of the mean squared error between the last f_hat and the encoder's features (reference: 10).
        pixel: Of the mean absolute error of the decoded depth; 0 leaves the decoder out, as the reference does. The
            same for the depth after the first scales alone, where that is asked for.
    """

    last_scale: float = 10.0
    pixel: float = 0.0


class Targets(NamedTuple):
    """What a masked forward is fed with and should answer.

    Attributes:
        f_hats: Per scale but the last: the feature map before the next scale (B, C, N, N), without gradient.
        indices: Per scale: int64 (B, size_k^2).
    """

    f_hats: list[Tensor]
    indices: list[Tensor]


class Known(NamedTuple):
    """How much of the depth is known: the weights of the terms.

    Attributes:
        tokens: (B, tokens that the cross-entropy counts) in 0..1.
        cells: Of the feature map, (B, 1, N, N) in 0..1.
        pixels: (B, 1, S, S) bool.
    """

    tokens: Tensor
    cells: Tensor
    pixels: Tensor


class Loss(NamedTuple):
    """The loss and its terms, each a scalar.

    Attributes:
        total: What to differentiate.
        cross_entropy: Mean over tokens, each by the share of it that is known.
        last_scale: Mean squared error of the last f_hat (DepthART only, else 0), weighted in the same way.
        pixel: Mean absolute error of normalised depth where it is known (0 where its weight is 0).
        accuracy: Share of tokens whose most likely code is the target.
    """

    total: Tensor
    cross_entropy: Tensor
    last_scale: Tensor
    pixel: Tensor
    accuracy: Tensor


@torch.no_grad()
def refinement_targets(model: DepthART, prefix: Prefix, features: Tensor, decoding: Decoding) -> Targets:
    """Roll the model out; scale k should add Q[features - f_hat before it] (arXiv 2409.15010, section 3).

    Args:
        model: Left as it is; dropout must be off.
        prefix: Of the image.
        features: Encoder features of the true depth (B, C, N, N).
        decoding: How the rollout chooses codes.
    """
    quantizer = model.tokenizer.quantizer
    last = model.config.tokenizer.scales - 1
    before, f_hats, indices = torch.zeros_like(features), [], []
    for step in model.rollout(prefix, decoding, max_scales=last):
        indices.append(quantizer.nearest(quantizer.pool(features - before, step.k)))
        before = step.f_hat
        f_hats.append(before)
    indices.append(quantizer.nearest(quantizer.pool(features - before, last)))
    return Targets(f_hats, indices)


@torch.no_grad()
def static_targets(model: DepthART, features: Tensor) -> Targets:
    """Teacher forcing: the tokens of the pyramid of features (B, C, N, N) itself, whatever the model would predict."""
    indices, f_hats = model.tokenizer.quantizer.quantize(features)
    return Targets(f_hats[:-1], indices)


def loss(
    model: DepthART,
    image: Tensor,
    depth: Tensor,
    *,
    objective: str = "depthart",
    decoding: Decoding = expected,
    weights: LossWeights = LossWeights(),
    coarse: int | None = None,
    sums: Tensor | None = None,
) -> Loss:
    """The training loss of a batch.

    Args:
        model: The tokenizer should be frozen.
        image: (B, 3, S, S) in [-1, 1].
        depth: Normalised true depth (B, 1, S, S) in [-1, 1]; NaN where unknown, which is filled in from around
            (`fill_unknown`) for the encoder and is no target.
        objective: One of `OBJECTIVES`.
        decoding: The rollout's choice of codes ("depthart").
        weights: Of the terms.
        coarse: Number of scales, fewer than all, after which the decoder's depth shall be right as well: its error is
            added with the weight of the pixel term. The decoder alone has a gradient of it (but where the norm of all
            gradients is clipped, the others' get smaller by it). None: left out.
        sums: (3,) what the terms are divided by, for one of several batches that share a step: the mean over these of
            `weight_sums` of their `Known`. None: of this batch alone.
    """
    assert objective in OBJECTIVES, objective
    known = known_shares(model.config, torch.isfinite(depth), objective)
    sums = weight_sums(known) if sums is None else sums
    with torch.no_grad():
        features = model.tokenizer.features(fill_unknown(depth)).float()
    prefix = model.prefix(image)
    dynamic = objective == "depthart"
    targets = refinement_targets(model, prefix, features, decoding) if dynamic else static_targets(model, features)
    # What autocast cast without gradient it would hand out again: up to PyTorch 2.10 no layer would learn.
    torch.clear_autocast_cache()
    logits = model.logits(prefix, targets.f_hats)
    indices = torch.cat(targets.indices, dim=1)
    cross_entropy = _cross_entropy(logits, indices, known.tokens, sums[0])
    final = _last_f_hat(model, logits, targets.f_hats) if dynamic or weights.pixel else None
    last_scale = pixel = total = logits.new_zeros(())
    if dynamic and final is not None:
        last_scale = weighted_mean((final - features).square().mean(1, keepdim=True), known.cells, sums[1])
    if weights.pixel:
        assert final is not None
        pixel = weighted_mean(_pixel_errors(model, final, prefix, depth), known.pixels, sums[2])
        if coarse is not None:
            errors = _pixel_errors(model, targets.f_hats[coarse - 1], prefix, depth)
            total = weights.pixel * weighted_mean(errors, known.pixels, sums[2])
    total = total + cross_entropy + weights.last_scale * last_scale + weights.pixel * pixel
    accuracy = (logits.detach().argmax(-1) == indices).float().mean()
    return Loss(total, cross_entropy, last_scale, pixel, accuracy)


def _cross_entropy(logits: Tensor, indices: Tensor, weights: Tensor, total: Tensor) -> Tensor:
    """The mean over the first tokens, those that have weights (B, tokens); see `weighted_mean`."""
    count = weights.shape[1]
    said, true = logits[:, :count].flatten(0, 1).float(), indices[:, :count].flatten()
    each = functional.cross_entropy(said, true, reduction="none").view(len(indices), -1)
    return weighted_mean(each, weights, total)


def _last_f_hat(model: DepthART, logits: Tensor, f_hats: list[Tensor]) -> Tensor:
    """f_hat after the last scale with its expected codes, with gradient."""
    quantizer, tokens = model.tokenizer.quantizer, model.config.tokenizer.tokens
    codes = expected(logits[:, -tokens[-1] :], quantizer.codebook)
    added = quantizer.contribution(len(tokens) - 1, codes)
    return f_hats[-1] + added if f_hats else added


def _pixel_errors(model: DepthART, f_hat: Tensor, prefix: Prefix, depth: Tensor) -> Tensor:
    return (model.decode(f_hat, prefix) - depth.nan_to_num(0.0)).abs()


def known_shares(config: ModelConfig, valid: Tensor, objective: str) -> Known:
    """What is known where depth is (B, 1, S, S) bool; "depthart" has another term for the tokens of the last scale."""
    pooled = [functional.adaptive_avg_pool2d(valid.float(), size) for size in config.tokenizer.scale_sizes]
    tokens = torch.cat([shares.flatten(1) for shares in pooled], dim=1)
    counted = sum(config.tokenizer.tokens[:-1]) if objective == "depthart" else tokens.shape[1]
    return Known(tokens[:, :counted], pooled[-1], valid)


def weight_sums(weights: Sequence[Tensor]) -> Tensor:
    """What the terms of these weights are divided by: (n,) float32."""
    return torch.stack([each.sum().float() for each in weights])


def weighted_mean(values: Tensor, weights: Tensor, total: Tensor) -> Tensor:
    """The mean of values of any shape, each by its weight, which sum up to `total`; a mask is one of zeros and ones.

    0 where all weights are 0. With the mean total of several batches, the mean of their results is that of all values.
    """
    return (values * weights).sum() / total.clamp_min(1e-6)
