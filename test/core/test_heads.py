"""Confidence and size: what the heads are fed with, and how their answers reach the user."""

import math

import numpy as np
import pytest
import torch

from depthart_core import BackendError, DepthEstimator, Intrinsics, ScaleGuess
from depthart_core.checkpoint import load_model
from depthart_core.estimator import RelativeDepth, relative_focal_length
from depthart_core.heads import ConfidenceHead, SizeHead, certainty
from depthart_core.normalize import denormalize, normalize_image

CAMERA = Intrinsics(640, 480, 500.0, 510.0, 319.5, 239.5)


@pytest.fixture(scope="module")
def codebook():
    return torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def test_a_uniform_distribution_has_the_variance_of_the_codebook_and_entropy_1(codebook):
    variance, entropy = certainty(torch.zeros(1, 4, 6), codebook)[0]
    torch.testing.assert_close(variance, codebook.var(0, unbiased=False).sum().log().expand(2, 2))
    torch.testing.assert_close(entropy, torch.ones(2, 2))


def test_a_certain_token_has_no_entropy_and_hardly_any_variance(codebook):
    logits = torch.full((1, 1, 6), -1e4).index_fill(2, torch.tensor([2]), 1e4)
    variance, entropy = certainty(logits, codebook)[0]
    assert entropy.item() == 0.0
    assert variance.item() == pytest.approx(math.log(1e-6), abs=0.5)


def test_autocast_changes_nothing_of_what_a_sure_token_says():
    generator = torch.Generator().manual_seed(0)
    logits, codes = 20 * torch.randn(1, 16, 64, generator=generator), torch.randn(64, 8, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        found = certainty(logits, codes)
    torch.testing.assert_close(found, certainty(logits, codes))


def test_tokens_keep_their_place_in_the_maps(codebook):
    logits = torch.zeros(1, 9, 6)
    logits[0, 5, 0] = 50.0  # row 1, column 2
    entropy = certainty(logits, codebook)[0, 1]
    assert (entropy < 0.5).nonzero().tolist() == [[1, 2]]


def test_the_size_does_not_depend_on_the_order_of_the_tokens():
    torch.manual_seed(0)
    head, tokens = SizeHead(16), torch.randn(2, 9, 16)
    torch.testing.assert_close(head(tokens[:, torch.randperm(9)]), head(tokens))
    assert head(tokens).shape == (2, 2)


def test_confidence_has_the_size_of_the_depth_after_any_number_of_scales():
    torch.manual_seed(0)
    head, depth = ConfidenceHead(3, 4), torch.rand(1, 1, 32, 32)
    maps = [torch.randn(1, 2, size, size) for size in (1, 2, 4)]
    results = [head(maps[:count], depth) for count in (1, 2, 3)]
    assert {tuple(result.shape) for result in results} == {(1, 1, 32, 32)}
    assert not torch.equal(results[0], results[2])


def test_heads_leave_the_depth_as_it_is(toy_heads_path, toy_model):
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        found = load_model(toy_heads_path).predict(image)
        torch.testing.assert_close(found.depth, toy_model(image))
        assert toy_model.predict(image).confidence is None


def test_confidence_is_a_probability_for_every_pixel_of_the_picture(toy_heads_path, some_picture):
    depth = DepthEstimator.load(toy_heads_path)(some_picture())
    assert (depth.confidence.shape, depth.confidence.dtype) == ((48, 70), np.float32)
    assert 0.0 <= depth.confidence.min() < depth.confidence.max() <= 1.0


def test_the_guess_grows_with_the_focal_length_and_not_with_the_number_of_pixels(toy_heads_path, some_picture):
    depth = DepthEstimator.load(toy_heads_path)(some_picture())
    guess = depth.guess_scale(CAMERA)
    longer = depth.guess_scale(Intrinsics(640, 480, 1000.0, 1020.0, 319.5, 239.5))
    assert longer.metres_per_unit == pytest.approx(2 * guess.metres_per_unit)
    assert depth.guess_scale(CAMERA.scaled(320, 480)) == pytest.approx(guess)
    assert guess.relative_error > 0


def test_the_focal_length_of_a_90_degree_square_camera_is_half_its_picture():
    assert relative_focal_length(Intrinsics(100, 100, 50.0, 50.0, 49.5, 49.5)) == 0.5


def test_a_model_without_heads_makes_no_guess(toy_model_path, some_picture):
    depth = DepthEstimator.load(toy_model_path)(some_picture())
    assert depth.confidence is None
    assert depth.guess_scale(CAMERA) is None


def test_the_canonical_guess_is_for_a_camera_of_focal_length_1():
    depth = RelativeDepth(np.ones((2, 2), np.float32), canonical=ScaleGuess(3.0, 0.2))
    assert depth.guess_scale(Intrinsics(10, 10, 10.0, 10.0, 4.5, 4.5)) == ScaleGuess(3.0, 0.2)


def test_fewer_scales_give_what_the_model_gives_after_them(toy_model_path, toy_model, some_picture):
    image = normalize_image(torch.from_numpy(some_picture(64, 64))).permute(2, 0, 1)[None]
    found = [DepthEstimator.load(toy_model_path, max_scales=n)(some_picture(64, 64)).values for n in (1, 2, 3)]
    for scales, depth in enumerate(found, 1):
        expected = denormalize(toy_model.predict(image, max_scales=scales).depth, toy_model.config)[0, 0]
        np.testing.assert_allclose(depth, expected, rtol=1e-4)
    assert not np.allclose(found[0], found[1], rtol=1e-2)
    assert not np.allclose(found[1], found[2], rtol=1e-2)


@pytest.mark.parametrize("count", [0, -1, 4])
def test_a_number_of_scales_that_the_model_has_not_is_refused(toy_model_path, count):
    with pytest.raises(BackendError, match=f"max_scales must be 1 to 3.* got {count}"):
        DepthEstimator.load(toy_model_path, max_scales=count)


@pytest.mark.parametrize(("size", "error"), [(math.nan, 0.0), (0.0, math.nan), (800.0, 0.0), (-math.inf, 0.0)])
def test_a_guess_that_makes_no_sense_is_an_error_of_the_backend(size, error):
    with pytest.raises(BackendError, match="guess of the scale makes no sense"):
        ScaleGuess.of_logarithms(size, error)
