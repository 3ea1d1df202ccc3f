"""What contenders cost: parameters, and the operations of training and inference."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch

from training.comparison.contenders import Contender
from training.comparison.plan import Plan
from training.operations import counted, counted_steps
from training.stages.stage import Part, TrainingBatch

GIGA = 1e9


@dataclass(frozen=True)
class Cost:
    """What a contender costs.

    Attributes:
        parameters: All of them.
        trained: Those that are trained.
        training_gflop: Of one picture in one training step, forward and backward; the mean of some steps.
        inference_gflop: Of the depth of one picture.
    """

    parameters: int
    trained: int
    training_gflop: float
    inference_gflop: float


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
    training = counted_steps(lambda step: contender.stage.loss(model, batch, Part(step))[0].backward())
    with torch.no_grad():
        _, inference = counted(lambda: model(batch.image))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Cost(
        parameters,
        sum(parameter.numel() for parameter in trained),
        training / GIGA,
        inference / GIGA,
    )


def steps_of(plan: Plan, costs: dict[str, Cost], name: str, batch_size: int) -> int:
    """Optimiser steps of a contender within the plan's budget."""
    first = "depthart" if "depthart" in plan.contenders else plan.contenders[0]
    ratio = costs[first].training_gflop / costs[name].training_gflop if plan.equal == "flops" else 1.0
    return max(len(plan.points), round(plan.samples * ratio / batch_size))
