"""What the tokenizer alone loses."""

import cv2
import numpy as np
import pytest
import torch

from depthart_core.checkpoint import load_model
from depthart_core.normalize import denormalize, normalize
from training.data.sample import resize_sample
from training.data.source import open_data
from training.reconstruct import main, reconstruct


def test_the_last_scale_decodes_the_sum_of_all_contributions(toy_model_path, shard_of):
    model, sample = load_model(toy_model_path), resize_sample(open_data(shard_of(1))[0], 64)
    with torch.inference_mode():
        depths = reconstruct(model, sample)
        depth = normalize(torch.from_numpy(sample.depth)[None, None], model.config)
        quantizer, features = model.tokenizer.quantizer, model.tokenizer.features(depth)
        f_hat = sum(
            quantizer.contribution(k, quantizer.codes(indices))
            for k, indices in enumerate(quantizer.quantize(features).indices)
        )
        image = torch.from_numpy(sample.rgb).permute(2, 0, 1)[None].float() / 127.5 - 1.0
        expected = denormalize(model.decode(f_hat, model.prefix(image)).clamp(-1.0, 1.0), model.config)
    assert len(depths) == len(model.config.tokenizer.scale_sizes) + 1
    np.testing.assert_allclose(depths[-2], expected[0, 0].numpy(), rtol=1e-4)


def test_the_table_has_a_column_for_every_scale_and_one_without_quantizer(toy_model_path, shard_of, capsys):
    assert main([str(toy_model_path), "--data", f"rooms={shard_of(2)}"]) == 0
    head, _, row = capsys.readouterr().out.strip().splitlines()
    assert head == "| AbsRel | to 1x1 | to 2x2 | to 4x4 | no quantizer |"
    assert len(row.split("|")) == len(head.split("|"))


def test_data_given_twice_has_two_rows(toy_model_path, shard_of, capsys):
    assert main([str(toy_model_path), "--data", f"one={shard_of(1)}", "--data", f"two={shard_of(1)}"]) == 0
    assert [row.split()[1] for row in capsys.readouterr().out.strip().splitlines()[2:]] == ["one", "two"]


def test_a_missing_data_set_is_one_sentence(toy_model_path, tmp_path, capsys):
    assert main([str(toy_model_path), "--data", f"rooms={tmp_path / 'none.tar'}"]) == 1
    assert "none.tar" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:folder. left out")
def test_data_without_any_depth_is_one_sentence(toy_model_path, frame_folder, capsys):
    for depth in (frame_folder / "depth").iterdir():
        cv2.imwrite(str(depth), np.zeros_like(cv2.imread(str(depth), cv2.IMREAD_UNCHANGED)))
    assert main([str(toy_model_path), "--data", f"folder={frame_folder}"]) == 1
    assert "folder: no image was scored" in capsys.readouterr().err
