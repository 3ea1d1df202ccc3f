"""What a comparison consists of; written beside its results, so that only the same comparison goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from depthart_core.errors import DepthartError
from depthart_core.model_files import model_path, write_atomically
from training.precision import choose_precision

CONTENDERS = ("depthart", "teacher_forcing", "regressor")
EQUALS = ("flops", "samples")
T = TypeVar("T")
TRAINED = "trained"
"""In place of a model with a tokenizer: one is trained first, by the recipe, from the same pictures."""


class ComparisonError(DepthartError):
    """A comparison that cannot start or go on."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides the results.

    Attributes:
        recipe: File with the model and the settings of the transformer stage.
        tokenizer: Model, by name or file, whose tokenizer and decoder all start from, or `TRAINED`.
        train: Shards to train on.
        data: NAME=PATH of the sets to score on.
        contenders: Of `CONTENDERS`.
        seeds: Of weights, order, augmentation and sampling.
        samples: Pictures that "depthart" (if it takes part, else the first contender) learns from.
        equal: What all contenders get the same amount of, one of `EQUALS`.
        points: Shares of the training at which each run is scored, rising, the last one 1.
        frames: At most so many of each set are scored, spread evenly over it.
        batch_size: Samples a step; None leaves the recipe's.
        learning_rate: Peak; None leaves the recipe's.
        pixel_weight: Of the decoded depth's error, for all but the regressor; None leaves the recipe's.
        precision: Of the training, one of `PRECISIONS`; scores are always computed in float32.
    """

    recipe: str
    tokenizer: str
    train: tuple[str, ...]
    data: tuple[str, ...]
    contenders: tuple[str, ...] = CONTENDERS
    seeds: tuple[int, ...] = (0, 1, 2)
    samples: int = 5000
    equal: str = "flops"
    points: tuple[float, ...] = (0.25, 0.5, 1.0)
    frames: int = 100
    batch_size: int | None = None
    learning_rate: float | None = None
    pixel_weight: float | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Check what a command line can get wrong.

        Raises:
            ComparisonError: Names the field, its value and what was expected.
        """
        unknown = [name for name in self.contenders if name not in CONTENDERS]
        if unknown or not self.contenders or not self.seeds:
            raise ComparisonError(f"expected contenders of {', '.join(CONTENDERS)} and seeds, got {self.contenders}")
        if min(self.seeds) < 0:
            raise ComparisonError(f"expected seeds from 0 up, got {self.seeds}")
        if self.equal not in EQUALS:
            raise ComparisonError(f"equal must be one of {', '.join(EQUALS)}, got {self.equal!r}")
        rising = list(self.points) == sorted(set(self.points))
        if not self.points or not rising or self.points[0] <= 0 or self.points[-1] != 1:
            raise ComparisonError(f"points must rise from above 0 to 1, got {self.points}")
        if self.samples < 1 or self.frames < 1:
            raise ComparisonError(f"expected samples and frames above 0, got {self.samples} and {self.frames}")


def settle_precision(plan: Plan, out: Path, device: torch.device) -> Plan:
    """The plan with "auto" decided: as the results in its folder were trained, else by the device."""
    if plan.precision != "auto":
        return plan
    path = out / "plan.json"
    kept = read_json(path, dict).get("precision", "auto") if path.exists() else "auto"
    return replace(plan, precision=choose_precision(kept, device))


def keep_plan(plan: Plan, out: Path) -> None:
    """Write the plan into the folder of its results, or make sure that it is the one that stands there.

    Raises:
        CheckpointError: There is no such tokenizer.
        ComparisonError: The folder holds the results of another comparison, and what differs is named; or its plan is
            damaged.
    """
    path, values = out / "plan.json", json.loads(json.dumps({**asdict(plan), "contents": _contents(plan)}))
    if path.exists():
        there = read_json(path, dict)
        differing = [name for name in values if there.get(name) != values[name]]
        if differing:
            changes = "; ".join(f"{name} was {there.get(name)!r}, now {values[name]!r}" for name in differing)
            raise ComparisonError(f"{out} holds another comparison ({changes}): choose another --out")
        return
    write_json(path, values)


def _contents(plan: Plan) -> dict[str, str]:
    """Hashes of the files that decide the results: each could be another one under the same name."""
    files = {"recipe": Path(plan.recipe)}
    if plan.tokenizer != TRAINED:
        files["tokenizer"] = model_path(plan.tokenizer)
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def read_json(path: Path, make: Callable[[Any], T]) -> T:
    """What a file that `write_json` wrote holds.

    Args:
        path: Of the file.
        make: What is there to what is wanted.

    Raises:
        ComparisonError: It is damaged.
    """
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, AttributeError) as error:
        raise ComparisonError(f"{path} is damaged ({error}): remove it, and what it held is made again") from error


def write_json(path: Path, values: object) -> None:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(values, indent=1) + "\n").encode())
