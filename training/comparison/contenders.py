"""The contenders, each from the same start: tokenizer, decoder, ImageNet features, fresh weights of the same seed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from depthart_core.checkpoint import read_tensors
from depthart_core.config import ModelConfig
from depthart_core.efficientnet import EfficientNetLite0
from depthart_core.model import DepthART
from depthart_core.model_files import model_path, read_config
from training.backbone import load_imagenet
from training.comparison.plan import ComparisonError, Plan
from training.recipe import Recipe, read_recipe
from training.settings import StageSettings
from training.stages.regressor import Regressor, RegressorStage
from training.stages.stage import Stage
from training.stages.table import make_stage

STAGE = "transformer"
FED = "decoder.conv_in."
"""What the regressor's decoder has of its own: it is fed with more channels than codes have."""


@dataclass(frozen=True)
class Contender:
    """What a run trains.

    Attributes:
        name: Of `training.comparison.plan.CONTENDERS`.
        model: Fresh, on the CPU.
        stage: Its objective.
        settings: Of the optimiser, the same for all.
    """

    name: str
    model: nn.Module
    stage: Stage
    settings: StageSettings


def make_contender(name: str, plan: Plan, seed: int) -> Contender:
    """A contender at its start; the same seed gives "depthart" and "teacher_forcing" the same weights.

    Raises:
        ConfigError: The recipe is unreadable or has no transformer stage.
        CheckpointError: The model with the tokenizer is missing, damaged or none of ours.
        ComparisonError: That tokenizer does not fit the recipe's model.
        ModuleNotFoundError: The ImageNet weights (extra `train`) are not installed.
    """
    recipe = read_recipe(Path(plan.recipe))
    config = dataclasses.replace(recipe.model, heads=False)
    settings = settings_of(name, plan, recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Regressor(config) if name == "regressor" else DepthART(config)
    backbone = getattr(model.image, "backbone", None)
    if isinstance(backbone, EfficientNetLite0):
        load_imagenet(backbone)
    _take_tokenizer(model, config, model_path(plan.tokenizer))
    stage: Stage = RegressorStage(settings) if name == "regressor" else make_stage(STAGE, settings)
    return Contender(name, model, stage, settings)


def settings_of(name: str, plan: Plan, recipe: Recipe) -> StageSettings:
    """The recipe's settings with what the plan says otherwise.

    Raises:
        ConfigError: The recipe has no transformer stage, or the plan's numbers make no sense.
    """
    chosen = {field: getattr(plan, field) for field in ("batch_size", "learning_rate", "pixel_weight")}
    changes = {field: value for field, value in chosen.items() if value is not None}
    if name != "regressor":
        changes["objective"] = name
    return dataclasses.replace(recipe.stage(STAGE), **changes)


def _take_tokenizer(model: nn.Module, config: ModelConfig, path: Path) -> None:
    """Start from a trained tokenizer; the regressor takes the decoder but for the layer that it is fed through."""
    metadata, tensors = read_tensors(path)
    given = read_config(path, metadata).tokenizer
    if given != config.tokenizer:
        raise ComparisonError(f"{path}: its tokenizer is {given}, the recipe's {config.tokenizer}")
    found = {name: value.float() for name, value in tensors.items() if name.startswith("tokenizer.")}
    if isinstance(model, Regressor):
        found = _of_decoder(found)
    own = set(model.state_dict())
    strange = sorted(set(found) - own)
    if strange or not found:
        raise ComparisonError(f"{path}: tokenizer weights {strange[:4]} have no place in the model, expected all to")
    model.load_state_dict(found, strict=False)


def _of_decoder(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    named = {name.removeprefix("tokenizer."): value for name, value in tensors.items()}
    return {name: v for name, v in named.items() if name.startswith("decoder.") and not name.startswith(FED)}
