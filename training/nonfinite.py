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
from training.distributed import Processes
from training.settings import RunOptions


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

    def save(self, number: int, stem: Path, processes: Processes, options: RunOptions, *, batch_size: int) -> Path:
        """Write that step's samples as JSON, with the numbers that give the same pictures again.

        Args:
            number: The step's.
            stem: Where to, without ".bad_batch.json" (of several processes each writes its own).
            processes: That learnt.
            options: Of the run.
            batch_size: On each process.

        Returns:
            Where it is.
        """
        suffix = f".{processes.rank}" if processes.world_size > 1 else ""
        path = stem.with_name(f"{stem.name}.bad_batch{suffix}.json")
        values = {
            "step": number,
            "seed": options.seed,
            "rank": processes.rank,
            "processes": processes.world_size,
            "accumulate": options.accumulate,
            "batch_size": batch_size,
            "names": [name for step in self.recent if step.number == number for name in step.names],
        }
        write_atomically(path, json.dumps(values, indent=1).encode())
        return path
