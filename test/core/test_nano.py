"""The budget of nano: operations of its recipe, size of its file."""

from pathlib import Path

import pytest
import torch

from depthart_core.checkpoint import load_model
from depthart_core.model import DepthART
from depthart_core.model_files import PACKAGED
from training.operations import counted
from training.recipe import read_recipe

RECIPE = Path(__file__).parents[2] / "training" / "configs" / "nano.json"


@pytest.fixture(scope="module")
def packaged() -> Path:
    return PACKAGED / "nano.safetensors"


def test_an_image_takes_at_most_20_billion_operations():
    model = DepthART(read_recipe(RECIPE).model).eval().requires_grad_(False)
    _, operations = counted(lambda: model(torch.zeros(1, 3, 256, 256)))
    assert 1e9 < operations <= 20e9


def test_the_file_is_small_and_has_a_card(packaged):
    assert packaged.stat().st_size <= 20e6
    assert packaged.with_suffix(".md").is_file()


def test_the_file_is_what_the_recipe_makes(packaged):
    assert load_model(packaged).config == read_recipe(RECIPE).model
