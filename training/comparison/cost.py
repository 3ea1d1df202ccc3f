"""Operations of training and inference, counted by torch: a multiplication and an addition are two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from training.comparison.contenders import Contender
from training.comparison.plan import Plan
from training.stage import TrainingBatch

GIGA = 1e9


@dataclass(frozen=True)
class Cost:
    """What a contender costs.

    Attributes:
        parameters: All of them.
        trained: Those that are trained.
        training_gflop: Of one picture in one training step, forward and backward.
        inference_gflop: Of the depth of one picture.
    """

    parameters: int
    trained: int
    training_gflop: float
    inference_gflop: float


def forward_operations(query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: Any, **__: Any) -> int:
    """Operations of attention from the shapes (B, heads, L, size); torch counts those of GPUs alone."""
    batch, heads, length, size = query
    return 2 * batch * heads * length * key[2] * (size + value[3])


def backward_operations(_: Any, query: Sequence[int], key: Sequence[int], *__: Any, **___: Any) -> int:
    """Five products of L x M x size: the scores once more and four gradients."""
    batch, heads, length, size = query
    return 5 * 2 * batch * heads * length * key[2] * size


def filter_operations(out: Sequence[int], _: Any, weight: Sequence[int], *options: Any, **__: Any) -> int:
    """Gradients of a convolution, each as much work as the convolution; torch takes grouped filters for dense ones.

    Args:
        out: Shape of the gradient that comes in (B, C, H, W).
        weight: (C, inputs / groups, height, width).
        options: The other arguments of the operator; the last one says which of input, weight and bias want a gradient.
    """
    wanted = sum(options[7][:2])
    return 2 * wanted * out[0] * out[2] * out[3] * math.prod(weight)


ATEN = torch.ops.aten
OWN_COUNTS = {
    ATEN._scaled_dot_product_flash_attention_for_cpu: forward_operations,  # noqa: SLF001 its only name
    ATEN._scaled_dot_product_flash_attention_for_cpu_backward: backward_operations,  # noqa: SLF001
    ATEN.convolution_backward: filter_operations,
}


def count_cost(contender: Contender) -> Cost:
    """Count one picture on the CPU in float32; the contender stays as it is."""
    model, size = deepcopy(contender.model), contender.model.config.tokenizer.input_size
    model.requires_grad_(False)
    trained = [parameter for parameters, _ in contender.stage.groups(model) for parameter in parameters]
    for parameter in trained:
        parameter.requires_grad_(True)
    depth = torch.linspace(-0.5, 0.5, size * size).view(1, 1, size, size)
    camera = torch.tensor([[size, size, size / 2, size / 2]], dtype=torch.float32)
    batch = TrainingBatch(torch.zeros(1, 3, size, size), depth, depth.exp(), camera)
    with FlopCounterMode(display=False, custom_mapping=OWN_COUNTS) as training:
        contender.stage.loss(model, batch, 0)[0].backward()
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=OWN_COUNTS) as inference:
        model(batch.image)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Cost(
        parameters,
        sum(parameter.numel() for parameter in trained),
        training.get_total_flops() / GIGA,
        inference.get_total_flops() / GIGA,
    )


def steps_of(plan: Plan, costs: dict[str, Cost], name: str, batch_size: int) -> int:
    """Optimiser steps of a contender within the plan's budget."""
    first = "depthart" if "depthart" in plan.contenders else plan.contenders[0]
    ratio = costs[first].training_gflop / costs[name].training_gflop if plan.equal == "flops" else 1.0
    return max(len(plan.points), round(plan.samples * ratio / batch_size))
