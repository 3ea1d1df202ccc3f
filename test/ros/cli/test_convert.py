"""`depthart convert` from released files to a model that predicts."""

import json

import cv2
import numpy as np
import pytest
import torch

from depthart_core.checkpoint import load_model, read_tensors
from depthart_core.decoding import argmax
from depthart_ros.cli.main import main


@pytest.fixture
def convert(reference, tmp_path):
    """Convert the small released model into MODEL of the test's folder; returns the status."""

    def run(*options, released=reference / "tiny_released_layout.safetensors", out=tmp_path / "model.safetensors"):
        config = ["--config", str(reference / "tiny_config.json")]
        return main(["convert", "--released", str(released), *config, "--out", str(out), *map(str, options)])

    return run


def test_the_result_predicts_what_the_reference_predicts(convert, reference, tmp_path):
    assert convert() == 0
    expected = read_tensors(reference / "tiny_expected.safetensors")[1]
    with torch.inference_mode():
        depth = load_model(tmp_path / "model.safetensors").predict(expected["image"] * 2.0 - 1.0, argmax).depth
    torch.testing.assert_close((depth + 1.0) / 2.0, expected["depth"], rtol=0.0, atol=1e-4)


def test_the_result_carries_its_configuration(convert, tmp_path):
    convert()
    config = load_model(tmp_path / "model.safetensors").config
    assert (config.transformer.width, config.tokenizer.codebook_size, config.prefix) == (64, 128, "tokenizer")


def test_the_result_is_a_model_for_predict(convert, tmp_path):
    convert()
    cv2.imwrite(str(tmp_path / "room.png"), np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8))
    command = ["predict", tmp_path / "room.png", "--out", tmp_path / "out", "--model", tmp_path / "model.safetensors"]
    assert main(list(map(str, command))) == 0
    assert np.load(tmp_path / "out" / "room.npy").shape == (20, 30)


def test_half_precision_halves_the_file(convert, tmp_path):
    convert()
    convert("--half", out=tmp_path / "half.safetensors")
    sizes = [(tmp_path / name).stat().st_size for name in ("half.safetensors", "model.safetensors")]
    assert sizes[0] < 0.53 * sizes[1]


def test_the_two_files_of_var_make_a_model_too(convert, reference, tmp_path):
    tensors = read_tensors(reference / "tiny_released_layout.safetensors")[1]
    start = "vae_proxy."
    torch.save({key: t for key, t in tensors.items() if not key.startswith(start)}, tmp_path / "var.pth")
    tokenizer = {key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)}
    torch.save(tokenizer, tmp_path / "vae.pth")
    assert convert("--tokenizer", tmp_path / "vae.pth", released=tmp_path / "var.pth") == 0
    pair_metadata, pair = read_tensors(tmp_path / "model.safetensors")
    convert()
    metadata, whole = read_tensors(tmp_path / "model.safetensors")
    assert (pair_metadata, set(pair)) == (metadata, set(whole))
    assert all(torch.equal(pair[name], whole[name]) for name in whole)


def test_a_result_in_a_new_folder_is_written(convert, tmp_path):
    assert convert(out=tmp_path / "new" / "folder" / "model.safetensors") == 0


def test_a_missing_file_is_one_sentence(convert, tmp_path, capfd):
    assert convert(released=tmp_path / "absent.pth") == 1
    assert capfd.readouterr().err == f"depthart: no file '{tmp_path / 'absent.pth'}'\n"


def test_a_configuration_that_does_not_fit_is_one_sentence(convert, tmp_path, capfd):
    (tmp_path / "config.json").write_text(json.dumps({"depth": 3}))
    assert convert("--config", tmp_path / "config.json") == 1
    assert capfd.readouterr().err.startswith("depthart: the configuration must have exactly the fields depth,")


def test_weights_that_do_not_fit_leave_an_older_result_alone(convert, reference, tmp_path, capfd):
    (tmp_path / "model.safetensors").write_text("older")
    config = json.loads((reference / "tiny_config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "depth": 2}))
    assert convert("--config", tmp_path / "config.json") == 1
    assert "not understood: blocks.2." in capfd.readouterr().err
    assert (tmp_path / "model.safetensors").read_text() == "older"


def test_a_file_is_not_converted_onto_itself(convert, reference, tmp_path, capfd):
    source = tmp_path / "released.safetensors"
    source.write_bytes((reference / "tiny_released_layout.safetensors").read_bytes())
    assert convert(released=source, out=source) == 1
    assert "is one of the files to read" in capfd.readouterr().err


def test_a_result_that_cannot_be_written_is_one_sentence(convert, tmp_path, capfd):
    (tmp_path / "file").write_text("in the way")
    assert convert(out=tmp_path / "file" / "model.safetensors") == 1
    assert "cannot be written" in capfd.readouterr().err
    assert convert(out=tmp_path) == 1
    assert "is no file" in capfd.readouterr().err
