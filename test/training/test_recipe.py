"""Recipes: those in the repository, and wrong ones."""

import json
from pathlib import Path

import pytest

from depthart_core.config import ModelConfig
from depthart_core.errors import ConfigError
from training.recipe import read_recipe

CONFIGS = Path(__file__).parents[2] / "training" / "configs"


def test_the_recipe_of_nano_is_readable():
    recipe = read_recipe(CONFIGS / "nano.json")
    assert recipe.model.tokenizer.input_size == 256
    assert recipe.stage("transformer").objective == "depthart"


def test_the_recipe_of_d16_is_for_the_released_model():
    recipe = read_recipe(CONFIGS / "d16_finetune.json")
    assert recipe.model == ModelConfig()
    assert recipe.stage("transformer").last_scale_weight == 10.0
    with pytest.raises(ConfigError, match="no stage 'tokenizer', it has: transformer"):
        recipe.stage("tokenizer")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokenizer": {"steps": 1, "batch_size": 1, "learning_rate": 1, "epochs": 3}}, "unknown fields.*epochs"),
        ({"transformer": {"steps": 1, "batch_size": 1, "learning_rate": 1, "objective": "magic"}}, "objective.*magic"),
        ({"transformer": {"steps": 1}}, "batch_size"),
        (
            {"transformer": {"steps": "1", "batch_size": 1, "learning_rate": 1}},
            "steps must be a whole number from 1 up",
        ),
        ({"transformer": {"steps": 1, "batch_size": 0, "learning_rate": 1}}, "batch_size must be .* from 1 up, got 0"),
        ({"transformer": {"steps": 1, "batch_size": 1, "learning_rate": -1}}, "learning_rate must be .* got -1"),
        ({"transformer": 5}, "transformer must be a table of settings, got 5"),
        (
            {"transformer": {"steps": 0, "batch_size": 1, "learning_rate": 1}},
            r"recipe.json: transformer: steps must be",
        ),
        ({"model": {}}, r"recipe.json: model: config must have"),
        ({"model": None}, r"recipe.json: model: config must have"),
        ({"extra": 1}, "must have model and at least one of tokenizer, transformer"),
    ],
)
def test_a_wrong_recipe_is_named(change, message, tmp_path, toy_config):
    settings = {"steps": 1, "batch_size": 1, "learning_rate": 0.1}
    values = {"model": json.loads(toy_config.to_json()), "tokenizer": settings, "transformer": settings}
    (tmp_path / "recipe.json").write_text(json.dumps(values | change))
    with pytest.raises(ConfigError, match=message):
        read_recipe(tmp_path / "recipe.json")
