"""What a run is told: the settings of a stage, which are part of the recipe, and the options of this run."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

from depthart_core.decoding import DECODES
from depthart_core.errors import ConfigError
from depthart_core.objective import OBJECTIVES
from training.data.augment import Views


@dataclass(frozen=True)
class StageSettings:
    """How one stage is trained.

    Attributes:
        steps: Optimiser steps after which the stage is complete.
        batch_size: Samples of a batch on each process; a step has `--accumulate` of them.
        learning_rate: Peak, after the warm-up; falls to 2 % of it along a cosine.
        backbone_factor: Of the learning rate, for the image network and the decoder ("transformer").
        weight_decay: AdamW's.
        warmup_steps: Linear rise at the start.
        clip_norm: Largest norm of the gradient.
        ema: Decay of the averaged weights.
        objective: "depthart" or "teacher_forcing" ("transformer").
        rollout: How the rollout chooses codes ("transformer").
        last_scale_weight: Of the last scale's squared error ("transformer").
        pixel_weight: Of the decoded depth's absolute error ("transformer").
        train_decoder: Whether the decoder follows the pixel term ("transformer").
        keep_codes: Whether the codebook goes on from that of the model it starts from, instead of anew ("tokenizer").
        smallest_crop: See `Views`.
        turn_share: See `Views`.
    """

    steps: int
    batch_size: int
    learning_rate: float
    backbone_factor: float = 0.3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    clip_norm: float = 1.0
    ema: float = 0.998
    objective: str = "depthart"
    rollout: str = "expected"
    last_scale_weight: float = 10.0
    pixel_weight: float = 0.0
    train_decoder: bool = False
    keep_codes: bool = False
    smallest_crop: float = Views.smallest_crop
    turn_share: float = Views.turn_share

    def __post_init__(self) -> None:
        """Refuse names that are not known, and numbers that make no sense.

        Raises:
            ConfigError: Names the field, its value and what was expected.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            kind, least = (int, 1) if item.name in ("steps", "batch_size", "warmup_steps") else ((int, float), 0)
            if item.type == "bool" and not isinstance(value, bool):
                raise ConfigError(f"{item.name} must be true or false, got {value!r}")
            number = item.type in ("int", "float")
            if number and (isinstance(value, bool) or not isinstance(value, kind) or not least <= value < math.inf):
                raise ConfigError(
                    f"{item.name} must be a {'whole ' * (least == 1)}number from {least} up, got {value!r}"
                )
        for name in ("smallest_crop", "turn_share"):
            if getattr(self, name) > 1.0:
                raise ConfigError(f"{name} must be a number from 0 to 1, got {getattr(self, name)!r}")
        if not self.smallest_crop > 0.0:
            raise ConfigError(f"smallest_crop must be above 0, got {self.smallest_crop!r}")
        if self.objective not in OBJECTIVES:
            raise ConfigError(f"objective must be one of {', '.join(OBJECTIVES)}, got {self.objective!r}")
        if self.rollout not in DECODES:
            raise ConfigError(f"rollout must be one of {', '.join(DECODES)}, got {self.rollout!r}")


@dataclass(frozen=True)
class RunOptions:
    """Where and how long.

    Attributes:
        out: Folder of checkpoints, log and model.
        minutes: Time budget of the whole stage, without that of validation; the learning rate falls to its end by
            then at the latest.
        device: "auto", or such as "cpu" or "cuda".
        precision: "bf16" (autocast), "fp32", or "auto": what the device is faster with.
        seed: Of order, augmentation and a rollout that samples.
        workers: Processes that decode.
        accumulate: Batches whose gradients make one step.
    """

    out: Path
    minutes: float = math.inf
    device: str = "auto"
    precision: str = "auto"
    seed: int = 0
    workers: int = 1
    accumulate: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            ConfigError: Names the option, its value and what was expected.
        """
        if not self.minutes > 0:
            raise ConfigError(f"minutes must be above 0, got {self.minutes}")
        for name, least in (("seed", 0), ("workers", 0), ("accumulate", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be a whole number from {least} up, got {getattr(self, name)}")
