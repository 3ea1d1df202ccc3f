"""The model: rollout against the masked forward, image in and depth out."""

import pytest
import torch

from depthart_core.decoding import argmax, decoding, expected
from depthart_core.inference import DECODES
from depthart_core.released import convert_released
from depthart_core.transformer import GrowingCache


@pytest.fixture(scope="module")
def prefix(toy_model, image):
    return toy_model.prefix(image)


@pytest.fixture
def small_model(small_config, small_released, tmp_path):
    path = tmp_path / "small.pth"
    torch.save(small_released, path)
    return convert_released(path, config=small_config)


def rollout_equals_masked_forward(model, prefix):
    steps = list(model.rollout(prefix))
    masked = model.logits(prefix, [step.f_hat for step in steps[:-1]])
    torch.testing.assert_close(torch.cat([step.logits for step in steps], dim=1), masked, rtol=1e-4, atol=1e-4)


def test_cached_rollout_equals_masked_forward(toy_model, prefix):
    rollout_equals_masked_forward(toy_model, prefix)


def test_cached_rollout_equals_masked_forward_behind_a_tokenizer_prefix(small_model):
    image = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    rollout_equals_masked_forward(small_model, small_model.prefix(image))


def test_each_scale_adds_its_contribution(toy_model, prefix):
    quantizer, f_hat = toy_model.tokenizer.quantizer, torch.zeros(2, 8, 4, 4)
    for step in toy_model.rollout(prefix, argmax):
        f_hat = f_hat + quantizer.contribution(step.k, argmax(step.logits, quantizer.codebook))
        torch.testing.assert_close(step.f_hat, f_hat)


def test_a_shortened_rollout_is_the_beginning_of_the_whole_one(toy_model, prefix):
    whole, short = list(toy_model.rollout(prefix)), list(toy_model.rollout(prefix, max_scales=2))
    assert len(short) == 2
    assert torch.equal(short[1].f_hat, whole[1].f_hat)


def test_a_growing_cache_gives_the_same_rollout(toy_model, prefix):
    plain, grown = (list(toy_model.rollout(prefix, cache=cache))[-1].f_hat for cache in (None, GrowingCache()))
    torch.testing.assert_close(grown, plain, rtol=1e-6, atol=1e-6)


def test_forward_is_prefix_rollout_and_decoder_in_a_row(toy_model, image, prefix):
    *_, last = toy_model.rollout(prefix, expected)
    torch.testing.assert_close(
        toy_model(image), toy_model.tokenizer.decode(last.f_hat, prefix.guidance).clamp(-1.0, 1.0)
    )


def test_depth_depends_on_the_image_and_on_the_tokens(toy_model, image, prefix):
    depth = toy_model(image)
    assert (depth[0] - depth[1]).abs().max() > 0.01
    *_, last = toy_model.rollout(prefix)
    nothing = toy_model.decode(torch.zeros_like(last.f_hat), prefix)
    assert (toy_model.decode(last.f_hat, prefix) - nothing).abs().max() > 0.01


def test_a_batch_gives_what_its_images_give_alone(toy_model, image):
    alone = torch.cat([toy_model(image[:1]), toy_model(image[1:])])
    torch.testing.assert_close(toy_model(image), alone, rtol=1e-4, atol=1e-4)


def test_depth_stays_in_range_and_has_one_channel(small_model):
    depth = small_model(torch.rand(1, 3, 16, 16) * 2.0 - 1.0)
    assert depth.shape == (1, 1, 16, 16)
    assert depth.abs().max() <= 1.0


def test_channels_are_clipped_before_their_mean(small_model):
    small_model.tokenizer.decoder.output[-1].bias += torch.tensor([5.0, 0.0, -5.0])
    image = torch.rand(1, 3, 16, 16) * 2.0 - 1.0
    prefix = small_model.prefix(image)
    *_, last = small_model.rollout(prefix)
    red, green, blue = small_model.tokenizer.decode(last.f_hat)[0].clamp(-1.0, 1.0)
    torch.testing.assert_close(small_model(image)[0, 0], (red + green + blue) / 3.0)


def test_an_image_of_another_size_is_noticed(toy_model):
    with pytest.raises(AssertionError, match=r"expected \(B, 3, 64, 64\), got \(1, 3, 64, 32\)"):
        toy_model.prefix(torch.zeros(1, 3, 64, 32))


def test_under_autocast_the_rollout_stays_close(toy_model, image):
    with torch.autocast("cpu", torch.bfloat16):
        prefix = toy_model.prefix(image)
        first, *_ = toy_model.rollout(prefix)
    plain, *_ = toy_model.rollout(toy_model.prefix(image))
    assert first.logits.dtype == torch.bfloat16
    torch.testing.assert_close(first.logits.float(), plain.logits, rtol=0.1, atol=0.2)


@pytest.mark.parametrize("name", DECODES)
def test_under_autocast_f_hat_is_that_of_the_logits_in_float32(toy_model, image, name):
    quantizer, plainly = toy_model.tokenizer.quantizer, decoding(name, seed=3)
    with torch.autocast("cpu", torch.bfloat16):
        steps = list(toy_model.rollout(toy_model.prefix(image), decoding(name, seed=3)))
    f_hat = 0.0
    for step in steps:
        f_hat = f_hat + quantizer.contribution(step.k, plainly(step.logits, quantizer.codebook))
        torch.testing.assert_close(step.f_hat, f_hat)
