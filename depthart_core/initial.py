"""First values of weights."""

from __future__ import annotations

from torch import Tensor, nn


def draw_normal(weight: Tensor, *, std: float) -> None:
    """Fill with normal noise; a weight on the meta device has no values, and asking there imports PyTorch's compiler.

    That import takes longer than to load a model, for which the weights are made on the meta device.
    """
    if not weight.is_meta:
        nn.init.normal_(weight, std=std)
