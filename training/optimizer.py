"""The optimiser of a stage: which of its parameters decay."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from training.settings import StageSettings


def make_optimizer(
    model: nn.Module, groups: Sequence[tuple[list[nn.Parameter], float]], settings: StageSettings
) -> torch.optim.AdamW:
    """AdamW for the groups of a stage.

    Biases, gains, norms and positions do not decay: they set sizes and places, which decay alone would move.

    Args:
        model: What the parameters belong to.
        groups: See `Stage.groups`.
        settings: Learning rate and decay.
    """
    positions = {id(parameter) for name, parameter in model.named_parameters() if name.endswith("position")}
    result: list[dict[str, object]] = []
    for parameters, factor in groups:
        kept = [parameter.ndim < 2 or id(parameter) in positions for parameter in parameters]
        for decay, stays in ((settings.weight_decay, False), (0.0, True)):
            members = [parameter for parameter, keep in zip(parameters, kept, strict=True) if keep == stays]
            if members:
                result.append({"params": members, "factor": factor, "weight_decay": decay})
    return torch.optim.AdamW(result, lr=settings.learning_rate)
