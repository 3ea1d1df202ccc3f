"""The tokenizer: encoder, residual quantizer and decoder."""

from __future__ import annotations

from torch import Tensor, nn

from depthart_core.autoencoder import Decoder, Encoder, GuidedDecoder
from depthart_core.config import TokenizerConfig
from depthart_core.quantizer import ResidualQuantizer


class Tokenizer(nn.Module):
    """Pictures <-> features; the quantizer in between turns features into token maps."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quant_conv = nn.Conv2d(config.code_channels, config.code_channels, 3, padding=1)
        self.quantizer = ResidualQuantizer(config)
        self.post_quant_conv = nn.Conv2d(config.code_channels, config.code_channels, 3, padding=1)
        self.decoder = GuidedDecoder(config) if config.decoder == "guided" else Decoder(config)

    def features(self, pictures: Tensor) -> Tensor:
        """Encode (B, 1 or image_channels, S, S) in [-1, 1] to features (B, C, N, N); one channel is copied to all."""
        pictures = pictures.expand(-1, self.config.image_channels, -1, -1)
        result: Tensor = self.quant_conv(self.encoder(pictures))
        return result

    def decode(self, f_hat: Tensor, guidance: tuple[Tensor, ...] = ()) -> Tensor:
        """Decode features (B, C, N, N) to pictures (B, image_channels, S, S), nominally in [-1, 1]."""
        result: Tensor = self.decoder(self.post_quant_conv(f_hat), guidance)
        return result
