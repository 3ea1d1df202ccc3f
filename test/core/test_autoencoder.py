"""Encoders and decoders: shapes, and attention against its formula."""

import pytest
import torch

from depthart_core.autoencoder import Decoder, Encoder, GuidedDecoder, SpatialAttention
from depthart_core.efficientnet import GUIDANCE_CHANNELS


def guidance(batch=2, side=64):
    strides = zip(reversed(GUIDANCE_CHANNELS), (2, 4, 8), strict=True)
    return tuple(torch.randn(batch, channels, side // stride, side // stride) for channels, stride in strides)


def test_the_encoder_gives_a_code_for_every_cell(small_config, toy_config):
    assert Encoder(small_config.tokenizer)(torch.zeros(2, 3, 16, 16)).shape == (2, 8, 4, 4)
    assert Encoder(toy_config.tokenizer)(torch.zeros(2, 1, 64, 64)).shape == (2, 8, 4, 4)


def test_the_decoder_gives_pictures(small_config):
    assert Decoder(small_config.tokenizer)(torch.zeros(2, 8, 4, 4)).shape == (2, 3, 16, 16)


def test_the_guided_decoder_gives_depth(toy_config):
    decoder = GuidedDecoder(toy_config.tokenizer)
    assert decoder(torch.zeros(2, 8, 4, 4), guidance()).shape == (2, 1, 64, 64)


def test_image_features_of_every_stride_reach_the_depth(toy_config):
    decoder, features = GuidedDecoder(toy_config.tokenizer), guidance(1)
    inputs = tuple(feature.requires_grad_(True) for feature in features)
    decoder(torch.randn(1, 8, 4, 4), inputs).sum().backward()
    assert all(feature.grad.abs().sum() > 0 for feature in inputs)


def test_a_guided_decoder_needs_its_image_features(toy_config):
    decoder = GuidedDecoder(toy_config.tokenizer)
    with pytest.raises(ValueError, match="shorter"):
        decoder(torch.zeros(2, 8, 4, 4), guidance()[1:])


def test_the_plain_decoder_takes_no_image_features(small_config):
    with pytest.raises(AssertionError, match="takes no image features"):
        Decoder(small_config.tokenizer)(torch.zeros(2, 8, 4, 4), guidance())


def test_spatial_attention_is_the_formula():
    layer, x = SpatialAttention(32), torch.randn(2, 32, 3, 5, generator=torch.Generator().manual_seed(0))
    q, k, v = layer.qkv(layer.norm(x)).flatten(2).chunk(3, dim=1)
    weights = (torch.einsum("bci,bcj->bij", q, k) / 32**0.5).softmax(-1)
    plain = x + layer.proj(torch.einsum("bij,bcj->bci", weights, v).view(x.shape))
    torch.testing.assert_close(layer(x), plain)
