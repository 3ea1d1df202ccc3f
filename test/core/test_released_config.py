"""The configuration JSON in the released words."""

import json

import pytest

from depthart_core.config import ModelConfig
from depthart_core.errors import ConfigError
from depthart_core.released_config import read_released_config, released_config

D16 = {
    "depth": 16, "embed_dim": 1024, "num_heads": 16, "ch": 160, "vocab_size": 4096, "z_channels": 32,
    "patch_nums": [1, 2, 3, 4, 5, 6, 8, 10, 13, 16], "ch_mult": [1, 1, 2, 2, 4], "num_res_blocks": 2,
    "tau": 4, "share_quant_resi": 4, "quant_resi": 0.5, "mlp_ratio": 4,
}  # fmt: skip


def test_the_released_fields_of_d16_are_our_default():
    assert released_config(D16) == ModelConfig()


def test_other_scale_sizes_give_another_input():
    config = released_config({**D16, "patch_nums": [1, 2, 4, 8, 12]})
    assert (config.tokenizer.input_size, config.tokenizer.tokens) == (192, (1, 4, 16, 64, 144))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dropout": 0.1}, "unknown: dropout"),
        ({"share_quant_resi": 1}, "share_quant_resi must be 4, got 1"),
        ({"depth": 1.5}, "depth must be a whole number above 0, got 1.5"),
        ({"depth": True}, "depth must be a whole number"),
        ({"patch_nums": 16}, "patch_nums must be a list"),
        ({"patch_nums": [2, 4]}, "scale_sizes must start with 1"),
        ({"ch_mult": [1, "2"]}, "ch_mult must be a whole number above 0, got '2'"),
        ({"ch_mult": []}, "channels must be multiples of 32"),
        ({"ch": 20}, "channels must be multiples of 32"),
        ({"tau": 0}, "tau must be a number above 0, got 0"),
        ({"quant_resi": "half"}, "quant_resi must be a number above 0, got 'half'"),
        ({"num_heads": 7}, "width must be a multiple of heads, got 1024 and 7"),
    ],
)
def test_a_field_that_does_not_fit_is_named(change, named):
    with pytest.raises(ConfigError, match=named):
        released_config({**D16, **change})


def test_a_missing_field_is_named():
    with pytest.raises(ConfigError, match="missing: num_heads"):
        released_config({name: value for name, value in D16.items() if name != "num_heads"})


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\xff"])
def test_a_file_that_holds_no_configuration_is_refused(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError):
        read_released_config(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.json"):
        read_released_config(tmp_path / "nothing.json")


def test_a_file_is_read(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(D16))
    assert read_released_config(path) == ModelConfig()
