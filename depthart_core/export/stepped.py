"""The model in three parts, so that depth can be decoded after any scale: what each part's graph computes.

`PrefixPart` once, `StepPart` once a scale, `DecodePart` at the end. The step is the same graph for every scale: what
depends on the scale are linear maps (`scale_maps`) that it is given. Keys and values travel through its inputs and
outputs, as does everything called NAME that comes out as next_NAME.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional

from depthart_core.backends.stepping import Feeds, write_feeds
from depthart_core.config import ModelConfig
from depthart_core.decoding import decoding
from depthart_core.export import tracing
from depthart_core.export.scale_maps import scale_maps
from depthart_core.heads import token_certainty
from depthart_core.model import DepthART
from depthart_core.normalize import denormalize, normalize_image
from depthart_core.prefix import Prefix
from depthart_core.store import exports
from depthart_core.transformer import Block


def write_parts(model: DepthART, folder: Path, decode: str) -> None:
    """Write the graphs of all parts, and what their runner feeds them with, into a folder.

    Raises:
        BackendError: They cannot be written.
    """
    step = StepPart(model, decode)
    opset = tracing.OPSETS["stepped"]
    parts: list[tuple[str, PrefixPart | StepPart | DecodePart, list[Any] | None]] = [
        ("prefix", PrefixPart(model), None),
        ("step", step, step.dynamic()),
        ("decode", DecodePart(model), None),
    ]
    for name, part, dynamic in parts:
        graph = tracing.trace(part.eval(), part.inputs(), part.outputs, opset=opset, dynamic=dynamic)
        tracing.write(graph, folder / f"{name}.onnx")
    write_feeds(folder / exports.FEEDS, Feeds(step.start(), scale_maps(model.config)))


class PrefixPart(nn.Module):
    """A picture, uint8 (1, S, S, 3) RGB -> what does not depend on the rollout.

    Outputs: `x` (1, P + 1, D), the tokens that enter at the first scale; `base` (1, L, D), what every token of every
    scale is besides its f_hat; `size` with heads, see `SizeHead`; `guidance_0` and so on for the decoder.
    """

    def __init__(self, model: DepthART) -> None:
        super().__init__()
        self.model = model
        self.outputs = ["x", "base", *(["size"] if model.config.heads else []), *guidance_names(model.config)]

    def inputs(self) -> dict[str, Tensor]:
        """An example."""
        size = self.model.config.tokenizer.input_size
        return {"picture": torch.zeros(1, size, size, 3, dtype=torch.uint8)}

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Outputs in the order of `outputs`."""
        model, config = self.model, self.model.config.tokenizer
        prefix = model.prefix(normalize_image(picture).permute(0, 3, 1, 2))
        nothing = torch.zeros(1, config.code_channels, config.feature_size, config.feature_size)
        f_hats = [None, *[nothing] * (len(config.tokens) - 1)]
        bases = [model.scale_input(prefix, f_hat, k) for k, f_hat in enumerate(f_hats)]
        size = () if model.size_head is None else (model.size_head(prefix.tokens),)
        guidance = prefix.guidance if config.decoder == "guided" else ()
        return (torch.cat([prefix.tokens, bases[0]], dim=1), torch.cat(bases, dim=1), *size, *guidance)


