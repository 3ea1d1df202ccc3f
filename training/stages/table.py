"""The stages of the training that there are."""

from __future__ import annotations

from collections.abc import Callable

from training.settings import StageSettings
from training.stages.heads import HeadsStage
from training.stages.stage import Stage
from training.stages.tokenizer import TokenizerStage
from training.stages.transformer import TransformerStage

STAGES: dict[str, Callable[[StageSettings], Stage]] = {
    "tokenizer": TokenizerStage,
    "transformer": TransformerStage,
    "heads": HeadsStage,
}
"""By name, in the order of training."""


def make_stage(name: str, settings: StageSettings) -> Stage:
    """The stage of that name, one of `STAGES`."""
    return STAGES[name](settings)
