"""Depth in metres to [-1, 1] and back."""

import pytest
import torch

from depthart_core.config import ModelConfig
from depthart_core.normalize import denormalize, fill_unknown, normalize

LINEAR, LOG = ModelConfig(normalization="linear"), ModelConfig(normalization="log", log_range=10.0)
BOTH = pytest.mark.parametrize("config", [LINEAR, LOG], ids=["linear", "log"])


@pytest.fixture
def depth():
    return torch.rand(2, 1, 12, 16, generator=torch.Generator().manual_seed(0)) * 4.0 + 0.5


@BOTH
def test_one_factor_on_the_depth_changes_nothing(depth, config):
    torch.testing.assert_close(normalize(depth * 7.0, config), normalize(depth, config))


@BOTH
def test_relative_depth_is_the_depth_up_to_one_factor_a_picture(depth, config):
    relative = denormalize(normalize(depth, config), config)
    near = depth < depth.flatten(1).quantile(0.97, dim=1).view(2, 1, 1, 1)
    for picture, truth, mask in zip(relative, depth, near, strict=True):
        ratios = (picture / truth)[mask]
        torch.testing.assert_close(ratios, ratios[0].expand_as(ratios), rtol=1e-4, atol=0.0)


def test_linear_saturates_beyond_the_98th_percentile(depth):
    quantile = depth[0].quantile(0.98)
    normalized = normalize(depth, LINEAR)[0]
    assert torch.equal(normalized == 1.0, depth[0] >= quantile)
    torch.testing.assert_close(normalized[depth[0] < quantile], (depth[0] / quantile * 2 - 1)[depth[0] < quantile])


def test_log_maps_the_geometric_mean_to_the_middle_and_the_range_to_the_ends():
    depth = torch.tensor([1.0, 10.0, 100.0, 0.01 * 1e3]).view(1, 1, 2, 2)
    torch.testing.assert_close(normalize(depth, LOG).flatten(), torch.tensor([-1.0, 0.0, 1.0, 0.0]))


@BOTH
def test_pixels_without_depth_become_the_middle_and_do_not_count(depth, config):
    holes = depth.clone()
    holes[:, :, 0, :4] = torch.tensor([0.0, -1.0, torch.nan, torch.inf])
    normalized = normalize(holes, config)
    assert torch.equal(normalized[:, :, 0, :4], torch.zeros(2, 1, 4))
    alone = normalize(depth[:, :, 1:], config)
    torch.testing.assert_close(normalized[:, :, 1:], alone, rtol=0.0, atol=0.05)


@BOTH
def test_a_picture_without_any_depth_becomes_the_middle(config):
    assert not normalize(torch.full((1, 1, 4, 4), torch.nan), config).any()


def test_unknown_pixels_get_what_is_known_around_them_and_known_ones_stay():
    depth = torch.linspace(-0.9, 0.9, 40).view(1, 1, 1, 40).repeat(2, 1, 30, 1)
    holes = depth.clone()
    holes[0, 0, 5:25, 8:30] = torch.nan
    filled = fill_unknown(holes)
    known = torch.isfinite(holes)
    assert torch.equal(filled[known], holes[known])
    assert (filled - depth).abs().max() < 0.5  # 22 columns of the ramp are 1.0
    assert (filled[0, 0, 15, 9] - depth[0, 0, 15, 9]).abs() < 0.15
    assert not fill_unknown(torch.full((1, 1, 3, 5), torch.nan)).any()


@BOTH
def test_relative_depth_is_above_zero_everywhere(config):
    assert (denormalize(torch.tensor([-1.0, 0.0, 1.0]), config) > 0.0).all()


@BOTH
def test_the_input_is_left_as_it_is(depth, config):
    before = depth.clone()
    normalize(depth, config)
    assert torch.equal(depth, before)
