"""First values of weights that are to be trained."""

from __future__ import annotations

from torch import Tensor, nn


def draw_normal(weight: Tensor, *, std: float) -> None:
    """Fill a weight of any shape with normal noise of mean 0.

    One on the meta device, where weights are made that a file will fill, has no values; asking for some there imports
    PyTorch's compiler, which takes longer than to load a model.
    """
    if not weight.is_meta:
        nn.init.normal_(weight, std=std)
