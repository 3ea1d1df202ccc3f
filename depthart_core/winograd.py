"""3x3 convolutions with a quarter of the multiplications, for inference with the VAR autoencoder on processors.

Winograd's F(4x4, 3x3) (arXiv 1509.09308): the picture is cut into overlapping 6x6 tiles; in another basis a 3x3 filter
on a tile is one product a place, so that a convolution is 36 matrix products over all tiles, from which 4x4 results a
tile are added up again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from depthart_core.autoencoder import Decoder
from depthart_core.tokenizer import Tokenizer

RESULTS, FILTER = 4, 3
TILE = RESULTS + FILTER - 1
POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
"""Where the polynomials behind the bases are taken; with the usual 1 and 2 rounding errors are four times as large."""
TILES = 256
"""Computed at once: few enough for the caches."""
SMALLEST_SIDE = 64
"""Below it the filters, which take four times their memory, are what is read most."""
FEWEST_CHANNELS = 128
"""Below it the changes of basis take longer than what they save."""

Matrix = npt.NDArray[np.float64]


def bases() -> tuple[Matrix, Matrix, Matrix]:
    """What a tile (6, 6), a filter (6, 3) and a result (4, 6) are multiplied by along each axis (Cook-Toom)."""
    others = [[q for q in POINTS if q != p] for p in POINTS]
    tile = np.zeros((TILE, TILE))
    for i, roots in enumerate([*others, list(POINTS)]):
        coefficients = np.poly(roots)[::-1]
        tile[i, : len(coefficients)] = coefficients
    norms = [np.prod([p - q for q in rest]) for p, rest in zip(POINTS, others, strict=True)]
    powers = np.vander(POINTS, RESULTS, increasing=True)
    filters = np.zeros((TILE, FILTER))
    filters[:-1] = powers[:, :FILTER] / np.array(norms)[:, None]
    filters[-1, -1] = 1.0
    results = np.zeros((RESULTS, TILE))
    results[:, :-1] = powers.T
    results[-1, -1] = 1.0
    return tile, filters, results


class WinogradConvolution(nn.Module):
    """A 3x3 convolution with padding 1, without gradients: (B, in, H, W) -> (B, out, H, W), H and W multiples of 4.

    Args:
        convolution: The one that it computes.
    """

    places: Tensor
    bias: Tensor
    tile: Tensor
    results: Tensor

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        tile, filters, results = (torch.from_numpy(basis) for basis in bases())
        weight = convolution.weight.detach()
        assert weight.shape[2:] == (FILTER, FILTER), f"expected a 3x3 convolution, got {tuple(weight.shape)}"
        assert convolution.bias is not None, "expected a convolution with a bias"
        places = torch.einsum("ai,bj,ocij->abco", filters, filters, weight.double()).flatten(0, 1)
        self.register_buffer("places", places.float().contiguous())
        self.register_buffer("bias", convolution.bias.detach().float())
        self.register_buffer("tile", torch.kron(tile, tile).float())
        self.register_buffer("results", torch.kron(results, results).float())

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Convolve; the result is channels-last."""
        x = x.permute(0, 2, 3, 1)
        batch, height, width, channels = x.shape
        assert height % RESULTS == width % RESULTS == 0, f"expected sides in multiples of 4, got {height}x{width}"
        result = x.new_empty(batch, height, width, len(self.bias))
        rows = RESULTS * max(1, TILES * RESULTS // width)
        band = x.new_zeros(rows + 2, width + 2, channels)  # of a picture, with the padding
        for picture, out in zip(x, result, strict=True):
            for top in range(0, height, rows):
                count = min(rows, height - top)
                first, last = max(top - 1, 0), min(top + count + 1, height)
                band[: first - top + 1] = 0.0
                band[first - top + 1 : last - top + 1, 1:-1] = picture[first:last]
                band[last - top + 1 :] = 0.0
                self._convolve(band[: count + 2], out[top : top + count])
        return result.permute(0, 3, 1, 2)

    def _convolve(self, band: Tensor, out: Tensor) -> None:
        """Rows with one more on each side (H + 2, W + 2, in) -> out (H, W, out channels), written in place."""
        down, right, channels = out.shape[0] // RESULTS, out.shape[1] // RESULTS, band.shape[2]
        row, column, _ = band.stride()
        shape, strides = (TILE, TILE, down, right, channels), (row, column, RESULTS * row, RESULTS * column, 1)
        tiles = band.as_strided(shape, strides, band.storage_offset()).reshape(TILE**2, -1)
        places = (self.tile @ tiles).view(TILE**2, down * right, channels)
        products = torch.bmm(places, self.places).view(TILE**2, -1)
        found = (self.results @ products).view(RESULTS, RESULTS, down, right, -1).permute(2, 0, 3, 1, 4)
        torch.add(found, self.bias, out=out.view(down, RESULTS, right, RESULTS, -1))


def use_winograd(tokenizer: Tokenizer) -> None:
    """Replace the convolutions of a VAR autoencoder where that pays; there are none in a guided decoder.

    Args:
        tokenizer: Changed: it has no weights to train or to save where they were replaced.
    """
    config, encoder, decoder = tokenizer.config, tokenizer.encoder, tokenizer.decoder
    for i, level in enumerate(encoder.levels):
        _replace(level, config.input_size // config.patch // 2**i)
    if isinstance(decoder, Decoder):
        for i, level in enumerate(decoder.levels):
            _replace(level, config.feature_size * 2**i)
        for i, upsample in enumerate(decoder.upsamples):
            decoder.upsamples[i] = _with_winograd(upsample, config.feature_size * 2 ** (i + 1))


def _replace(module: nn.Module, side: int) -> None:
    for name, child in module.named_children():
        setattr(module, name, _with_winograd(child, side))
        _replace(child, side)


def _with_winograd(module: nn.Module, side: int) -> nn.Module:
    """The module or, where it is a convolution that gains, one that computes the same on maps of this side."""
    if not isinstance(module, nn.Conv2d) or module.kernel_size != (FILTER, FILTER) or module.stride != (1, 1):
        return module
    gains = min(module.in_channels, module.out_channels) >= FEWEST_CHANNELS and side >= SMALLEST_SIDE
    return WinogradConvolution(module) if gains and side % RESULTS == 0 else module
