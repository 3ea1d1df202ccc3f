"""The configuration JSON of a model in the released layout -> ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig
from depthart_core.errors import ConfigError

SHARED_CONVOLUTIONS = 4
"""Of the quantizer, in every released model; other numbers place them on the scales by another rule."""
NUMBERS = ("depth", "embed_dim", "num_heads", "ch", "vocab_size", "z_channels", "num_res_blocks", "mlp_ratio")
LISTS = ("patch_nums", "ch_mult")
FACTORS = ("tau", "quant_resi")
FIELDS = (*NUMBERS, *LISTS, *FACTORS, "share_quant_resi")


def read_released_config(path: Path) -> ModelConfig:
    """Read a configuration in the released words.

    Raises:
        ConfigError: Unreadable, not JSON, a field is unknown or missing, or its value does not fit; it is named.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is not a readable JSON configuration: {error}") from error
    return released_config(values)


def released_config(values: object) -> ModelConfig:
    """Our configuration of the released fields.

    Raises:
        ConfigError: A field is unknown or missing, or its value does not fit; it is named.
    """
    if not isinstance(values, dict) or set(values) != set(FIELDS):
        raise ConfigError(f"the configuration must have exactly the fields {', '.join(FIELDS)}; {_difference(values)}")
    if values["share_quant_resi"] != SHARED_CONVOLUTIONS:
        raise ConfigError(f"share_quant_resi must be {SHARED_CONVOLUTIONS}, got {values['share_quant_resi']!r}")
    number = {name: _number(name, values[name]) for name in NUMBERS}
    factor = {name: _factor(name, values[name]) for name in FACTORS}
    tokenizer = TokenizerConfig(
        scale_sizes=_numbers("patch_nums", values),
        codebook_size=number["vocab_size"],
        code_channels=number["z_channels"],
        channels=number["ch"],
        channel_multipliers=_numbers("ch_mult", values),
        encoder_blocks=number["num_res_blocks"],
        decoder_blocks=number["num_res_blocks"] + 1,
        quantizer_convs=SHARED_CONVOLUTIONS,
        quantizer_mix=factor["quant_resi"],
    )
    transformer = TransformerConfig(
        width=number["embed_dim"],
        heads=number["num_heads"],
        blocks=number["depth"],
        mlp_ratio=number["mlp_ratio"],
        temperature=factor["tau"],
    )
    return ModelConfig(tokenizer, transformer)


def _difference(values: object) -> str:
    if not isinstance(values, dict):
        return f"got {type(values).__name__}"
    unknown, missing = sorted(set(values) - set(FIELDS)), sorted(set(FIELDS) - set(values))
    parts = [f"unknown: {', '.join(map(str, unknown))}"] * bool(unknown)
    return "; ".join(parts + [f"missing: {', '.join(missing)}"] * bool(missing))


def _number(name: str, value: object) -> int:
    if type(value) is not int or value < 1:
        raise ConfigError(f"{name} must be a whole number above 0, got {value!r}")
    return value


def _numbers(name: str, values: Mapping[str, object]) -> tuple[int, ...]:
    items = values[name]
    if not isinstance(items, list):
        raise ConfigError(f"{name} must be a list of whole numbers, got {items!r}")
    return tuple(_number(name, item) for item in items)


def _factor(name: str, value: object) -> float:
    if type(value) not in (int, float) or not 0 < float(value) < float("inf"):  # type: ignore[arg-type]
        raise ConfigError(f"{name} must be a number above 0, got {value!r}")
    return float(value)  # type: ignore[arg-type]
