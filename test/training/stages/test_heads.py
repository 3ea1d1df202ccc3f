"""The heads learn from the model's own errors and leave the rest of it alone."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from depthart_core.checkpoint import load_model
from depthart_core.errors import ConfigError
from depthart_core.normalize import denormalize
from training.settings import StageSettings
from training.stages.heads import HeadsStage
from training.stages.stage import Part, TrainingBatch, few_scales
from training.stages.table import make_stage

SETTINGS = StageSettings(steps=10, batch_size=2, learning_rate=1e-3)


@pytest.fixture
def model(toy_heads_path):
    return load_model(toy_heads_path)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    metres = torch.rand(2, 1, 64, 64, generator=generator) * 4 + 0.5
    metres[:, :, :8] = torch.nan
    image = torch.rand(2, 3, 64, 64, generator=generator) * 2 - 1
    camera = torch.tensor([50.0, 50.0, 31.5, 31.5]).expand(2, 4)
    return TrainingBatch(image, metres, metres, camera)


def losses(model, batch):
    with torch.no_grad():
        return {name: float(value) for name, value in HeadsStage(SETTINGS).loss(model, batch, Part(0))[1].items()}


def test_only_the_heads_are_trained(model):
    ((parameters, factor),) = make_stage("heads", SETTINGS).groups(model)
    names = {name for name, value in model.named_parameters() if any(value is one for one in parameters)}
    assert factor == 1.0
    assert names == {name for name, _ in model.named_parameters() if "head." in name and not name.startswith("trans")}


def test_a_model_without_heads_is_refused(toy_model):
    with pytest.raises(ConfigError, match="needs a model with"):
        HeadsStage(SETTINGS).groups(toy_model)


def test_a_scene_twice_as_large_asks_for_twice_the_size(model, batch):
    larger = replace(batch, metres=2 * batch.metres)
    before = losses(model, batch)
    model.size_head.mlp[-1].bias[0] += math.log(2)
    after = losses(model, larger)
    assert after == pytest.approx(before, abs=1e-4)


def test_a_focal_length_twice_as_long_asks_for_half_the_size(model, batch):
    longer = replace(batch, intrinsics=2 * batch.intrinsics)
    before = losses(model, batch)
    model.size_head.mlp[-1].bias[0] -= math.log(2)
    assert losses(model, longer) == pytest.approx(before, abs=1e-4)


def test_unknown_pixels_do_not_count(model, batch):
    fewer = replace(batch, metres=batch.metres.clone())
    fewer.metres[:, :, 32:] = torch.nan
    assert all(math.isfinite(value) for value in losses(model, fewer).values())
    assert losses(model, fewer)["confidence"] != losses(model, batch)["confidence"]


def gradients(model, batch):
    """Loss and gradients of the heads, one after the other."""
    stage = HeadsStage(SETTINGS)
    ((parameters, _),) = stage.groups(model)
    heads = [parameter.requires_grad_(True) for parameter in parameters]
    total, _ = stage.loss(model, batch, Part(0))
    return total.detach(), torch.cat([part.flatten() for part in torch.autograd.grad(total, heads)])


def test_a_picture_without_any_known_depth_teaches_nothing(model, batch):
    blind = replace(batch, metres=batch.metres.clone())
    blind.metres[1] = torch.nan
    alone = TrainingBatch(**{name: value[:1] for name, value in vars(batch).items()})
    for ours, theirs in zip(gradients(model, blind), gradients(model, alone), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_batch_without_any_known_depth_is_no_error(model, batch):
    total, gradient = gradients(model, replace(batch, metres=torch.full_like(batch.metres, torch.nan)))
    assert total == 0
    assert not gradient.any()


def test_confidence_after_few_scales_is_learnt_in_some_steps(model, batch):
    stage = HeadsStage(SETTINGS)
    asked = {step: few_scales(2, step) for step in range(12)}
    assert {1, 2, None} == set(asked.values())
    assert {few_scales(0, step) for step in range(12)} == {None}, "of a model with one scale"
    for step, scales in asked.items():
        with torch.no_grad():
            found = model.predict(batch.image, max_scales=scales)
            ratio = batch.metres.log() - denormalize(found.depth, model.config).log()
            middle = torch.nanmedian(ratio.flatten(1), dim=1).values.view(-1, 1, 1, 1)
            right = ((ratio - middle).abs() < math.log(1.25)).float()[ratio.isfinite()]
            confidence = functional.binary_cross_entropy_with_logits(found.confidence[ratio.isfinite()], right)
            torch.testing.assert_close(stage.loss(model, batch, Part(step))[1]["confidence"], confidence)


def test_the_heads_learn_a_batch_by_heart(model, batch):
    stage = HeadsStage(SETTINGS)
    ((parameters, _),) = stage.groups(model)
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    before = losses(model, batch)
    for step in range(40):
        total, _ = stage.loss(model, batch, Part(step))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    after = losses(model, batch)
    assert after["missed"] < 0.3 * before["missed"]
    assert after["confidence"] < before["confidence"]
    assert after["right"] == before["right"]
