"""Losses and gradients that are not finite, found without waiting for the device at every step."""

from __future__ import annotations

import io
from collections import deque
from pathlib import Path

import torch
from torch import Tensor

from depthart_core.model_files import write_atomically
from training.data.loader import Batch


class NonFiniteDetector:
    """Keeps the last losses, the batches they came from, and the norms of the gradients.

    Args:
        length: How many losses one look must cover.
    """

    def __init__(self, length: int) -> None:
        self.recent: deque[tuple[int, Tensor, Batch]] = deque(maxlen=length)
        self.norms: deque[tuple[int, Tensor]] = deque(maxlen=length)

    def add(self, step: int, loss: Tensor, batch: Batch) -> None:
        """Remember one loss, without looking at it."""
        self.recent.append((step, loss.detach(), batch))

    def add_norm(self, step: int, norm: Tensor) -> None:
        """Remember the norm of a step's gradient: it may be NaN where the loss is not."""
        self.norms.append((step, norm.detach()))

    def first_bad(self) -> int | None:
        """The first remembered step whose loss or gradient is not finite; waits for the device."""
        values = [*((step, loss) for step, loss, _ in self.recent), *self.norms]
        finite = torch.stack([value.float() for _, value in values]).isfinite().tolist()
        return min((step for (step, _), fine in zip(values, finite, strict=True) if not fine), default=None)

    def save(self, step: int, path: Path) -> None:
        """Write what that step learnt from: rgb, depth, intrinsics and names."""
        batches = [batch for number, _, batch in self.recent if number == step]
        values = {
            "rgb": torch.cat([batch.rgb for batch in batches]),
            "depth": torch.cat([batch.depth for batch in batches]),
            "intrinsics": torch.cat([batch.intrinsics for batch in batches]),
            "names": [name for batch in batches for name in batch.names],
        }
        data = io.BytesIO()
        torch.save(values, data)
        write_atomically(path, data.getvalue())
