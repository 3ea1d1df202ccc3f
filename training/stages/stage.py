"""What a stage of the training is, what it learns from, and its loss; the stages there are: `training.stages.table`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from depthart_core.config import ModelConfig
from depthart_core.model import DepthART
from depthart_core.normalize import normalize_image, normalize_known
from depthart_core.objective import weight_sums
from training.data.loader import Batch

Scalars = dict[str, Tensor]


@dataclass(frozen=True)
class TrainingBatch:
    """What a stage learns from, on the device of the model.

    Attributes:
        image: (B, 3, S, S) in [-1, 1].
        depth: (B, 1, S, S) in [-1, 1], normalised; NaN where unknown.
        metres: (B, 1, S, S) depth; NaN where unknown.
        intrinsics: (B, 4): fx, fy, cx, cy of these S x S pictures in pixels, pixel centres at integers.
    """

    image: Tensor
    depth: Tensor
    metres: Tensor
    intrinsics: Tensor


@dataclass(frozen=True)
class Part:
    """Which part of which step a batch is: with `--accumulate` or several processes a step has more than one.

    Whatever is random in a loss depends on this alone, so that runs resume exactly.

    Attributes:
        step: Number of the optimiser step.
        place: Of the batch among all of the step.
        count: How many batches the step has.
        run_seed: That of the run.
        sums: (n,) of the `Stage.weights` of all its batches, the mean of them; None where there is one batch.
    """

    step: int
    place: int = 0
    count: int = 1
    run_seed: int = 0
    sums: Tensor | None = None

    @property
    def seed(self) -> int:
        """Of what is drawn for this batch alone."""
        keys = np.random.SeedSequence([self.run_seed, self.step, self.place])
        return int(keys.generate_state(1, np.uint64)[0])

    def totals(self, weights: Sequence[Tensor]) -> Tensor:
        """What the terms with these weights are divided by, so that every known pixel of the step counts the same."""
        return weight_sums(weights) if self.sums is None else self.sums


class Stage(Protocol):
    """One stage of the training.

    Attributes:
        memory: What the stage remembers from step to step; it goes into the checkpoint.
    """

    memory: Scalars

    def groups(self, model: DepthART) -> list[tuple[list[nn.Parameter], float]]:
        """Trained parameters and their factor on the learning rate."""
        ...

    def loss(self, model: DepthART, batch: TrainingBatch, part: Part) -> tuple[Tensor, Scalars]:
        """Loss of a batch and what to log."""
        ...

    def weights(self, model: DepthART, valid: Tensor) -> Sequence[Tensor]:
        """Weights of the terms that are means over what is known, where depth is (B, 1, S, S) bool."""
        ...

    def pictures(self, model: DepthART, batch: TrainingBatch) -> list[Tensor]:
        """Depth that shows progress, as after each scale: normalised, each (B, 1, S, S), NaN where it is left out."""
        ...


FEW_SCALES_SHARE = 0.3
"""Share of steps that look at what the first scales alone give, so that stopping early gives good answers as well."""


def few_scales(most: int, step: int) -> int | None:
    """How many scales, 1 to `most`, a step looks at alone; None: it is one of the steps that look at all.

    Args:
        most: One less than there are; 0: no step looks at fewer.
        step: Its number.
    """
    generator = torch.Generator().manual_seed(step)
    if most < 1 or torch.rand((), generator=generator) >= FEW_SCALES_SHARE:
        return None
    return 1 + int(torch.randint(most, (), generator=generator))


class StageLoss(nn.Module):
    """A model behind the loss of a stage: what processes that train together share is called by its forward.

    Args:
        model: What is trained.
        stage: What is minimised.
    """

    def __init__(self, model: DepthART, stage: Stage) -> None:
        super().__init__()
        self.model, self.stage = model, stage

    def forward(self, batch: TrainingBatch, part: Part) -> tuple[Tensor, Scalars]:
        """See `Stage.loss`; what is logged has no gradient."""
        total, scalars = self.stage.loss(self.model, batch, part)
        return total, {name: value.detach() for name, value in scalars.items()}


def to_training_batch(batch: Batch, config: ModelConfig, device: torch.device) -> TrainingBatch:
    """Move and normalise a batch; the device is not waited for where the batch is pinned."""
    metres = batch.depth.to(device, non_blocking=True)
    image = normalize_image(batch.rgb.to(device, non_blocking=True))
    return TrainingBatch(
        image=image.contiguous(memory_format=torch.channels_last),
        depth=normalize_known(metres, config),
        metres=metres,
        intrinsics=batch.intrinsics.to(device, non_blocking=True),
    )
