"""The residual quantizer against what it is made of."""

import pytest
import torch
from torch.nn import functional

from depthart_core.config import TokenizerConfig
from depthart_core.quantizer import ResidualQuantizer


@pytest.fixture
def quantizer():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = TokenizerConfig(scale_sizes=(1, 2, 3, 6), codebook_size=40, code_channels=5)
        result = ResidualQuantizer(config).requires_grad_(False)
        torch.nn.init.normal_(result.codebook)
    return result


@pytest.fixture
def features():
    return torch.randn(2, 5, 6, 6, generator=torch.Generator().manual_seed(1))


def test_the_nearest_code_is_the_one_at_the_least_distance(quantizer):
    tokens = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(2))
    assert torch.equal(quantizer.nearest(tokens), torch.cdist(tokens, quantizer.codebook[None]).argmin(-1))


def test_a_code_is_nearest_to_itself(quantizer):
    assert torch.equal(quantizer.nearest(quantizer.codebook[None]), torch.arange(40)[None])


def test_f_hat_is_the_sum_of_the_contributions(quantizer, features):
    indices, f_hats = quantizer.quantize(features)
    total = sum(quantizer.contribution(k, quantizer.codes(indices[k])) for k in range(4))
    torch.testing.assert_close(f_hats[-1], total)


def test_each_scale_takes_up_the_rest_that_those_before_left(quantizer, features):
    indices, f_hats = quantizer.quantize(features)
    rest = functional.adaptive_avg_pool2d(features - f_hats[1], 3).flatten(2).transpose(1, 2)
    assert torch.equal(indices[2], torch.cdist(rest, quantizer.codebook[None]).argmin(-1))


def test_under_autocast_the_pyramid_is_that_of_the_same_features_in_float32(quantizer, features):
    halved = features.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = quantizer.quantize(halved)
    plain = quantizer.quantize(halved.float())
    for f_hat, expected in zip(found.f_hats, plain.f_hats, strict=True):
        torch.testing.assert_close(f_hat, expected, rtol=0.0, atol=0.0)
    assert all(map(torch.equal, found.indices, plain.indices))


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_pooling_averages_equal_areas(quantizer, features, size):
    k = quantizer.config.scale_sizes.index(size)
    cell = 6 // size
    plain = features.view(2, 5, size, cell, size, cell).mean((3, 5)).flatten(2).transpose(1, 2)
    torch.testing.assert_close(quantizer.pool(features, k), plain)


def test_a_contribution_mixes_the_upsampled_codes_with_their_convolution(quantizer):
    codes = torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(3))
    maps = functional.interpolate(codes.transpose(1, 2).view(1, 5, 2, 2), size=(6, 6), mode="bicubic")
    phi = quantizer.phi[quantizer.config.phi_indices[1]]
    plain = 0.5 * maps + 0.5 * functional.conv2d(maps, phi.weight, phi.bias, padding=1)
    torch.testing.assert_close(quantizer.contribution(1, codes), plain)


def test_tokens_lie_row_by_row(quantizer):
    codes = torch.zeros(1, 36, 5)
    codes[0, 6 * 1 + 4] = 1.0
    for phi in quantizer.phi:
        phi.weight.zero_()
        phi.bias.zero_()
    assert quantizer.contribution(3, codes)[0, 0].nonzero().tolist() == [[1, 4]]
