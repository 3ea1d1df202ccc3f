"""How logits become code vectors: a decoding maps logits (B, L, V) and the codebook (V, C) to codes (B, L, C)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from depthart_core.autocasting import without_autocast
from depthart_core.errors import BackendError
from depthart_core.inference import DECODES

Decoding = Callable[[Tensor, Tensor], Tensor]


def expected(logits: Tensor, codebook: Tensor) -> Tensor:
    """The mean code (B, L, C) under the softmax: deterministic, the limit of averaging ever more samples."""
    with without_autocast(logits.device.type):  # as the other decodings, which multiply nothing
        return logits.float().softmax(-1).to(codebook.dtype) @ codebook


def argmax(logits: Tensor, codebook: Tensor) -> Tensor:
    """The most likely code, (B, L, C)."""
    return functional.embedding(logits.argmax(-1), codebook)


@dataclass(frozen=True)
class Sample:
    """The reference's choice: the mean of a few codes drawn with top-k and top-p (nucleus) filtering.

    Attributes:
        top_k: Keep the k most likely codes.
        top_p: Of these, keep the smallest set that holds this probability.
        samples: Codes drawn per token.
        generator: Where the randomness comes from; None: PyTorch's global state.
    """

    top_k: int = 900
    top_p: float = 0.9
    samples: int = 5
    generator: torch.Generator | None = None

    def __call__(self, logits: Tensor, codebook: Tensor) -> Tensor:
        """Draw and average."""
        probabilities = self.filtered(logits).flatten(0, 1)
        draws = torch.multinomial(probabilities, self.samples, replacement=True, generator=self.generator)
        codes = functional.embedding(draws, codebook).mean(1)
        return codes.view(*logits.shape[:2], -1)

    def filtered(self, logits: Tensor) -> Tensor:
        """Probabilities (B, L, V) after top-k and top-p; what is cut is 0, the rest sums to 1."""
        values, order = logits.float().sort(dim=-1, descending=True)
        values[..., self.top_k :] = -torch.inf
        probabilities = values.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities
        probabilities = probabilities.masked_fill(before >= self.top_p, 0.0)
        probabilities = probabilities / probabilities.sum(-1, keepdim=True)
        return torch.zeros_like(probabilities).scatter(-1, order, probabilities)


def decoding(name: str, *, seed: int = 0, device: str = "cpu") -> Decoding:
    """The decoding of that name.

    Raises:
        BackendError: An unknown name.
    """
    if name == "expected":
        return expected
    if name == "argmax":
        return argmax
    if name == "sample":
        return Sample(generator=torch.Generator(device).manual_seed(seed))
    raise BackendError(f"decode must be one of {', '.join(DECODES)}, got {name!r}")
