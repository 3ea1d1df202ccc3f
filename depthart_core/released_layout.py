"""The layout of the released files: which of their keys is which of our parameters, and every key's shape.

Source: the key list of the released model (DepthART, arXiv 2409.15010) and of VAR (arXiv 2404.02905), which it extends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from depthart_core.config import ModelConfig, TokenizerConfig

Shape = tuple[int, ...]
Shapes = dict[str, Shape]

CLASSES = 1001
"""Rows of the class embedding; the last one is "no class", the only one this model uses."""
TOKENIZER = "vae_proxy."
"""Before the tokenizer's keys in a DepthART file; the tokenizer's own file goes without."""
QUANTIZER_COPY = ("vae_quant_proxy.", "vae_proxy.quantize.")
"""The same tensors under both; a writer may have dropped either."""

_TOKENIZER_PARTS = (
    (".blocks.", ".block."),
    (".attentions.", ".attn."),
    (".middle.0.", ".mid.block_1."),
    (".middle.1.", ".mid.attn_1."),
    (".middle.2.", ".mid.block_2."),
    (".output.0.", ".norm_out."),
    (".output.2.", ".conv_out."),
    (".shortcut.", ".nin_shortcut."),
    (".proj.", ".proj_out."),
    ("quantizer.codebook", "quantize.embedding.weight"),
    ("quantizer.phi.", "quantize.quant_resi.qresi_ls."),
)
_BLOCK_PARTS = {
    "attention.q.bias": "attn.q_bias",
    "attention.v.bias": "attn.v_bias",
    "attention.proj.weight": "attn.proj.weight",
    "attention.proj.bias": "attn.proj.bias",
    "mlp.0.weight": "ffn.fc1.weight",
    "mlp.0.bias": "ffn.fc1.bias",
    "mlp.2.weight": "ffn.fc2.weight",
    "mlp.2.bias": "ffn.fc2.bias",
}
_SINGLE_PARTS = {
    "embed.weight": "word_embed.weight",
    "embed.bias": "word_embed.bias",
    "transformer.head.weight": "head.weight",
    "transformer.head.bias": "head.bias",
}


def _tokenizer_key(name: str, config: TokenizerConfig) -> str:
    """Released key, without prefix, of one of our tokenizer's parameters (without "tokenizer.")."""
    last = len(config.channel_multipliers) - 1

    def level(match: re.Match[str]) -> str:
        part, kind, number = match.group(1), match.group(2), int(match.group(3))
        place = f"encoder.down.{number}" if part == "encoder" else f"decoder.up.{last - number}"
        return {"levels": place, "downsamples": f"{place}.downsample.conv", "upsamples": f"{place}.upsample.conv"}[kind]

    key = re.sub(r"^(encoder|decoder)\.(levels|downsamples|upsamples)\.(\d+)", level, name)
    for ours, released in _TOKENIZER_PARTS:
        key = key.replace(ours, released)
    return key


def tokenizer_keys(config: ModelConfig, ours: Iterable[str]) -> dict[str, str]:
    """Those of our parameters that are the tokenizer's -> released keys, without prefix."""
    start = "tokenizer."
    return {name: _tokenizer_key(name.removeprefix(start), config.tokenizer) for name in ours if name.startswith(start)}


def copied_transformer_keys(config: ModelConfig) -> dict[str, str]:
    """Our parameters that are copied as they are -> released keys, of all but the tokenizer."""
    blocks = range(config.transformer.blocks)
    in_blocks = {
        f"transformer.blocks.{i}.{ours}": f"blocks.{i}.{released}"
        for i in blocks
        for ours, released in _BLOCK_PARTS.items()
    }
    return {**_SINGLE_PARTS, **in_blocks}


def tokenizer_shapes(config: ModelConfig, ours: Mapping[str, Shape]) -> Shapes:
    """Shapes of a tokenizer file; `ours` are the shapes of our parameters."""
    shapes = {key: ours[name] for name, key in tokenizer_keys(config, ours).items()}
    hits = (config.tokenizer.scales, config.tokenizer.codebook_size)
    return {**shapes, "quantize.ema_vocab_hit_SV": hits}


def transformer_shapes(config: ModelConfig, ours: Mapping[str, Shape]) -> Shapes:
    """Shapes of everything but the tokenizer; `ours` are the shapes of our parameters."""
    width, tokens = config.transformer.width, sum(config.tokenizer.tokens)
    shapes: Shapes = {released: ours[name] for name, released in copied_transformer_keys(config).items()}
    shapes |= {
        "pos_start": (1, 1, width),
        "pos_1LC": (1, tokens, width),
        "lvl_1L": (1, tokens),
        "lvl_embed.weight": (config.tokenizer.scales, width),
        "class_emb.weight": (CLASSES, width),
        "head_nm.ada_lin.1.weight": (2 * width, width),
        "head_nm.ada_lin.1.bias": (2 * width,),
    }
    for i in range(config.transformer.blocks):
        shapes |= {
            f"blocks.{i}.ada_lin.1.weight": (6 * width, width),
            f"blocks.{i}.ada_lin.1.bias": (6 * width,),
            f"blocks.{i}.attn.mat_qkv.weight": (3 * width, width),
            f"blocks.{i}.attn.zero_k_bias": (width,),
        }
    return shapes


def depthart_shapes(config: ModelConfig, ours: Mapping[str, Shape]) -> Shapes:
    """Shapes of a DepthART file with one copy of the quantizer; `ours` are the shapes of our parameters."""
    inside = {TOKENIZER + key: shape for key, shape in tokenizer_shapes(config, ours).items()}
    return {**inside, **transformer_shapes(config, ours)}


def unused_var_shapes(config: ModelConfig) -> Shapes:
    """Shapes of what VAR's transformer file may carry beside and this model has no use for."""
    tokens = sum(config.tokenizer.tokens)
    heads = {
        f"blocks.{i}.attn.scale_mul_1H11": (1, config.transformer.heads, 1, 1) for i in range(config.transformer.blocks)
    }
    return {"attn_bias_for_masking": (1, 1, tokens, tokens), **heads}
