"""Models in half precision."""

import numpy as np
import torch

from depthart_core import DepthEstimator
from depthart_core.checkpoint import load_model, save_model
from training.pack import main


def test_a_packed_model_is_half_as_large_and_gives_the_same_depth(toy_model_path, tmp_path):
    packed = tmp_path / "packed.safetensors"
    assert main([str(toy_model_path), "--out", str(packed)]) == 0
    assert packed.stat().st_size < 0.6 * toy_model_path.stat().st_size
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole, half = (DepthEstimator.load(path)(rgb).values for path in (toy_model_path, packed))
    np.testing.assert_allclose(half, whole, rtol=0.03)


def test_a_weight_that_half_precision_cannot_hold_is_named(toy_model_path, tmp_path, capsys):
    model = load_model(toy_model_path)
    with torch.no_grad():
        model.start[0] = 1e6
    save_model(model, tmp_path / "large.safetensors")
    assert main([str(tmp_path / "large.safetensors"), "--out", str(tmp_path / "out.safetensors")]) == 1
    assert "start reaches 1e+06" in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


def test_the_folder_is_made_and_one_is_no_file_to_write(toy_model_path, tmp_path, capsys):
    assert main([str(toy_model_path), "--out", str(tmp_path / "new" / "packed.safetensors")]) == 0
    assert main([str(toy_model_path), "--out", str(tmp_path / "new")]) == 1
    assert capsys.readouterr().err == f"training.pack: {tmp_path}/new is a folder; expected the name of a model file\n"
    below = tmp_path / "new" / "packed.safetensors" / "packed.safetensors"
    assert main([str(toy_model_path), "--out", str(below)]) == 1
    assert capsys.readouterr().err == f"training.pack: {below.parent} is a file; expected a folder\n"
