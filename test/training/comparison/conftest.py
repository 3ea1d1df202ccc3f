"""The plan of a comparison at toy size."""

import json

import pytest

from training.comparison.plan import Plan


@pytest.fixture
def plan(toy_config, toy_model_path, shard_of, tmp_path):
    recipe = tmp_path / "recipe.json"
    stage = {"steps": 9, "batch_size": 2, "learning_rate": 1e-3, "pixel_weight": 1.0, "train_decoder": True}
    recipe.write_text(json.dumps({"model": json.loads(toy_config.to_json()), "transformer": stage}))
    shard = str(shard_of(3))
    return Plan(
        recipe=str(recipe),
        tokenizer=str(toy_model_path),
        train=(shard,),
        data=(f"rooms={shard}",),
        seeds=(0, 1),
        samples=4,
        points=(0.5, 1.0),
        frames=2,
        precision="fp32",
    )
