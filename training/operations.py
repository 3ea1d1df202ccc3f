"""Operations, counted by torch, and the counts that torch lacks: a multiplication and an addition are two."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode

T = TypeVar("T")
COUNTED_STEPS = 4
"""Of a training: one of the first four decodes a second time, about as many as `training.stages.stage.few_scales`."""


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


def counted(action: Callable[[], T]) -> tuple[T, int]:
    """Do something; return its result and its operations."""
    with FlopCounterMode(display=False, custom_mapping=OWN_COUNTS) as counter:
        result = action()
    return result, counter.get_total_flops()


def counted_steps(step: Callable[[int], object]) -> float:
    """Do the first steps of a training, each by its number; return their mean operations."""
    return statistics.mean(counted(partial(step, number))[1] for number in range(COUNTED_STEPS))
