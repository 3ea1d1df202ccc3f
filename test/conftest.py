"""What several test folders need: a small model file and the reference data beside the checkout."""

import signal
import sys
from pathlib import Path

import pytest

ROS_TESTS = Path(__file__).parent / "ros"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference"


sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout, whatever is installed


def pytest_configure():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs, a CI's too, without it


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    for item in items:
        if Path(str(item.fspath)).is_relative_to(ROS_TESTS):  # older pytests have no item.path
            item.add_marker("ros")


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of the recorded outputs of the released implementation."""
    if not REFERENCE.is_dir():
        pytest.skip("the reference outputs are not beside this checkout")
    return REFERENCE


@pytest.fixture(scope="session")
def toy_config():
    """Built like nano, 64x64 pixels: EfficientNet prefix and a decoder that sees image features."""
    from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig

    tokenizer = TokenizerConfig(
        scale_sizes=(1, 2, 4),
        codebook_size=64,
        code_channels=8,
        image_channels=1,
        patch=4,
        channels=32,
        channel_multipliers=(1, 1, 1),
        encoder_blocks=1,
        attention=False,
        decoder="guided",
        decoder_channels=(16, 16, 16, 16),
        decoder_blocks=1,
        quantizer_convs=2,
    )
    transformer = TransformerConfig(width=64, heads=2, blocks=2, mlp_ratio=2, temperature=1.0)
    return ModelConfig(tokenizer, transformer, prefix="efficientnet_lite0", normalization="log")


@pytest.fixture(scope="session")
def toy_model(toy_config):
    """Random weights whose depth depends on the picture and on the tokens; tests leave it as it is."""
    import torch

    from depthart_core.model import DepthART

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DepthART(toy_config)
        for module in model.image.backbone.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        torch.nn.init.normal_(model.tokenizer.quantizer.codebook)
        torch.nn.init.normal_(model.transformer.head.weight, std=0.5)
        torch.nn.init.normal_(model.start)
        torch.nn.init.normal_(model.tokenizer.decoder.output.weight, std=0.02)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def toy_model_path(toy_model, tmp_path_factory) -> Path:
    from depthart_core.checkpoint import save_model

    path = tmp_path_factory.mktemp("models") / "toy.safetensors"
    save_model(toy_model, path)
    return path


@pytest.fixture(scope="session")
def toy_heads_path(toy_model, tmp_path_factory) -> Path:
    """The toy model with heads of random weights."""
    from dataclasses import replace

    import torch

    from depthart_core.checkpoint import save_model
    from depthart_core.model import DepthART

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DepthART(replace(toy_model.config, heads=True))
    model.load_state_dict(toy_model.state_dict(), strict=False)
    path = tmp_path_factory.mktemp("models") / "toy_heads.safetensors"
    save_model(model, path)
    return path


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory) -> Path:
    """Built like the released model, as small as can be: for what takes its time with every layer, such as exports."""
    import torch

    from depthart_core.checkpoint import save_model
    from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig
    from depthart_core.model import DepthART

    sizes = {
        "scale_sizes": (1, 2),
        "codebook_size": 16,
        "code_channels": 4,
        "channels": 32,
        "channel_multipliers": (1,),
    }
    blocks = {"encoder_blocks": 1, "decoder_blocks": 1, "attention": False, "quantizer_convs": 1, "patch": 8}
    transformer = TransformerConfig(width=16, heads=2, blocks=1, mlp_ratio=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DepthART(ModelConfig(TokenizerConfig(**sizes, **blocks), transformer))
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_model(model, path)
    return path
