"""The optimiser of a stage: which of its parameters decay, how the learning rate goes, and the averaged weights."""

from __future__ import annotations

import math
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


def set_learning_rate(optimizer: torch.optim.Optimizer, settings: StageSettings, step: int, progress: float) -> None:
    """A linear rise, then a cosine down to 2 %.

    Args:
        optimizer: See `make_optimizer`.
        settings: Learning rate and warm-up.
        step: Number of the step.
        progress: Share of the stage that is over.
    """
    warm = min(1.0, (step + 1) / settings.warmup_steps)
    cosine = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * group["factor"] * warm * cosine


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, settings: StageSettings, step: int) -> None:
    """Let the averaged weights follow those that are trained; at first faster, so that the start is soon forgotten."""
    decay = min(settings.ema, (1.0 + step) / (10.0 + step))
    pairs = zip(model.parameters(), average.parameters(), strict=True)
    own, others = zip(*(pair for pair in pairs if pair[0].requires_grad), strict=True)
    torch._foreach_lerp_(others, own, 1.0 - decay)
