"""Conversion of released files: strict about keys."""

import json

import pytest
import torch
from safetensors.torch import save_file

from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from depthart_core.released import convert_released
from depthart_core.released_layout import QUANTIZER_COPY, depthart_shapes

COPY, ORIGINAL = QUANTIZER_COPY


def copies(tensors):
    return {COPY + key.removeprefix(ORIGINAL): t.clone() for key, t in tensors.items() if key.startswith(ORIGINAL)}


def split(tensors):
    """A DepthART file as VAR's two: transformer and tokenizer."""
    start = "vae_proxy."
    transformer = {key: value for key, value in tensors.items() if not key.startswith(start)}
    return transformer, {key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)}


def assert_same(model, other):
    ours, theirs = model.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0.0, atol=0.0, msg=name)


@pytest.fixture
def convert(tmp_path, small_config):
    def converted(tensors):
        path = tmp_path / "released.safetensors"
        save_file(tensors, path)
        return convert_released(path, config=small_config)

    return converted


@pytest.fixture
def convert_pair(tmp_path, small_config):
    def converted(transformer, tokenizer):
        first, second = tmp_path / "var.pth", tmp_path / "vae.pth"
        torch.save(transformer, first)
        torch.save(tokenizer, second)
        return convert_released(first, tokenizer=second, config=small_config)

    return converted


def test_the_default_configuration_has_exactly_the_keys_and_shapes_of_the_released_model(reference):
    released = json.loads((reference / "released_depthart_d16_keys.json").read_text())
    with torch.device("meta"):
        ours = {name: tuple(value.shape) for name, value in DepthART(ModelConfig()).state_dict().items()}
    once = depthart_shapes(ModelConfig(), ours)
    copied = {COPY + key.removeprefix(ORIGINAL): shape for key, shape in once.items() if key.startswith(ORIGINAL)}
    assert {**once, **copied} == {key: tuple(shape) for key, shape in released.items()}


def test_every_parameter_is_filled(convert, small_released):
    assert not any(value.is_meta for value in convert(small_released).state_dict().values())


@pytest.mark.parametrize("key", ["blocks.1.ffn.fc2.bias", "vae_proxy.encoder.conv_in.weight", "lvl_1L"])
def test_a_missing_key_is_named(convert, small_released, key):
    del small_released[key]
    with pytest.raises(CheckpointError, match=f"missing: {key}$"):
        convert(small_released)


@pytest.mark.parametrize("key", ["blocks.0.attn.scale_mul_1H11", "vae_proxy.more", "vae_quant_proxy.more", "optimizer"])
def test_a_key_that_is_not_understood_is_named(convert, small_released, key):
    small_released[key] = torch.zeros(1, 2, 1, 1)
    with pytest.raises(CheckpointError, match=f"not understood: .*{key.rpartition('.')[2]}"):
        convert(small_released)


@pytest.mark.parametrize("key", ["head.weight", "vae_proxy.quantize.ema_vocab_hit_SV"])
def test_a_misshapen_key_is_named_with_both_shapes(convert, small_released, key):
    shape = tuple(small_released[key].shape)
    small_released[key] = torch.zeros(3, 5)
    with pytest.raises(CheckpointError) as caught:
        convert(small_released)
    assert f"of another shape: {key} (3, 5) not {shape}" in str(caught.value)


def test_all_that_is_wrong_is_named_at_once(convert, small_released):
    small_released["new"] = torch.zeros(1)
    small_released["head.bias"] = torch.zeros(1)
    del small_released["word_embed.bias"]
    with pytest.raises(CheckpointError, match=r"missing: word_embed.bias; not understood: new; of another.*head.bias"):
        convert(small_released)


def test_of_many_wrong_keys_the_first_are_named_and_the_rest_counted(convert, small_released):
    for number in range(11):
        small_released[f"extra{number:02}"] = torch.zeros(1)
    with pytest.raises(CheckpointError, match=r"extra00.*extra07 and 3 more"):
        convert(small_released)


def test_either_copy_of_the_quantizer_will_do(convert, small_released):
    model, both = convert(small_released), {**small_released, **copies(small_released)}
    assert_same(model, convert(both))
    assert_same(model, convert({key: t for key, t in both.items() if not key.startswith(ORIGINAL)}))


def test_copies_of_the_quantizer_that_differ_are_refused(convert, small_released):
    both = {**small_released, **copies(small_released)}
    both["vae_quant_proxy.embedding.weight"][3, 1] += 0.5
    with pytest.raises(CheckpointError, match=r"vae_quant_proxy\.embedding\.weight and vae_proxy\.quantize"):
        convert(both)


