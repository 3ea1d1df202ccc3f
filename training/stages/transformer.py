"""The transformer stage: predicting the tokens of depth from the image."""

from __future__ import annotations

from torch import Tensor, nn

from depthart_core.decoding import decoding
from depthart_core.efficientnet import FINE
from depthart_core.model import DepthART
from depthart_core.objective import Known, LossWeights, known_shares, loss
from training.settings import StageSettings
from training.stages.stage import Part, Scalars, TrainingBatch, few_scales


class TransformerStage:
    """Transformer, image tokens and (with the pixel term) decoder; encoder, codes and fine image features stay."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings
        self.term_weights = LossWeights(settings.last_scale_weight, settings.pixel_weight)
        self.memory: Scalars = {}

    def groups(self, model: DepthART) -> list[tuple[list[nn.Parameter], float]]:
        """Everything but the tokenizer and the fine features."""
        own = [*model.transformer.parameters(), *model.embed.parameters(), model.start, model.position]
        decoder = [*model.tokenizer.decoder.parameters(), *model.tokenizer.post_quant_conv.parameters()]
        groups = [(own, 1.0)]
        if self.settings.train_decoder:
            groups.append((decoder, self.settings.backbone_factor))
        if model.image is not None:
            backbone = list(model.image.backbone.stages[FINE:].parameters())
            inside = {id(parameter) for parameter in model.image.backbone.parameters()}
            own.extend(p for p in model.image.parameters() if id(p) not in inside)
            groups.append((backbone, self.settings.backbone_factor))
        return groups

    def loss(self, model: DepthART, batch: TrainingBatch, part: Part) -> tuple[Tensor, Scalars]:
        """The objective of depthart_core.objective."""
        fewer = len(model.config.tokenizer.scale_sizes) - 1
        result = loss(
            model,
            batch.image,
            batch.depth,
            objective=self.settings.objective,
            decoding=decoding(self.settings.rollout, seed=part.seed, device=str(batch.image.device)),
            weights=self.term_weights,
            coarse=few_scales(fewer, part.step) if self.settings.train_decoder else None,
            sums=part.sums,
        )
        return result.total, {name: value for name, value in result._asdict().items() if name != "total"}

    def weights(self, model: DepthART, valid: Tensor) -> Known:
        """Of the tokens, of the last f_hat, and of the decoded depth."""
        return known_shares(model.config, valid, self.settings.objective)

    def pictures(self, model: DepthART, batch: TrainingBatch) -> list[Tensor]:
        """The depth that is predicted with the first scales."""
        prefix = model.prefix(batch.image)
        return [model.decode(step.f_hat, prefix) for step in model.rollout(prefix)]
