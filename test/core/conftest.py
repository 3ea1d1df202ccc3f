"""Small models in the released layout, with random weights."""

import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from depthart_core.backends.cuda import Captured
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


class Block:
    """Some memory; `int` of it is its address."""

    def __init__(self, size):
        self.bytes = np.zeros(size, np.uint8)

    def __int__(self):
        return self.bytes.ctypes.data


class Host:
    """The host as a device; see `cuda.Device`."""

    name, capability = "host", "0.0"

    def __init__(self, *, graphs=True):
        self.graphs, self.held, self.launched, self.actives = graphs, [], 0, threading.local()

    @contextmanager
    def active(self):
        self.actives.depth = getattr(self.actives, "depth", 0) + 1
        yield
        self.actives.depth -= 1

    def here(self):
        assert getattr(self.actives, "depth", 0) > 0, "called outside of active()"

    def keep(self, value):
        self.here()
        self.held.append(value)
        return value

    def drop(self, value):
        self.here()
        self.held = [kept for kept in self.held if kept is not value]

    def allocate(self, size):
        return self.keep(Block(size))

    def allocate_pinned(self, size):
        return self.keep(np.full(size, 77, np.uint8))

    def make_stream(self):
        return self.keep([])

    free = free_pinned = free_stream = drop

    def stream_handle(self, stream):
        return id(stream)

    def copy_in(self, target, source, stream):
        self.here()
        stream.append(lambda: np.copyto(target.bytes, source))

    def copy_out(self, target, source, stream):
        self.here()
        stream.append(lambda: np.copyto(target, source.bytes))

    def wait(self, stream):
        self.here()
        while stream:
            stream.pop(0)()

    def capture(self, stream, queue):
        if not self.graphs:
            return None
        queue()
        recorded = list(stream)
        stream.clear()
        graph = self.keep(recorded)

        def launch():
            self.launched += 1
            stream.extend(recorded)

        return Captured(launch, lambda: self.drop(graph))


@pytest.fixture(scope="session")
def make_host() -> type[Host]:
    """Makes a device that is the host, with or without graphs."""
    return Host