def test_a_bias_on_keys_is_refused(convert, small_released):
    small_released["blocks.1.attn.zero_k_bias"][0] = 0.1
    with pytest.raises(CheckpointError, match=r"blocks\.1\.attn\.zero_k_bias"):
        convert(small_released)


def test_scales_that_contradict_the_configuration_are_refused(convert, small_released):
    small_released["lvl_1L"][0, 4] += 1
    with pytest.raises(CheckpointError, match="lvl_1L"):
        convert(small_released)


def test_half_precision_files_are_read_as_float32(convert, small_released):
    half = {key: value.half() if value.is_floating_point() else value for key, value in small_released.items()}
    assert {value.dtype for value in convert(half).state_dict().values()} == {torch.float32}


def test_the_two_files_of_var_give_the_same_model_as_one_of_depthart(convert, convert_pair, small_released):
    assert_same(convert(small_released), convert_pair(*split(small_released)))


def test_what_var_has_and_this_model_does_not_use_is_dropped(convert, convert_pair, small_released):
    transformer, tokenizer = split(small_released)
    tokens = small_released["lvl_1L"].shape[1]
    transformer |= {f"blocks.{i}.attn.scale_mul_1H11": torch.ones(1, 2, 1, 1) for i in range(2)}
    transformer["attn_bias_for_masking"] = torch.zeros(1, 1, tokens, tokens)
    assert_same(convert(small_released), convert_pair(transformer, tokenizer))


def test_a_misshapen_key_that_would_be_dropped_is_named(convert_pair, small_released):
    transformer, tokenizer = split(small_released)
    transformer["blocks.0.attn.scale_mul_1H11"] = torch.ones(7)
    with pytest.raises(CheckpointError, match="scale_mul_1H11"):
        convert_pair(transformer, tokenizer)


def test_a_key_missing_in_the_tokenizer_is_named_with_its_file(convert_pair, small_released):
    transformer, tokenizer = split(small_released)
    del tokenizer["quant_conv.bias"]
    with pytest.raises(CheckpointError, match=r"vae\.pth .*missing: quant_conv\.bias$"):
        convert_pair(transformer, tokenizer)


def test_a_transformer_alone_asks_for_its_tokenizer(convert, small_released):
    with pytest.raises(CheckpointError, match="has no tokenizer inside"):
        convert(split(small_released)[0])


def test_a_second_tokenizer_is_refused(convert_pair, small_released):
    with pytest.raises(CheckpointError, match="leave out the separate one"):
        convert_pair(small_released, split(small_released)[1])


class Boom:
    def __reduce__(self):
        return print, ("this must never run",)


def test_arbitrary_objects_are_not_unpickled(tmp_path, small_config, capsys):
    path = tmp_path / "evil.pth"
    torch.save({"weight": Boom()}, path)
    with pytest.raises(CheckpointError, match=r"evil\.pth is not a readable torch file of weights alone"):
        convert_released(path, config=small_config)
    assert "never" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04" + bytes(50), b"\x80\x02}q\x00" + bytes(range(256))])
def test_a_damaged_file_is_named(tmp_path, small_config, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        convert_released(tmp_path / name, config=small_config)


@pytest.mark.parametrize("content", [b"", bytes(1000)])
def test_a_reason_is_told_without_pytorchs_advice_to_run_whatever_the_file_says(tmp_path, small_config, content):
    (tmp_path / "old.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"torch file of weights alone(: |, )[A-Za-z]") as caught:
        convert_released(tmp_path / "old.pth", config=small_config)
    assert "`False`" not in str(caught.value)


def test_a_truncated_file_is_named(tmp_path, small_config, small_released):
    path = tmp_path / "cut.pth"
    torch.save(small_released, path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(CheckpointError, match=r"cut\.pth"):
        convert_released(path, config=small_config)


@pytest.mark.parametrize(
    "value", [{"trainer": {"step": torch.ones(1)}}, [torch.ones(1)], torch.ones(1), {0: torch.ones(1)}]
)
def test_a_file_that_is_no_flat_table_is_refused(tmp_path, small_config, value):
    path = tmp_path / "nested.pth"
    torch.save(value, path)
    with pytest.raises(CheckpointError, match="must hold a flat table of tensors, got"):
        convert_released(path, config=small_config)


def test_a_missing_file_is_refused(tmp_path, small_config):
    with pytest.raises(CheckpointError, match="no file"):
        convert_released(tmp_path / "nothing.pth", config=small_config)
