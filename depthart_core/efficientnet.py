"""EfficientNet-Lite0 features, with every batch normalisation folded into its convolution.

Source: the EfficientNet-Lite family (Google, 2020): EfficientNet (arXiv 1905.11946) without squeeze-and-excitation
and with ReLU6.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from depthart_core.autocasting import without_autocast

STEM_CHANNELS = 32
# expansion, kernel, stride, output channels, repeats
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
FINE = 3
"""Stages up to stride 8: their outputs guide the decoder and stay as ImageNet left them."""
GUIDANCE_CHANNELS = (40, 24, 16)
"""Channels of the features at strides 8, 4 and 2."""
COARSE_CHANNELS = (112, 320)
"""Channels of the features at strides 16 and 32."""


class Convolution(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME": with stride 2 on an even side the odd pixel goes to the end.

    The ImageNet weights were trained so; padding both ends alike would shift every level by half a pixel.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / stride, W / stride), H and W even."""
        total = self.kernel_size[0] - 2
        if self.stride[0] == 2:
            x = functional.pad(x, (total // 2, total - total // 2, total // 2, total - total // 2))
        if self.groups == 1 or x.device.type != "cpu":
            return super().forward(x)
        with without_autocast("cpu"):  # bf16 there: the gradient of a 5x5 filter takes 5 times as long
            return super().forward(x.to(self.weight.dtype))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; a shortcut where shapes allow."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [Convolution(inputs, hidden, 1), nn.ReLU6(inplace=True)] if expansion != 1 else []
        depthwise = [Convolution(hidden, hidden, kernel, stride=stride, groups=hidden), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*expand, *depthwise, Convolution(hidden, outputs, 1))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / stride, W / stride)."""
        y: Tensor = self.layers(x)
        return y.add_(x) if self.shortcut else y


def stages() -> nn.ModuleList:
    """The seven stages after the stem."""
    result, inputs = nn.ModuleList(), STEM_CHANNELS
    for expansion, kernel, stride, outputs, repeats in STAGES:
        blocks = []
        for i in range(repeats):
            step = stride if i == 0 else 1
            blocks.append(InvertedResidual(inputs, outputs, kernel=kernel, stride=step, expansion=expansion))
            inputs = outputs
        result.append(nn.Sequential(*blocks))
    return result


class EfficientNetLite0(nn.Module):
    """Pictures (B, 3, S, S) in [-1, 1] -> features at strides 2, 4, 8 (fine) and 16, 32 (coarse)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Convolution(3, STEM_CHANNELS, 3, stride=2), nn.ReLU6(inplace=True))
        self.stages = stages()

    def fine(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features at strides 2, 4 and 8: (B, 16, S / 2, S / 2), (B, 24, S / 4, S / 4) and (B, 40, S / 8, S / 8)."""
        stride2 = self.stages[0](self.stem(x))
        stride4 = self.stages[1](stride2)
        return stride2, stride4, self.stages[2](stride4)

    def coarse(self, stride8: Tensor) -> tuple[Tensor, Tensor]:
        """At strides 16 and 32: (B, 40, S / 8, S / 8) -> (B, 112, S / 16, S / 16), (B, 320, S / 32, S / 32)."""
        stride16 = self.stages[4](self.stages[3](stride8))
        return stride16, self.stages[6](self.stages[5](stride16))
