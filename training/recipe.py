"""Recipes: a model and the settings of its two training stages, read from one JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from depthart_core.config import ModelConfig
from depthart_core.decoding import DECODES
from depthart_core.errors import ConfigError
from depthart_core.objective import OBJECTIVES

STAGES = ("tokenizer", "transformer")


@dataclass(frozen=True)
class StageSettings:
    """How one stage is trained.

    Attributes:
        steps: Optimiser steps after which the stage is complete.
        batch_size: Samples a step.
        learning_rate: Peak, after the warm-up; falls to 2 % of it along a cosine.
        backbone_factor: Of the learning rate, for the image network ("transformer").
        weight_decay: AdamW's.
        warmup_steps: Linear rise at the start.
        clip_norm: Largest norm of the gradient.
        ema: Decay of the averaged weights.
        objective: "depthart" or "teacher_forcing" ("transformer").
        rollout: How the rollout chooses codes ("transformer").
        last_scale_weight: Of the last scale's squared error ("transformer").
        pixel_weight: Of the decoded depth's absolute error.
        train_decoder: Whether the decoder follows the pixel term ("transformer").
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

    def __post_init__(self) -> None:
        """Refuse names that are not known.

        Raises:
            ConfigError: Names the field, its value and what was expected.
        """
        if self.objective not in OBJECTIVES:
            raise ConfigError(f"objective must be one of {', '.join(OBJECTIVES)}, got {self.objective!r}")
        if self.rollout not in DECODES:
            raise ConfigError(f"rollout must be one of {', '.join(DECODES)}, got {self.rollout!r}")


@dataclass(frozen=True)
class Recipe:
    """A model and its two stages."""

    model: ModelConfig
    tokenizer: StageSettings
    transformer: StageSettings


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: No such file, not JSON, or a field that is missing or unknown.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path} is no readable recipe: {error}") from error
    if not isinstance(values, dict) or set(values) != {"model", *STAGES}:
        got = sorted(values) if isinstance(values, dict) else values
        raise ConfigError(f"{path} must have exactly the fields model, tokenizer, transformer, got {got}")
    settings = {stage: _settings(values[stage], f"{path}: {stage}") for stage in STAGES}
    return Recipe(ModelConfig.from_json(json.dumps(values["model"])), settings["tokenizer"], settings["transformer"])


def _settings(values: object, where: str) -> StageSettings:
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must be a table of settings, got {values!r}")
    known = {field.name for field in fields(StageSettings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(f"{where} has unknown fields {unknown}; known: {sorted(known)}")
    try:
        return StageSettings(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error
