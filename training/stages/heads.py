"""The heads stage: how large the scene is and where the depth is right, learnt from the model's own errors."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.errors import ConfigError
from depthart_core.model import DepthART
from depthart_core.normalize import denormalize
from depthart_core.objective import weighted_mean
from training.scoring.metrics import DELTA
from training.settings import StageSettings
from training.stages.stage import Part, Scalars, TrainingBatch, few_scales


class HeadsStage:
    """The two heads; everything else is complete and stays as it is."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings
        self.memory: Scalars = {}

    def groups(self, model: DepthART) -> list[tuple[list[nn.Parameter], float]]:
        """The heads.

        Raises:
            ConfigError: The model has none.
        """
        if model.size_head is None or model.confidence_head is None:
            raise ConfigError('the stage "heads" needs a model with "heads": true')
        return [([*model.size_head.parameters(), *model.confidence_head.parameters()], 1.0)]

    def loss(self, model: DepthART, batch: TrainingBatch, part: Part) -> tuple[Tensor, Scalars]:
        """Cross-entropy of the confidence, and the size's error under a Laplace distribution of the predicted width."""
        fewer = few_scales(len(model.config.tokenizer.scale_sizes) - 1, part.step)
        found = model.predict(batch.image, max_scales=fewer)
        assert found.confidence is not None
        assert found.size is not None
        ratio = batch.metres.log() - denormalize(found.depth, model.config).float().log()
        scale = torch.nanmedian(ratio.flatten(1), dim=1).values
        valid = torch.isfinite(ratio)
        right = ((ratio - scale.view(-1, 1, 1, 1)).abs() < math.log(DELTA)).float()
        known = torch.isfinite(scale)
        pixels, samples = part.totals([valid, known])
        judged = functional.binary_cross_entropy_with_logits(found.confidence.float(), right, reduction="none")
        confidence = weighted_mean(judged, valid, pixels)
        size, width = found.size.float().unbind(1)
        # What is unknown gets a value before anything is computed of it: 0 times NaN would be NaN in the gradient.
        missed = ((scale - relative_focal_lengths(batch).log()).where(known, 0.0) - size).abs()
        likelihood = weighted_mean(missed / width.exp() + width, known, samples)
        scalars = {"confidence": confidence, "size": likelihood}
        logged = {"missed": weighted_mean(missed, known, samples), "right": weighted_mean(right, valid, pixels)}
        return confidence + likelihood, scalars | logged

    def weights(self, model: DepthART, valid: Tensor) -> list[Tensor]:  # noqa: ARG002
        """Of the confidence, and of the size: a sample counts where anything of it is known."""
        return [valid, valid.flatten(1).any(1)]

    def pictures(self, model: DepthART, batch: TrainingBatch) -> list[Tensor]:
        """The depth, and what of it is more likely right than wrong."""
        found = model.predict(batch.image)
        assert found.confidence is not None
        return [found.depth, found.depth.where(found.confidence > 0.0, torch.nan)]


def relative_focal_lengths(batch: TrainingBatch) -> Tensor:
    """(B,): as `depthart_core.estimator.relative_focal_length` has them."""
    size = batch.image.shape[-1]
    return (batch.intrinsics[:, 0] * batch.intrinsics[:, 1]).sqrt() / size
