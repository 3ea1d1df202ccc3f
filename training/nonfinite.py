"""Losses and gradients that are not finite, found without waiting for the device at every step."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from depthart_core.model_files import write_atomically


@dataclass(frozen=True)
class Step:
    """What is remembered of a step.

    Attributes:
        number: Its number.
        loss: Scalar.
        norm: Of the gradient, a scalar that may be NaN where the loss is not.
        names: Of the samples it learnt from; seed and step give the same pictures again.
    """

    number: int
    loss: Tensor
    norm: Tensor
    names: Sequence[str]


class NonFiniteDetector:
    """Keeps the last steps.

    Args:
        length: How many one look must cover.
    """

    def __init__(self, length: int) -> None:
        self.recent: deque[Step] = deque(maxlen=length)

    def add(self, step: Step) -> None:
        """Remember a step, without looking at it."""
        self.recent.append(step)

    def first_bad(self) -> int | None:
        """The first remembered step whose loss or gradient is not finite; waits for the device."""
        values = torch.stack([torch.stack([step.loss, step.norm]) for step in self.recent])
        finite = values.isfinite().all(1).tolist()
        return next((step.number for step, fine in zip(self.recent, finite, strict=True) if not fine), None)

    def save_names(self, number: int, path: Path) -> None:
        """Write the names of the samples of that step, as a JSON list."""
        [names] = (step.names for step in self.recent if step.number == number)
        write_atomically(path, json.dumps(names, indent=1).encode())
