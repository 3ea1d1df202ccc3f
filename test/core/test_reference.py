"""Every stage against the outputs recorded from the released implementation."""

import pytest
import torch

from depthart_core.checkpoint import read_tensors
from depthart_core.decoding import argmax
from depthart_core.released import convert_released
from depthart_core.released_config import read_released_config

TOLERANCE = {"rtol": 0.0, "atol": 1e-4}
SCALES = range(10)


@pytest.fixture(scope="module")
def expected(reference):
    return read_tensors(reference / "tiny_expected.safetensors")[1]


@pytest.fixture(scope="module")
def model(reference):
    config = read_released_config(reference / "tiny_config.json")
    return convert_released(reference / "tiny_released_layout.safetensors", config=config)


@pytest.fixture(scope="module")
def image(expected):
    return expected["image"] * 2.0 - 1.0


@pytest.fixture(scope="module")
def quantized_image(model, image):
    return model.tokenizer.quantizer.quantize(model.tokenizer.features(image))


@pytest.fixture(scope="module")
def prefix(model, image):
    return model.prefix(image)


@pytest.fixture(scope="module")
def steps(model, prefix):
    return list(model.rollout(prefix, argmax))


def test_the_image_goes_through_the_tokenizer_as_in_the_reference(quantized_image, expected):
    for k in SCALES:
        torch.testing.assert_close(quantized_image.f_hats[k], expected[f"image_f_hat.{k}"], **TOLERANCE)


def test_the_image_has_the_tokens_of_the_reference(quantized_image, expected):
    assert [quantized_image.indices[k].tolist() for k in SCALES] == [
        expected[f"image_indices.{k}"].tolist() for k in SCALES
    ]


def test_the_prefix_is_that_of_the_reference(prefix, expected):
    torch.testing.assert_close(prefix.tokens, expected["prefix_tokens"], **TOLERANCE)


@pytest.mark.parametrize("k", range(7))
def test_the_logits_of_a_scale_are_those_of_the_reference(steps, expected, k):
    torch.testing.assert_close(steps[k].logits, expected[f"logits.{k}"], **TOLERANCE)


def test_the_rollout_chooses_the_tokens_of_the_reference(steps, expected):
    assert [step.logits.argmax(-1).tolist() for step in steps] == [expected[f"indices.{k}"].tolist() for k in SCALES]


def test_the_decoded_picture_is_that_of_the_reference(model, steps, prefix, expected):
    picture = (model.tokenizer.decode(steps[-1].f_hat).clamp(-1.0, 1.0) + 1.0) / 2.0
    torch.testing.assert_close(picture, expected["decoded_rgb"], **TOLERANCE)


def test_image_to_depth_in_one_call_is_that_of_the_reference(model, image, expected):
    with torch.inference_mode():
        depth = (model.predict(image, argmax).depth + 1.0) / 2.0
    torch.testing.assert_close(depth, expected["depth"], **TOLERANCE)


def test_a_depth_map_has_the_tokens_of_the_reference(model, expected):
    indices = model.tokenizer.quantizer.quantize(model.tokenizer.features(expected["depth_in"])).indices
    assert [indices[k].tolist() for k in SCALES] == [expected[f"depth_indices.{k}"].tolist() for k in SCALES]
