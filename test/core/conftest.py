"""Small models in the released layout, with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from depthart_core.checkpoint import load_model, save_model
from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig
from depthart_core.model import DepthART
from depthart_core.released_layout import depthart_shapes


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


@pytest.fixture(scope="session")
def image() -> torch.Tensor:
    """Two images of noise, normalised; tests leave them as they are."""
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0


@pytest.fixture
def some_picture():
    """A function that returns noise, uint8 (height, width, 3)."""

    def draw(height=48, width=70, seed=0):
        return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)

    return draw


@pytest.fixture(scope="session")
def small_model_path(tmp_path_factory) -> Path:
    """Every part of the released model once, as an export takes its time with each; a scale that divides no other."""
    tokenizer = TokenizerConfig(
        scale_sizes=(1, 3, 4),
        codebook_size=48,
        code_channels=8,
        channels=32,
        channel_multipliers=(1, 2),
        encoder_blocks=1,
        decoder_blocks=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DepthART(ModelConfig(tokenizer, TransformerConfig(width=32, heads=2, blocks=2, mlp_ratio=2)))
        torch.nn.init.normal_(model.tokenizer.quantizer.codebook)
        torch.nn.init.normal_(model.transformer.head.weight, std=0.5)
    path = tmp_path_factory.mktemp("models") / "small.safetensors"
    save_model(model, path)
    return path


@pytest.fixture(scope="session")
def exported_graph(tmp_path_factory):
    """A model and options of `export_onnx` -> the file of its whole graph, made once; tests leave it as it is."""
    from depthart_core.export.whole import export_onnx

    made: dict[tuple[object, ...], Path] = {}

    def export(model: Path | str, **options) -> Path:
        key = (model, *sorted((name, value) for name, value in options.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("graphs") / "graph.onnx"
            export_onnx(load_model(model), made[key], **options)
        return made[key]

    return export


@pytest.fixture
def small_released(small_config) -> dict[str, torch.Tensor]:
    """A DepthART file's tensors, one copy of the quantizer; the test may change them."""
    return random_released(small_config)
