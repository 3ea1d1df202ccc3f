"""Released files -> our model: strict about every key, the constant class folded into the norms.

The released transformer scales, shifts and gates each branch by vectors that a linear layer makes of the class
embedding. Depth has no class, so the class is always the same one and the vectors are constants: `1 + scale` and
`shift` become weight and bias of the LayerNorm, `gamma` becomes the gain.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from depthart_core.checkpoint import check_tensors, read_tensors
from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from depthart_core.released_layout import (
    QUANTIZER_COPY,
    TOKENIZER,
    Shapes,
    copied_transformer_keys,
    depthart_shapes,
    tokenizer_keys,
    tokenizer_shapes,
    transformer_shapes,
    unused_var_shapes,
)

PICKLED = (".pth", ".pt", ".bin")
"""Endings of files written by torch.save."""

Tensors = dict[str, Tensor]


def convert_released(path: Path, *, tokenizer: Path | None = None, config: ModelConfig | None = None) -> DepthART:
    """Read released weights: float32, on the CPU, in evaluation mode.

    Args:
        path: A DepthART file, or with `tokenizer` the transformer of VAR.
        tokenizer: The tokenizer of VAR; None where `path` has it inside.
        config: What the files hold; None: the released d16.

    Raises:
        CheckpointError: A file is missing or damaged, or a key is missing, not understood, misshapen or contradicts
            another one; it is named.
    """
    config = ModelConfig() if config is None else config
    with torch.device("meta"):
        model = DepthART(config)
    ours = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    if tokenizer is None:
        released = _depthart_file(path, config, ours)
    else:
        released = {**_var_file(path, config, ours), **_tokenizer_file(tokenizer, config, ours)}
    _check_buffers(path, released, config)
    model.load_state_dict({**_copied(released, config, ours), **_folded(released, config)}, assign=True)
    return model.eval().requires_grad_(False)


def read_released(path: Path) -> Tensors:
    """All tensors of a safetensors file or, never unpickling anything but weights, of a torch.save file.

    Raises:
        CheckpointError: Missing, damaged, or not a flat table of tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"no file {str(path)!r}")
    return _read_pickled(path) if path.suffix in PICKLED else read_tensors(path)[1]


def _read_pickled(path: Path) -> Tensors:
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # PyTorch advises to run whatever the file says
        raise CheckpointError(f"{path} is not a readable torch file of weights alone, nothing else is read") from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__  # without PyTorch's advice
        raise CheckpointError(f"{path} is not a readable torch file of weights alone: {reason}") from error
    if not isinstance(values, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in values.items()
    ):
        raise CheckpointError(f"{path} must hold a flat table of tensors, got {_summary(values)}")
    return values


def _summary(values: object) -> str:
    return f"a table of {', '.join(map(str, list(values)[:5]))}" if isinstance(values, dict) else type(values).__name__


def _depthart_file(path: Path, config: ModelConfig, ours: Shapes) -> Tensors:
    tensors = _without_copy(path, read_released(path))
    if not any(key.startswith(TOKENIZER) for key in tensors):
        raise CheckpointError(
            f"{path} has no tokenizer inside (no key {TOKENIZER}*): name the tokenizer's file as well"
        )
    check_tensors(path, tensors, depthart_shapes(config, ours))
    return tensors


def _without_copy(path: Path, tensors: Tensors) -> Tensors:
    """The file with one copy of the quantizer, whichever was there."""
    other, kept = QUANTIZER_COPY
    result = {key: value for key, value in tensors.items() if not key.startswith(other)}
    for key, value in tensors.items():
        if key.startswith(other):
            twin = kept + key.removeprefix(other)
            if not torch.equal(result.setdefault(twin, value), value):
                raise CheckpointError(f"{path} has two copies of one tensor that differ: {key} and {twin}")
    return result


def _var_file(path: Path, config: ModelConfig, ours: Shapes) -> Tensors:
    tensors = read_released(path)
    if any(key.startswith((TOKENIZER, *QUANTIZER_COPY)) for key in tensors):
        raise CheckpointError(f"{path} has a tokenizer inside: leave out the separate one")
    unused = {key: shape for key, shape in unused_var_shapes(config).items() if key in tensors}
    check_tensors(path, tensors, {**transformer_shapes(config, ours), **unused})
    return {key: value for key, value in tensors.items() if key not in unused}


def _tokenizer_file(path: Path, config: ModelConfig, ours: Shapes) -> Tensors:
    tensors = read_released(path)
    check_tensors(path, tensors, tokenizer_shapes(config, ours))
    return {TOKENIZER + key: value for key, value in tensors.items()}


def _check_buffers(path: Path, released: Tensors, config: ModelConfig) -> None:
    """What our model computes by itself must be what the file assumes."""
    if not torch.equal(released["lvl_1L"][0].long(), _levels(config)):
        raise CheckpointError(f"{path} has scales other than {config.tokenizer.scale_sizes} in lvl_1L")
    for i in range(config.transformer.blocks):
        key = f"blocks.{i}.attn.zero_k_bias"
        if released[key].any():
            raise CheckpointError(f"{path} has a bias on the keys of attention, which this model has not: {key}")


def _levels(config: ModelConfig) -> Tensor:
    tokens = config.tokenizer.tokens
    return torch.repeat_interleave(torch.arange(len(tokens)), torch.tensor(tokens))


def _copied(released: Tensors, config: ModelConfig, ours: Shapes) -> Tensors:
    keys = {name: TOKENIZER + key for name, key in tokenizer_keys(config, ours).items()}
    keys |= copied_transformer_keys(config)
    return {name: released[key].float() for name, key in keys.items()}


def _folded(released: Tensors, config: ModelConfig) -> Tensors:
    """What takes arithmetic, in float64."""
    no_class = released["class_emb.weight"][-1].double()
    position = released["pos_1LC"][0].double() + released["lvl_embed.weight"].double()[_levels(config)]
    result = {"start": no_class + released["pos_start"][0, 0].double(), "position": position}
    scale, shift = _modulation(released, "head_nm", 2)
    result |= {"transformer.norm.weight": 1.0 + scale, "transformer.norm.bias": shift}
    for i in range(config.transformer.blocks):
        block = _folded_block(released, f"blocks.{i}")
        result |= {f"transformer.blocks.{i}.{name}": value for name, value in block.items()}
    return {name: value.float() for name, value in result.items()}


def _folded_block(released: Tensors, block: str) -> Tensors:
    gain1, gain2, scale1, scale2, shift1, shift2 = _modulation(released, block, 6)
    norms = {"norm1.weight": 1.0 + scale1, "norm1.bias": shift1, "norm2.weight": 1.0 + scale2, "norm2.bias": shift2}
    q, k, v = (part.clone() for part in released[f"{block}.attn.mat_qkv.weight"].chunk(3))
    linear = {"attention.q.weight": q, "attention.k.weight": k, "attention.v.weight": v}
    return {"gain1": gain1, "gain2": gain2, **norms, **linear}


def _modulation(released: Tensors, place: str, count: int) -> tuple[Tensor, ...]:
    """The constant vectors of one place, each (D,) in float64."""
    condition = functional.silu(released["class_emb.weight"][-1].double())
    layer = f"{place}.ada_lin.1"
    vectors = released[f"{layer}.weight"].double() @ condition + released[f"{layer}.bias"].double()
    return vectors.chunk(count)
