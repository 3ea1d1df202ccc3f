"""The autoregressive transformer with an explicit KV cache.

The released model's class is constant ("no class"), so its adaptive normalisation is a constant too: here it is
already folded into the weight and bias of each LayerNorm and a gain on each branch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.config import TransformerConfig


class Cache(Protocol):
    """Keys and values of the tokens that were read, of all blocks."""

    def extend(self, block: int, start: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store the tokens from `start` on and return all keys and values up to their end.

        Args:
            block: Number of the transformer's block.
            start: Place of the first of these tokens in the whole sequence.
            keys: (B, heads, L, head size).
            values: Likewise.
        """
        ...


class KVCache:
    """Keys and values of all blocks: per block (B, heads, L, head size), allocated when the first ones come, like them.

    Args:
        blocks: Number of blocks.
        length: Number L of tokens it can hold.
    """

    def __init__(self, blocks: int, length: int) -> None:
        self._blocks, self._length = blocks, length
        self._data: Tensor | None = None

    def extend(self, block: int, start: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store the tokens from `start` on and return all keys and values up to their end, as views."""
        batch, heads, count, size = keys.shape
        end = start + count
        assert end <= self._length, f"cache holds {self._length} tokens, got {end}"
        if self._data is None:
            self._data = keys.new_empty((self._blocks, 2, batch, heads, self._length, size))
        stored = self._data[block]
        stored[0, :, :, start:end] = keys
        stored[1, :, :, start:end] = values
        return stored[0, :, :, :end], stored[1, :, :, :end]


class GrowingCache:
    """Keys and values that grow by concatenation: nothing is written in place, which exported graphs cannot express."""

    def __init__(self) -> None:
        self.stored: dict[int, tuple[Tensor, Tensor]] = {}

    def extend(self, block: int, start: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append the tokens and return all keys and values."""
        if block in self.stored:
            old_keys, old_values = self.stored[block]
            assert old_keys.shape[2] == start, f"cache holds {old_keys.shape[2]} tokens, got those from {start} on"
            keys, values = torch.cat([old_keys, keys], dim=2), torch.cat([old_values, values], dim=2)
        self.stored[block] = keys, values
        return keys, values


def weigh_by_products(query: Tensor, keys: Tensor, values: Tensor, *, attn_mask: Tensor | None, scale: float) -> Tensor:
    """What PyTorch's scaled dot-product attention gives, as two products with a softmax between them.

    On a processor PyTorch's own takes twice as long in bfloat16; the softmax computes in float32 inside.
    """
    scores = (query * scale) @ keys.transpose(-1, -2)
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    return scores.softmax(-1) @ values


class Attention(nn.Module):
    """Multi-head attention; Q and V have a bias, K has none.

    Attributes:
        weigh: The attention itself, of query, keys and values (B, heads, L, head size): PyTorch's or
            `weigh_by_products`.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads, self.scale = config.heads, config.attention_scale
        self.weigh: Callable[..., Tensor] = functional.scaled_dot_product_attention
        self.q = nn.Linear(config.width, config.width)
        self.k = nn.Linear(config.width, config.width, bias=False)
        self.v = nn.Linear(config.width, config.width)
        self.proj = nn.Linear(config.width, config.width)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D) -> keys and values (B, heads, L, head size)."""
        return self._split(self.k(x)), self._split(self.v(x))

    def attend(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Let tokens (B, L, D) look at keys and values (B, heads, M, head size); mask (L, M) is True where allowed."""
        y = self.weigh(self._split(self.q(x)), keys, values, attn_mask=mask, scale=self.scale)
        result: Tensor = self.proj(y.transpose(1, 2).flatten(2))
        return result

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Block(nn.Module):
    """Attention and MLP, each behind a LayerNorm and with a gain per channel."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=1e-6)
        self.attention = Attention(config)
        self.gain1 = nn.Parameter(torch.ones(config.width))
        self.norm2 = nn.LayerNorm(config.width, eps=1e-6)
        hidden = config.width * config.mlp_ratio
        self.mlp = nn.Sequential(
            nn.Linear(config.width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, config.width)
        )
        self.gain2 = nn.Parameter(torch.ones(config.width))

    def forward(
        self, x: Tensor, *, keep: int, cache: tuple[Cache, int, int] | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Apply the block and return its last `keep` tokens: (B, L, D) -> (B, keep, D).

        Args:
            x: Tokens.
            keep: How many tokens at the end are still needed; the others only give keys and values.
            cache: The cache, this block's number in it and the place of the first token; None without a cache.
            mask: (keep, L) True where a kept token may look; None: everywhere.
        """
        y = self.norm1(x)
        keys, values = self.attention.keys_values(y)
        if cache is not None:
            keys, values = cache[0].extend(cache[1], cache[2], keys, values)
        x = x[:, -keep:] + self.gain1 * self.attention.attend(y[:, -keep:], keys, values, mask)
        result: Tensor = x + self.gain2 * self.mlp(self.norm2(x))
        return result


class Transformer(nn.Module):
    """Tokens (B, L, D) -> logits over the codebook (B, keep, V)."""

    def __init__(self, config: TransformerConfig, codebook_size: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        self.head = nn.Linear(config.width, codebook_size)

    def forward(
        self, x: Tensor, *, keep: int, cache: Cache | None = None, start: int = 0, mask: Tensor | None = None
    ) -> Tensor:
        """Logits of the last `keep` of the tokens.

        Args:
            x: Tokens (B, L, D).
            keep: How many tokens at the end want logits.
            cache: Keys and values of the tokens before `start`; those of `x` are added to it.
            start: Place of the first token of `x` in the whole sequence.
            mask: (L, L) True where a token may look; None: everywhere (the cache holds the past alone).
        """
        last = len(self.blocks) - 1
        for i, block in enumerate(self.blocks):
            kept = keep if i == last else x.shape[1]
            rows = mask[-kept:] if mask is not None else None
            x = block(x, keep=kept, cache=None if cache is None else (cache, i, start), mask=rows)
        result: Tensor = self.head(self.norm(x))
        return result


def use_products(transformer: Transformer) -> None:
    """Let every block attend by `weigh_by_products`."""
    for block in transformer.blocks:
        block.attention.weigh = weigh_by_products  # type: ignore[union-attr]


def block_causal_mask(lengths: list[int], device: torch.device) -> Tensor:
    """(L, L) True where a token may look: at its own block and all earlier ones.

    Args:
        lengths: Number of tokens of each block.
        device: Where the mask is wanted.
    """
    block = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(device)
    return block[:, None] >= block[None, :]
