"""The discriminative baseline: depth in one pass from the same image features, without tokens or scales."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from depthart_core.autoencoder import GuidedDecoder, PlainBlock
from depthart_core.config import ModelConfig
from depthart_core.efficientnet import FINE
from depthart_core.errors import ConfigError
from depthart_core.objective import weighted_mean
from depthart_core.prefix import EfficientNetPrefix
from training.settings import StageSettings
from training.stages.stage import Part, Scalars, TrainingBatch


class Regressor(nn.Module):
    """What DepthART sees of the image, a convolutional trunk as large as its transformer, and its guided decoder.

    Args:
        config: Of the DepthART model that it is compared with.

    Raises:
        ConfigError: That model has another image network or decoder.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        check_config(config)
        width = config.transformer.width
        self.config = config
        self.image = EfficientNetPrefix(width, config.tokenizer.feature_size)
        self.trunk = nn.Sequential(*(PlainBlock(width) for _ in range(trunk_blocks(config))))
        fed_by_trunk = dataclasses.replace(config.tokenizer, code_channels=width)
        self.decoder = GuidedDecoder(fed_by_trunk)

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, 3, S, S) in [-1, 1] -> normalised depth (B, 1, S, S), not clipped."""
        prefix = self.image(image)
        result: Tensor = self.decoder(self.trunk(prefix.aligned), prefix.guidance).mean(1, keepdim=True)
        return result


def check_config(config: ModelConfig) -> None:
    """Refuse a model that the regressor cannot be compared with.

    Raises:
        ConfigError: It has another image network or decoder.
    """
    if config.prefix != "efficientnet_lite0" or config.tokenizer.decoder != "guided":
        got = f"prefix {config.prefix!r} and decoder {config.tokenizer.decoder!r}"
        raise ConfigError(f"the regressor needs prefix 'efficientnet_lite0' and decoder 'guided', got {got}")


def trunk_blocks(config: ModelConfig) -> int:
    """Residual blocks whose parameters come nearest to those of the transformer; at least one."""
    transformer, width = config.transformer, config.transformer.width
    per_block = (4 + 2 * transformer.mlp_ratio) * width
    weights = width * (transformer.blocks * per_block + config.tokenizer.codebook_size)
    return max(1, round(weights / (2 * 9 * width * width)))


class RegressorStage:
    """Masked absolute error of normalised depth, and nothing else; the fine image features stay as they are."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings
        self.memory: Scalars = {}

    def groups(self, model: Regressor) -> list[tuple[list[nn.Parameter], float]]:
        """Projections and trunk at the full rate; decoder and coarse image features, which are trained, slower."""
        coarse = list(model.image.backbone.stages[FINE:].parameters())
        projections = [model.image.fine_proj, model.image.coarse_proj, model.image.norm, model.trunk]
        own = [parameter for module in projections for parameter in module.parameters()]
        own += model.decoder.conv_in.parameters()
        fresh = {id(parameter) for parameter in own}
        decoder = [parameter for parameter in model.decoder.parameters() if id(parameter) not in fresh]
        return [(own, 1.0), ([*coarse, *decoder], self.settings.backbone_factor)]

    def loss(self, model: Regressor, batch: TrainingBatch, part: Part) -> tuple[Tensor, Scalars]:
        """The same for every step."""
        valid = torch.isfinite(batch.depth)
        [total] = part.totals(self.weights(model, valid))
        pixel = weighted_mean((model(batch.image) - batch.depth.nan_to_num(0.0)).abs(), valid, total)
        return pixel, {"pixel": pixel}

    def weights(self, model: Regressor, valid: Tensor) -> list[Tensor]:  # noqa: ARG002
        """Of the one term there is."""
        return [valid]

    def pictures(self, model: Regressor, batch: TrainingBatch) -> list[Tensor]:
        """The one depth map there is."""
        return [model(batch.image)]
