"""What several test folders need: small model files, tiny data sets, and the reference data beside the checkout."""

import io
import json
import resource
import signal
import sys
import tarfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
Members = dict[str, bytes]


sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout, whatever is installed
sys.path.insert(0, str(Path(__file__).parent / "stand_ins"))
from host_device import make_host  # noqa: E402, F401 - a fixture, as the next
from tensorrt_on_host import machine  # noqa: E402, F401


def pytest_configure():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs, a CI's too, without it


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    for item in items:
        if "dds" in item.fixturenames:
            item.add_marker("dds")


@pytest.fixture
def files_of_at_most():
    """A context in which files grow to a size and no further, as on a full disk."""

    @contextmanager
    def limited(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


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
def small_config():
    """Built like the released model, 16x16 pixels."""
    from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig

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


def encode_room(name: str, *, depth: float = 2.0, size: int = 32) -> Members:
    """One sample of constant depth [m] and random colours, encoded as in the shards."""
    import cv2
    import numpy as np

    rgb = np.random.default_rng(int(name)).integers(0, 255, (size, size, 3), np.uint8)
    code = round(4095 * np.log(depth / 0.2) / np.log(200))
    meta = {"fx": 40.0, "fy": 50.0, "cx": size / 2, "cy": size / 2, "room": 7}
    return {
        f"{name}.webp": cv2.imencode(".webp", rgb)[1].tobytes(),
        f"{name}.png": cv2.imencode(".png", np.full((size, size), code << 4, np.uint16))[1].tobytes(),
        f"{name}.json": json.dumps(meta).encode(),
    }


@pytest.fixture
def room_members() -> Callable[..., Members]:
    return encode_room


@pytest.fixture
def write_shard(tmp_path: Path) -> Callable[..., Path]:
    def write(samples: Sequence[Members], name: str = "train-000.tar") -> Path:
        path = tmp_path / name
        with tarfile.open(path, "w") as shard:
            for members in samples:
                for member, content in members.items():
                    entry = tarfile.TarInfo(member)
                    entry.size = len(content)
                    shard.addfile(entry, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def shard_of(write_shard: Callable[..., Path]) -> Callable[[int], Path]:
    """Write a shard of so many samples; sample n lies 1 + n / 10 metres away."""
    return lambda count: write_shard([encode_room(f"{n:06}", depth=1 + n / 10) for n in range(count)])


@pytest.fixture
def frame_folder(tmp_path: Path) -> Path:
    """Three frames of 48x36; frame n lies 1 + n metres away and its first row is unknown."""
    import cv2
    import numpy as np

    folder = tmp_path / "desk"
    for part in ("rgb", "depth"):
        (folder / part).mkdir(parents=True)
    info = {"width": 48, "height": 36, "fx": 40.0, "fy": 41.0, "cx": 24.0, "cy": 17.5}
    info |= {"depth_file_unit_m": 0.0002, "invalid": 0}
    (folder / "info.json").write_text(json.dumps(info))
    for n in range(3):
        depth = np.full((36, 48), (1 + n) * 5000, np.uint16)
        depth[0] = 0
        cv2.imwrite(str(folder / "rgb" / f"{n:04}.jpg"), np.full((36, 48, 3), 40 * n, np.uint8))
        cv2.imwrite(str(folder / "depth" / f"{n:04}.png"), depth)
    return folder
