"""Recipes: a model and the settings of the stages that train it, read from one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from depthart_core.config import ModelConfig
from depthart_core.errors import ConfigError
from training.settings import StageSettings
from training.stages.table import STAGES


@dataclass(frozen=True)
class Recipe:
    """A model and its stages.

    Attributes:
        model: What is trained.
        stages: Settings by the stage's name; those of `training.stages.table.STAGES` that this recipe uses.
    """

    model: ModelConfig
    stages: Mapping[str, StageSettings]

    def stage(self, name: str) -> StageSettings:
        """Settings of a stage.

        Raises:
            ConfigError: The recipe does not use it.
        """
        if name not in self.stages:
            raise ConfigError(f"the recipe has no stage {name!r}, it has: {', '.join(self.stages)}")
        return self.stages[name]


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: No such file, not JSON, or a field that is missing or unknown.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no readable recipe: {error}") from error
    known = {"model", *STAGES}
    if not isinstance(values, dict) or "model" not in values or len(values) < 2 or not set(values) <= known:
        got = sorted(values) if isinstance(values, dict) else values
        raise ConfigError(f"{path} must have model and at least one of {', '.join(STAGES)}, got {got}")
    stages = {name: _settings(values[name], f"{path}: {name}") for name in STAGES if name in values}
    try:
        model = ModelConfig.from_json(json.dumps(values["model"]))
    except ConfigError as error:
        raise ConfigError(f"{path}: model: {error}") from error
    return Recipe(model, stages)


def _settings(values: object, where: str) -> StageSettings:
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must be a table of settings, got {values!r}")
    known = {field.name for field in fields(StageSettings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(f"{where} has unknown fields {unknown}; known: {sorted(known)}")
    try:
        return StageSettings(**values)
    except (TypeError, ConfigError) as error:
        raise ConfigError(f"{where}: {error}") from error
