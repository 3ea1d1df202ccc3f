"""Where a training starts: our models by name or file, a released DepthART, or the released VAR with its tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from depthart_core.checkpoint import read_tensors
from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from depthart_core.model_files import FORMAT, model_path, read_config
from depthart_core.released import PICKLED, convert_released
from training.backbone import load_imagenet
from training.checkpoints import difference

BACKBONE = "image.backbone"
MEANINGS = {
    "normalization": "",
    "log_range": "",
    "tokenizer.quantizer_mix": "tokenizer.quantizer.",
    "transformer.heads": "transformer.blocks.",
    "transformer.temperature": "transformer.blocks.",
}
"""Field of a configuration -> beginning of tensors that keep their shape where it differs, and lose their meaning."""


def initialize(model: DepthART, init: str | None = None, tokenizer: Path | None = None) -> str:
    """Fill a fresh model; parts that the file lacks, or has in another shape, stay as they are.

    The image network comes from ImageNet where the file has none.

    Args:
        model: Changed in place.
        init: Name of a packaged model, a model file, or a released one (DepthART, or VAR with `tokenizer`); None: none.
        tokenizer: VAR's tokenizer.

    Returns:
        One line that says what was taken and what is fresh.

    Raises:
        CheckpointError: Nothing in the file fits, or only in shape; no such file; a damaged one.
    """
    if init is None and tokenizer is not None:
        raise CheckpointError(f"the tokenizer {tokenizer} needs the transformer it belongs to: name that as well")
    found, others = ({}, {}) if init is None else _read(model.config, init, tokenizer)
    own = model.state_dict()
    taken = {name: found[name].float() for name in own if name in found and found[name].shape == own[name].shape}
    if init is not None and not taken:
        raise CheckpointError(f"{init} has no tensor that fits this model")
    wrong = [others[field] for field, part in MEANINGS.items() if field in others and _has(taken, part)]
    if wrong:
        raise CheckpointError(f"{init} has weights of another meaning than the recipe's: its {'; its '.join(wrong)}")
    model.load_state_dict(taken, strict=False)
    fresh = [name for name in own if name not in taken]
    imagenet = any(name.startswith(BACKBONE) for name in fresh)
    if imagenet:
        assert model.image is not None
        load_imagenet(model.image.backbone)
        fresh = [name for name in fresh if not name.startswith(BACKBONE)]
    parts = [f"taken from {init}: {_summary(taken)}"] * (init is not None)
    parts += ["from ImageNet: image network"] * imagenet + [f"fresh: {_summary(fresh)}"]
    return "; ".join([*parts, *[f"note: its {'; its '.join(others.values())}"] * bool(others)])


def _read(config: ModelConfig, init: str, tokenizer: Path | None) -> tuple[Mapping[str, Tensor], dict[str, str]]:
    """Tensors under our names, and a phrase for every field of the configuration that differs."""
    path = model_path(init)
    if path.suffix not in PICKLED and tokenizer is None:
        metadata, tensors = read_tensors(path)
        if metadata.get("format") == FORMAT:
            theirs = read_config(path, metadata)
            phrases = difference(json.loads(theirs.to_json()), json.loads(config.to_json()))
            return tensors, {phrase.partition(" ")[0]: phrase for phrase in phrases}
    if config.prefix != "tokenizer" or config.tokenizer.decoder != "var":
        raise CheckpointError(
            f"{path} is no {FORMAT} model, and a released one fits a recipe with prefix 'tokenizer' and decoder 'var' "
            f"alone, got {config.prefix!r} and {config.tokenizer.decoder!r}"
        )
    return convert_released(path, tokenizer=tokenizer, config=config).state_dict(), {}


def _has(names: Iterable[str], beginning: str) -> bool:
    """Whether any tensor begins so; the image network has the same meaning in every model."""
    return any(name.startswith(beginning) and not name.startswith(BACKBONE) for name in names)


def _summary(names: Iterable[str]) -> str:
    """Names of tensors by their part of the model, with how many there are."""
    parts: dict[str, int] = {}
    for name in names:
        part = ".".join(name.split(".")[:2]) if name.startswith(("tokenizer.", "image.")) else name.partition(".")[0]
        parts[part] = parts.get(part, 0) + 1
    return ", ".join(f"{part} ({count})" for part, count in parts.items()) or "nothing"
