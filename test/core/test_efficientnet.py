"""EfficientNet-Lite0: shapes at every stride and TensorFlow's padding."""

import pytest
import torch
from torch.nn import functional

from depthart_core.efficientnet import COARSE_CHANNELS, GUIDANCE_CHANNELS, Convolution, EfficientNetLite0


@pytest.fixture(scope="module")
def network():
    return EfficientNetLite0().eval().requires_grad_(False)


def test_features_have_their_channels_and_strides(network):
    fine = network.fine(torch.zeros(1, 3, 96, 64))
    coarse = network.coarse(fine[-1])
    channels = (*reversed(GUIDANCE_CHANNELS), *COARSE_CHANNELS)
    shapes = [(1, c, 96 // stride, 64 // stride) for c, stride in zip(channels, (2, 4, 8, 16, 32), strict=True)]
    assert [tuple(features.shape) for features in (*fine, *coarse)] == shapes


def test_it_has_the_parameters_of_lite0_without_head(network):
    """4.652 million with the 1000-class head: less its 320 x 1280 convolution and its 1280 x 1000 layer."""
    head = 320 * 1280 + 2 * 1280 + 1281 * 1000
    norms = sum(m.out_channels for m in network.modules() if isinstance(m, torch.nn.Conv2d))
    assert sum(p.numel() for p in network.parameters()) + norms + head == 4_652_008


def test_it_runs_in_bfloat16_throughout():
    network = EfficientNetLite0().eval().requires_grad_(False).to(torch.bfloat16)
    *_, stride8 = network.fine(torch.zeros(1, 3, 64, 64, dtype=torch.bfloat16))
    assert {features.dtype for features in network.coarse(stride8)} == {torch.bfloat16}


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_padding_is_that_of_tensorflow(kernel, stride):
    convolution = Convolution(2, 4, kernel, stride=stride)
    x = torch.randn(1, 2, 12, 8)
    total = kernel - stride
    before, after = total // 2, total - total // 2
    padded = functional.pad(x, (before, after, before, after))
    plain = functional.conv2d(padded, convolution.weight, convolution.bias, stride=stride)
    torch.testing.assert_close(convolution(x), plain)
