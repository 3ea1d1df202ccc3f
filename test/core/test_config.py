"""Configurations: what they derive, and what is refused."""

import json

import pytest

from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig
from depthart_core.errors import ConfigError


def test_the_default_is_the_released_model():
    tokenizer, transformer = ModelConfig().tokenizer, ModelConfig().transformer
    assert (tokenizer.input_size, sum(tokenizer.tokens), transformer.attention_scale) == (256, 680, 1 / 32)


def test_ten_scales_share_four_convolutions_as_released():
    assert TokenizerConfig().phi_indices == (0, 0, 1, 1, 1, 2, 2, 3, 3, 3)


def test_a_convolution_for_each_scale_serves_them_in_order():
    assert TokenizerConfig(scale_sizes=(1, 2, 4, 8), quantizer_convs=4).phi_indices == (0, 1, 2, 3)


def test_a_single_scale_is_allowed():
    assert TokenizerConfig(scale_sizes=(1,)).phi_indices == (0,)


def test_json_gives_back_the_configuration(toy_config):
    assert ModelConfig.from_json(toy_config.to_json()) == toy_config


def changed(**change):
    values = json.loads(ModelConfig().to_json())
    for name, value in change.items():
        *path, last = name.split("__")
        place = values
        for part in path:
            place = place[part]
        place[last] = value
    return json.dumps(values)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"surprise": 1}, r"config must have the fields \[.*\] and may have \['heads'\], got .*surprise"),
        ({"tokenizer__surprise": 1}, r"config\.tokenizer must have exactly the fields"),
        ({"tokenizer": 3}, r"config\.tokenizer must have exactly the fields"),
        ({"tokenizer__codebook_size": "many"}, r"config\.tokenizer\.codebook_size must be int, got 'many'"),
        ({"tokenizer__codebook_size": True}, r"codebook_size must be int, got True"),
        ({"tokenizer__codebook_size": 0}, "codebook_size must be above 0, got 0"),
        ({"tokenizer__scale_sizes": [1, 2.5]}, "scale_sizes must be a list of whole numbers"),
        ({"tokenizer__scale_sizes": []}, "scale_sizes must start with 1"),
        ({"tokenizer__scale_sizes": [1, 4, 2]}, "scale_sizes must start with 1 and never fall"),
        ({"tokenizer__channels": 48}, "channels must be multiples of 32"),
        ({"tokenizer__decoder": "deep"}, "decoder must be one of var, guided, got 'deep'"),
        ({"tokenizer__decoder": "guided"}, "decoder 'guided' needs image features"),
        ({"tokenizer__image_channels": 1}, "prefix 'tokenizer' needs image_channels 3, got 1"),
        ({"transformer__heads": 3}, "width must be a multiple of heads, got 1024 and 3"),
        ({"transformer__temperature": -1.0}, "temperature must be above 0"),
        ({"prefix": "resnet"}, "prefix must be one of"),
        ({"normalization": "none"}, "normalization must be one of"),
        ({"log_range": 1.0}, "log_range must be above 1, got 1.0"),
        ({"log_range": float("nan")}, "log_range must be above 1, got nan"),
        ({"prefix": "efficientnet_lite0", "tokenizer__patch": 2}, "needs an input of 16 times the last scale"),
        ({"prefix": "efficientnet_lite0", "tokenizer__scale_sizes": [1, 2, 15]}, "a last scale of even size, got 15"),
        (
            {"prefix": "efficientnet_lite0", "tokenizer__decoder": "guided"},
            r"needs 4 decoder_channels above 0, got \[\]",
        ),
        (
            {
                "prefix": "efficientnet_lite0",
                "tokenizer__decoder": "guided",
                "tokenizer__decoder_channels": [16, 16, -16, 16],
            },
            r"needs 4 decoder_channels above 0, got \[16, 16, -16, 16\]",
        ),
    ],
)
def test_what_cannot_be_built_is_named(change, named):
    with pytest.raises(ConfigError, match=named):
        ModelConfig.from_json(changed(**change))


def test_a_missing_field_is_refused():
    with pytest.raises(ConfigError, match=r"config\.transformer must have exactly the fields"):
        ModelConfig.from_json(changed(transformer={"width": 8}))


def test_what_is_no_json_is_refused():
    with pytest.raises(ConfigError, match="not JSON"):
        ModelConfig.from_json("{")


def test_a_whole_number_may_stand_for_a_factor():
    assert ModelConfig.from_json(changed(transformer__temperature=2)).transformer == TransformerConfig(temperature=2.0)
