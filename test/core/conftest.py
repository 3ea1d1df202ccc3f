"""Small models in the released layout, with random weights."""

import pytest
import torch

from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig
from depthart_core.model import DepthART
from depthart_core.released_layout import depthart_shapes


@pytest.fixture(scope="session")
def small_config() -> ModelConfig:
    """Built like the released model, 16x16 pixels."""
    tokenizer = TokenizerConfig(
        scale_sizes=(1, 2, 3, 4),
        codebook_size=48,
        code_channels=8,
        channels=32,
        channel_multipliers=(1, 1, 2),
        encoder_blocks=1,
        decoder_blocks=2,
    )
    return ModelConfig(tokenizer, TransformerConfig(width=32, heads=2, blocks=2, mlp_ratio=2))


def random_released(config: ModelConfig, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        ours = {name: tuple(value.shape) for name, value in DepthART(config).state_dict().items()}
    tensors = {
        key: torch.randn(shape, generator=generator) / max(shape[-1] if len(shape) > 1 else 4, 4) ** 0.5
        for key, shape in depthart_shapes(config, ours).items()
    }
    tokens = torch.tensor(config.tokenizer.tokens)
    tensors["lvl_1L"] = torch.repeat_interleave(torch.arange(len(tokens)), tokens)[None]
    for key, value in tensors.items():
        if key.endswith("zero_k_bias"):
            value.zero_()
    return tensors


@pytest.fixture
def small_released(small_config) -> dict[str, torch.Tensor]:
    """A DepthART file's tensors, one copy of the quantizer; the test may change them."""
    return random_released(small_config)
