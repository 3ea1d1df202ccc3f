"""Winograd's convolution against the plain one."""

from copy import deepcopy

import pytest
import torch

from depthart_core.config import TokenizerConfig
from depthart_core.tokenizer import Tokenizer
from depthart_core.winograd import WinogradConvolution, use_winograd


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12), (64, 64), (72, 128)])
def test_it_is_the_plain_convolution(height, width):
    generator = torch.Generator().manual_seed(0)
    plain = torch.nn.Conv2d(7, 5, 3, padding=1)
    x = torch.randn(2, 7, height, width, generator=generator)
    torch.testing.assert_close(WinogradConvolution(plain)(x), plain(x), rtol=0.0, atol=1e-5)


def test_channels_first_and_last_give_the_same():
    layer, x = WinogradConvolution(torch.nn.Conv2d(8, 8, 3, padding=1)), torch.randn(1, 8, 16, 16)
    assert torch.equal(layer(x), layer(x.contiguous(memory_format=torch.channels_last)))


def test_a_map_that_tiles_do_not_fill_is_noticed():
    with pytest.raises(AssertionError, match="multiples of 4, got 8x6"):
        WinogradConvolution(torch.nn.Conv2d(8, 8, 3, padding=1))(torch.zeros(1, 8, 8, 6))


def test_an_autoencoder_with_winograds_convolutions_gives_the_same_features_and_pictures():
    config = TokenizerConfig(scale_sizes=(1, 16), channels=128, channel_multipliers=(1, 1, 1), encoder_blocks=1)
    tokenizer = Tokenizer(config).requires_grad_(False)
    quick = deepcopy(tokenizer)
    use_winograd(quick)
    assert sum(isinstance(module, WinogradConvolution) for module in quick.modules()) == 9
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    features = tokenizer.features(picture)
    torch.testing.assert_close(quick.features(picture), features, rtol=0.0, atol=1e-5)
    torch.testing.assert_close(quick.decode(features), tokenizer.decode(features), rtol=0.0, atol=1e-5)


def test_small_maps_and_few_channels_stay_as_they_are(small_config, toy_model):
    for tokenizer in (Tokenizer(small_config.tokenizer), deepcopy(toy_model.tokenizer)):
        before = [type(module) for module in tokenizer.modules()]
        use_winograd(tokenizer)
        assert [type(module) for module in tokenizer.modules()] == before