class StepPart(nn.Module):
    """One scale: its tokens `x` (1, L, D), `f_hat` (1, C, N, N) and the cache -> those of the next scale.

    Further inputs: the maps of the scale, see `scale_maps`, and `base` (1, M, D), the rows of the next scale. A further
    output with heads: `certainty` (1, 2, N, N).
    """

    def __init__(self, model: DepthART, decode: str) -> None:
        super().__init__()
        self.config, self.decoding = model.config, decoding(decode)
        self.blocks = nn.ModuleList(FusedBlock(block) for block in model.transformer.blocks)  # type: ignore[arg-type]
        self.norm, self.head, self.embed = model.transformer.norm, model.transformer.head, model.embed
        quantizer = model.tokenizer.quantizer
        self.codebook, channels = quantizer.codebook, self.config.tokenizer.code_channels
        self.phi = nn.Conv2d(channels, channels * len(quantizer.phi), 3, padding=1)
        _fill(self.phi, *_stacked(list(quantizer.phi)))
        self.caches = [f"{kind}_{i}" for i in range(len(self.blocks)) for kind in ("keys", "values")]
        travelling = ["x", "f_hat", *self.caches]
        certainty = ["certainty"] if self.config.heads else []
        self.outputs = [*(f"next_{name}" for name in travelling), *certainty]

    def inputs(self) -> dict[str, Tensor]:
        """An example, of sizes that are nothing special."""
        tokenizer, transformer = self.config.tokenizer, self.config.transformer
        pixels, head = tokenizer.feature_size**2, transformer.width // transformer.heads
        shapes = {
            "x": (1, 20, transformer.width),
            "f_hat": (1, tokenizer.code_channels, tokenizer.feature_size, tokenizer.feature_size),
            "up": (pixels, 16),
            "spread": (pixels, 16),
            "phi": (1, tokenizer.quantizer_convs),
            "pool": (30, pixels),
            "base": (1, 30, transformer.width),
            **dict.fromkeys(self.caches, (1, transformer.heads, 40, head)),
        }
        return {name: torch.zeros(shape) for name, shape in shapes.items()}

    def start(self) -> dict[str, npt.NDArray[np.float32]]:
        """What goes in at the first scale besides `x`."""
        inputs = self.inputs()
        empty = {name: inputs[name][:, :, :0].numpy() for name in self.caches}
        return {"f_hat": inputs["f_hat"].numpy(), **empty}

    def dynamic(self) -> list[Any]:
        """Which axes of the inputs vary."""
        tokens, count, following, past = Dim("tokens"), Dim("count"), Dim("following"), Dim("past")
        caches = tuple({2: past} for _ in self.caches)
        return [{1: tokens}, {}, {1: count}, {1: count}, {}, {0: following}, {1: following}, caches]

    def forward(
        self, x: Tensor, f_hat: Tensor, up: Tensor, spread: Tensor, phi: Tensor, pool: Tensor, base: Tensor,
        *caches: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Inputs in the order of `inputs`."""
        count, extended = up.shape[1], []
        torch._check(count <= x.shape[1])  # type: ignore[no-untyped-call]  # noqa: SLF001 tells the exporter
        for i, block in enumerate(self.blocks):
            keep = count if i == len(self.blocks) - 1 else x.shape[1]
            x, *grown = block(x, caches[2 * i], caches[2 * i + 1], keep)
            extended += grown
        logits = self.head(self.norm(x))
        f_hat = f_hat + self._contribution(self.decoding(logits, self.codebook)[0], up, phi)
        following = base + functional.linear(pool @ f_hat.flatten(2)[0].T, self.embed.weight)
        if not self.config.heads:
            return (following, f_hat, *extended)
        certainty = (spread @ token_certainty(logits, self.codebook)[0]).T.reshape(1, 2, *f_hat.shape[2:])
        return (following, f_hat, *extended, certainty)

    def _contribution(self, codes: Tensor, up: Tensor, phi: Tensor) -> Tensor:
        """As `ResidualQuantizer.contribution`: codes (L, C) -> (1, C, N, N)."""
        config = self.config.tokenizer
        maps = (up @ codes).T.reshape(1, config.code_channels, config.feature_size, config.feature_size)
        mixed = (phi @ self.phi(maps).reshape(config.quantizer_convs, -1)).reshape(maps.shape)
        result: Tensor = (1.0 - config.quantizer_mix) * maps + config.quantizer_mix * mixed
        return result


class FusedBlock(nn.Module):
    """`Block` with one layer for queries, keys and values, and with gains and the attention scale in the weights."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        attention, self.heads = block.attention, block.attention.heads
        width, scale = attention.q.in_features, attention.scale
        self.norm1, self.norm2, self.hidden = block.norm1, block.norm2, block.mlp[0]
        self.qkv = nn.Linear(width, 3 * width)
        no_bias = torch.zeros(width)
        _fill(
            self.qkv,
            torch.cat([scale * attention.q.weight, attention.k.weight, attention.v.weight]),
            torch.cat([scale * attention.q.bias, no_bias, attention.v.bias]),
        )
        self.proj, self.out = _with_gain(attention.proj, block.gain1), _with_gain(block.mlp[2], block.gain2)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, keep: int) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (1, L, D), keys and values (1, heads, P, size) -> the last `keep` tokens, the cache with L more."""
        length = x.shape[1]
        qkv = self.qkv(self.norm1(x)).view(1, length, 3 * self.heads, -1)
        queries, new_keys, new_values = qkv.transpose(1, 2).chunk(3, dim=1)
        keys, values = torch.cat([keys, new_keys], dim=2), torch.cat([values, new_values], dim=2)
        x, queries = x[:, length - keep :], queries[:, :, length - keep :]
        y = (queries @ keys.transpose(2, 3)).softmax(-1) @ values
        x = x + self.proj(y.transpose(1, 2).flatten(2))
        x = x + self.out(functional.gelu(self.hidden(self.norm2(x)), approximate="tanh"))
        return x, keys, values


class DecodePart(nn.Module):
    """`f_hat` after any scale and the decoder's guidance -> `depth` (1, S, S).

    With heads also `certainties` (1, 2 K, N, N), those of missing scales 0 -> `confidence` (1, S, S) in 0..1.
    """

    def __init__(self, model: DepthART) -> None:
        super().__init__()
        self.model = model
        self.outputs = ["depth", *(["confidence"] if model.config.heads else [])]

    def inputs(self) -> dict[str, Tensor]:
        """An example."""
        config, size = self.model.config, self.model.config.tokenizer.feature_size
        f_hat = {"f_hat": torch.zeros(1, config.tokenizer.code_channels, size, size)}
        scales = config.tokenizer.scales
        certainties = {"certainties": torch.zeros(1, 2 * scales, size, size)} if config.heads else {}
        picture = PrefixPart(self.model)
        names = dict(zip(picture.outputs, picture(*picture.inputs().values()), strict=True))
        return {**f_hat, **certainties, **{name: names[name] for name in guidance_names(config)}}

    def forward(self, f_hat: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """Inputs in the order of `inputs`."""
        model, head = self.model, self.model.confidence_head
        guidance = others if head is None else others[1:]
        depth = model.decode(f_hat, Prefix(f_hat, guidance), clip=True)
        values = denormalize(depth, model.config)[:, 0]
        return (values,) if head is None else (values, head.judge(others[0], depth)[:, 0].sigmoid())


def guidance_names(config: ModelConfig) -> list[str]:
    """Names of the image features that a decoder takes."""
    if config.tokenizer.decoder != "guided":
        return []
    return [f"guidance_{i}" for i in range(len(config.tokenizer.decoder_channels) - 1)]


def _with_gain(layer: nn.Module, gain: Tensor) -> nn.Linear:
    assert isinstance(layer, nn.Linear)
    result = nn.Linear(layer.in_features, layer.out_features)
    _fill(result, gain[:, None] * layer.weight, gain * layer.bias)
    return result


def _stacked(layers: list[Any]) -> tuple[Tensor, Tensor]:
    return torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])


def _fill(layer: nn.Linear | nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    layer.weight, layer.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())
