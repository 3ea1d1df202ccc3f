"""The released DepthART code (arXiv 2409.15010), loaded from a checkout elsewhere to be compared with."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from depthart_core.config import ModelConfig

CODE = Path("mde/models/train_models")
"""Of a checkout: the folder with the package of its model."""


class MissingReferenceError(Exception):
    """The released code is not there or does not load."""


def open_reference(checkout: Path, weights: Path | None = None) -> Any:
    """The released model, as large as our d16.

    Args:
        checkout: Of the released code.
        weights: File that it reads by its own means; None: random weights.

    Raises:
        MissingReferenceError: No such checkout, or a package it needs is missing.
    """
    if not (checkout / CODE / "var_utils").is_dir():
        raise MissingReferenceError(f"--reference {checkout} is no checkout of the released DepthART: it has no {CODE}")
    if str(checkout / CODE) not in sys.path:
        sys.path.insert(0, str(checkout / CODE))
    try:
        package = importlib.import_module("var_utils")
    except ModuleNotFoundError as error:
        raise MissingReferenceError(
            f"the reference needs the package {error.name}: pip install {error.name}"
        ) from error
    config = ModelConfig()
    tokenizer, transformer = config.tokenizer, config.transformer
    layers = {
        "z_channels": tokenizer.code_channels,
        "num_res_blocks": tokenizer.encoder_blocks,
        "ch": tokenizer.channels,
        "ch_mult": tokenizer.channel_multipliers,
    }
    mix = {"quant_resi": tokenizer.quantizer_mix, "share_quant_resi": tokenizer.quantizer_convs}
    model = package.DepthART(
        package.VQVAE(layers, {"using_znorm": False, "resiconfig": mix}, v_patch_nums=tokenizer.scale_sizes),
        patch_nums=tokenizer.scale_sizes,
        BlockConfig={"num_heads": transformer.heads, "tau": transformer.temperature},
        ckpt_path=None if weights is None else str(weights),
    )
    return model.eval().requires_grad_(False)
