"""Convolutional encoder and decoder of the tokenizer (the VQ-VAE of VAR, arXiv 2404.02905)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from depthart_core.config import TokenizerConfig
from depthart_core.efficientnet import GUIDANCE_CHANNELS
from depthart_core.initialization import draw_normal


def group_norm(channels: int) -> nn.GroupNorm:
    """The one normalisation used here: 32 groups, eps 1e-6."""
    return nn.GroupNorm(32, channels, eps=1e-6)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (B, in, H, W) -> (B, out, H, W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = group_norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = group_norm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        # In place what no one else sees: a fresh map of 256x256 pixels costs more than the arithmetic on it.
        y = self.conv1(functional.silu(self.norm1(x), inplace=True))
        y = self.conv2(functional.silu(self.norm2(y), inplace=True))
        result: Tensor = y.add_(self.shortcut(x))
        return result


class SpatialAttention(nn.Module):
    """Single-head self-attention over all pixels of (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply attention beside a shortcut."""
        # The one head has its axis (B, 1, L, C): the ONNX exporter knows attention in four dimensions alone.
        q, k, v = self.qkv(self.norm(x)).flatten(2).transpose(1, 2).unsqueeze(1).chunk(3, dim=-1)
        y = functional.scaled_dot_product_attention(q, k, v)
        result: Tensor = x + self.proj(y.transpose(2, 3).reshape(x.shape))
        return result


class Level(nn.Module):
    """Residual blocks of one resolution, each followed by attention where there is any."""

    def __init__(self, inputs: int, outputs: int, *, blocks: int, attention: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(inputs if i == 0 else outputs, outputs) for i in range(blocks))
        self.attentions = nn.ModuleList(
            SpatialAttention(outputs) if attention else nn.Identity() for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the blocks in order."""
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x = attention(block(x))
        return x


def middle(channels: int, *, attention: bool) -> nn.Sequential:
    """The two blocks between encoder levels and decoder levels."""
    between: nn.Module = SpatialAttention(channels) if attention else nn.Identity()
    return nn.Sequential(ResidualBlock(channels, channels), between, ResidualBlock(channels, channels))


def output(channels: int, outputs: int) -> nn.Sequential:
    """Norm, SiLU and the last convolution."""
    return nn.Sequential(group_norm(channels), nn.SiLU(inplace=True), nn.Conv2d(channels, outputs, 3, padding=1))


class Encoder(nn.Module):
    """Pictures (B, image_channels, S, S) in [-1, 1] -> features (B, C, N, N)."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        widths = [config.channels * multiplier for multiplier in config.channel_multipliers]
        self.unshuffle = nn.PixelUnshuffle(config.patch)
        self.conv_in = nn.Conv2d(config.image_channels * config.patch**2, config.channels, 3, padding=1)
        last = len(widths) - 1
        self.levels = nn.ModuleList(
            Level(before, width, blocks=config.encoder_blocks, attention=config.attention and i == last)
            for i, (before, width) in enumerate(zip([config.channels, *widths], widths, strict=False))
        )
        self.downsamples = nn.ModuleList(nn.Conv2d(width, width, 3, stride=2) for width in widths[:-1])
        self.middle = middle(widths[-1], attention=config.attention)
        self.output = output(widths[-1], config.code_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Encode."""
        x = self.levels[0](self.conv_in(self.unshuffle(x)))
        for downsample, level in zip(self.downsamples, self.levels[1:], strict=True):
            x = level(downsample(functional.pad(x, (0, 1, 0, 1))))
        result: Tensor = self.output(self.middle(x))
        return result


class Decoder(nn.Module):
    """Features (B, C, N, N) -> pictures (B, image_channels, S, S), nominally in [-1, 1]."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        widths = [config.channels * multiplier for multiplier in reversed(config.channel_multipliers)]
        self.conv_in = nn.Conv2d(config.code_channels, widths[0], 3, padding=1)
        self.middle = middle(widths[0], attention=config.attention)
        self.levels = nn.ModuleList(
            Level(before, width, blocks=config.decoder_blocks, attention=config.attention and i == 0)
            for i, (before, width) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        self.upsamples = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for width in widths[:-1])
        self.output = output(widths[-1], config.image_channels * config.patch**2)
        self.shuffle = nn.PixelShuffle(config.patch)

    def forward(self, f_hat: Tensor, guidance: tuple[Tensor, ...] = ()) -> Tensor:
        """Decode; this decoder has no use for `guidance`."""
        assert not guidance, "the VAR decoder takes no image features"
        x = self.levels[0](self.middle(self.conv_in(f_hat)))
        for upsample, level in zip(self.upsamples, self.levels[1:], strict=True):
            x = level(upsample(functional.interpolate(x, scale_factor=2.0, mode="nearest")))
        result: Tensor = self.shuffle(self.output(x))
        return result


class PlainBlock(nn.Module):
    """A residual block without normalisation, cheap on small processors: (B, C, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        draw_normal(self.conv2.weight, std=0.1 / (3 * channels**0.5))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y = self.conv2(functional.relu(self.conv1(functional.relu(x)), inplace=True))
        result: Tensor = y.add_(x)
        return result


class GuidedDecoder(nn.Module):
    """Features (B, C, N, N) and image features (strides 8, 4, 2) -> depth (B, image_channels, S, S).

    The image features draw the edges that codes on an N x N grid are too coarse for. They are added on every level
    finer than N, each through a 1x1 convolution.
    """

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        first, *finer = config.decoder_channels
        self.conv_in = nn.Conv2d(config.code_channels, first, 3, padding=1)
        self.levels = nn.ModuleList(
            nn.Sequential(*(PlainBlock(width) for _ in range(config.decoder_blocks)))
            for width in config.decoder_channels
        )
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip([first, *finer], finer, strict=False))
        self.guides = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(GUIDANCE_CHANNELS, finer, strict=True))
        left = config.input_size // (config.feature_size * 2 ** len(finer))
        self.output = nn.Conv2d(config.decoder_channels[-1], config.image_channels * left**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(left)
        self._start_from_codes()

    def _start_from_codes(self) -> None:
        """Let the codes be heard at the start: image features are 5 to 7 strong, codes below 1."""
        gains = [1.0] * (1 + len(self.narrow)) + [0.03] * len(self.guides)
        for convolution, gain in zip([self.conv_in, *self.narrow, *self.guides], gains, strict=True):
            weight = convolution.weight
            assert isinstance(weight, Tensor)
            draw_normal(weight, std=gain / weight[0].numel() ** 0.5)

    def forward(self, f_hat: Tensor, guidance: tuple[Tensor, ...] = ()) -> Tensor:
        """Decode with image features, finest first (strides 2, 4, 8)."""
        x = self.levels[0](self.conv_in(f_hat))
        steps = zip(self.narrow, self.guides, reversed(guidance), self.levels[1:], strict=True)
        for narrow, guide, features, level in steps:
            x = functional.interpolate(narrow(x), scale_factor=2.0, mode="nearest")
            x = level(x + guide(features))
        result: Tensor = self.shuffle(self.output(functional.relu(x)))
        return result
