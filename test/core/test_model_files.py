"""Fingerprints of model files, and what is told of files that are none."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from depthart_core import CheckpointError
from depthart_core.checkpoint import load_model, read_tensors, save_model
from depthart_core.model_files import fingerprint


def rewritten(path, target, *, order=1, **metadata):
    """The same tensors in another order of names, with more metadata."""
    old, tensors = read_tensors(path)
    save_file(dict(list(tensors.items())[::order]), target, old | metadata)
    return target


def test_the_fingerprint_is_the_same_for_the_same_weights_however_they_are_arranged(toy_model_path, tmp_path):
    other = rewritten(toy_model_path, tmp_path / "other.safetensors", order=-1, note="later", author="me")
    assert other.read_bytes() != toy_model_path.read_bytes()
    assert fingerprint(other) == fingerprint(toy_model_path)


def test_a_file_whose_data_lie_in_another_order_has_the_same_fingerprint(toy_model_path, tmp_path):
    data = toy_model_path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    metadata, moved, parts, place = header.pop("__metadata__"), {}, [], 0
    for name, entry in reversed(header.items()):
        start, end = entry["data_offsets"]
        parts.append(body[start:end])
        moved[name] = entry | {"data_offsets": [place, place + end - start]}
        place += end - start
    text = json.dumps({**moved, "__metadata__": metadata}).encode()
    other = tmp_path / "moved.safetensors"
    other.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))
    assert torch.equal(load_model(other).start, load_model(toy_model_path).start)
    assert fingerprint(other) == fingerprint(toy_model_path)


def test_one_changed_weight_or_setting_changes_the_fingerprint(toy_model_path, tmp_path):
    model = load_model(toy_model_path)
    with torch.no_grad():
        model.start[3] += 1e-6
    save_model(model, tmp_path / "weight.safetensors")
    config = model.config.to_json().replace('"log_range": 10.0', '"log_range": 11.0')
    setting = rewritten(toy_model_path, tmp_path / "setting.safetensors", config=config)
    prints = {fingerprint(path).sha256 for path in (toy_model_path, tmp_path / "weight.safetensors", setting)}
    assert len(prints) == 3


def test_the_fingerprint_comes_with_the_configuration(toy_model_path, toy_config):
    assert fingerprint(toy_model_path).config == toy_config


@pytest.mark.parametrize("keep", [0, 5, 3000, -1])
def test_a_truncated_file_is_named(toy_model_path, tmp_path, keep):
    path = tmp_path / "short.safetensors"
    path.write_bytes(toy_model_path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"short\.safetensors is not a readable safetensors file"):
        fingerprint(path)


def test_a_file_of_another_format_is_named(toy_model_path, tmp_path):
    path = rewritten(toy_model_path, tmp_path / "other.safetensors", format="pt")
    with pytest.raises(CheckpointError, match=r"is not a depthart/1 model \(format 'pt'\)"):
        fingerprint(path)


def test_a_fingerprint_is_that_of_the_file_as_it_is_now(toy_model_path, toy_heads_path, tmp_path):
    path = tmp_path / "model.safetensors"
    found = [fingerprint(Path(shutil.copy(each, path))) for each in (toy_model_path, toy_heads_path)]
    assert found == [fingerprint(each) for each in (toy_model_path, toy_heads_path)]
    assert found[0] != found[1]


def test_a_file_that_stays_is_hashed_once(toy_model_path, tmp_path):
    path = Path(shutil.copy(toy_model_path, tmp_path))
    first = fingerprint(path)
    assert fingerprint(path) is first
