"""The discriminative baseline at toy size."""

import dataclasses

import pytest
import torch

from depthart_core.errors import ConfigError
from training.settings import StageSettings
from training.stages.regressor import Regressor, RegressorStage, trunk_blocks
from training.stages.stage import Part, TrainingBatch

SETTINGS = StageSettings(steps=2, batch_size=2, learning_rate=1e-3)


@pytest.fixture
def regressor(toy_config):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Regressor(toy_config).eval()


def batch_of(image, depth):
    camera = torch.tensor([[64.0, 64.0, 32.0, 32.0]]).expand(len(image), 4)
    return TrainingBatch(image, depth, depth.exp(), camera)


def test_one_pass_gives_depth_at_the_size_of_the_picture(regressor):
    assert regressor(torch.zeros(2, 3, 64, 64)).shape == (2, 1, 64, 64)


def test_trunk_and_transformer_are_about_equally_large(toy_config):
    transformer = dataclasses.replace(toy_config.transformer, width=64, blocks=8, mlp_ratio=4)
    config = dataclasses.replace(toy_config, transformer=transformer)
    weights = 8 * 12 * 64 * 64 + 64 * 64
    assert trunk_blocks(config) * 18 * 64 * 64 == pytest.approx(weights, rel=0.1)


def test_the_loss_is_the_mean_absolute_error_where_depth_is_known(regressor):
    image = torch.randn(2, 3, 64, 64)
    predicted = regressor(image).detach()
    depth = predicted + 0.25
    depth[1, :, :32] = torch.nan
    loss, scalars = RegressorStage(SETTINGS).loss(regressor, batch_of(image, depth), Part(0))
    assert loss.item() == pytest.approx(0.25, rel=1e-4)
    assert scalars["pixel"].item() == loss.item()


def test_everything_but_the_fine_image_features_learns(regressor):
    trained = {id(p) for parameters, _ in RegressorStage(SETTINGS).groups(regressor) for p in parameters}
    still = [name for name, parameter in regressor.named_parameters() if id(parameter) not in trained]
    fine = ("image.backbone.stem", "image.backbone.stages.0", "image.backbone.stages.1", "image.backbone.stages.2")
    assert still
    assert all(name.startswith((*fine, "image.position")) for name in still)


def test_no_parameter_is_in_two_groups(regressor):
    ids = [id(p) for parameters, _ in RegressorStage(SETTINGS).groups(regressor) for p in parameters]
    assert len(ids) == len(set(ids))


def test_a_model_without_image_features_has_no_regressor_beside_it():
    from depthart_core.config import ModelConfig

    with pytest.raises(ConfigError, match="efficientnet_lite0"):
        Regressor(ModelConfig())
