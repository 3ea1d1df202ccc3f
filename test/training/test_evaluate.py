import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest

from depthart_core.geometry import Intrinsics
from training.data.folder import read_folder
from training.data.rooms import read_rooms
from training.data.sample import Sample
from training.evaluate import align_frame, evaluate, main, sheet_rows
from training.mean_map import mean_map
from training.metrics import average


@pytest.fixture
def slopes():
    """Pictures whose red channel is their depth in centimetres, over four different ranges."""
    camera = Intrinsics(256, 256, 200.0, 200.0, 128.0, 128.0)
    rows = np.arange(256, dtype=np.float32)[:, None] / 255
    samples = []
    for n in range(4):
        depth = np.repeat(1 + (0.2 + 0.3 * n) * np.rint(rows * 100) / 100, 256, axis=1).astype(np.float32)
        depth = np.rint(depth * 100) / 100
        rgb = np.repeat(np.rint(depth * 100).astype(np.uint8)[..., None], 3, axis=2)
        samples.append(Sample(f"s{n}", rgb, depth.astype(np.float32), camera))
    return samples


def perfect(rgb):
    return rgb[..., 0].astype(np.float32) * np.float32(0.37)


def constant(rgb):
    return np.ones(rgb.shape[:2], np.float32)


def test_a_perfect_predictor_up_to_scale_has_no_error(slopes):
    mean = average([frame.scores for frame in evaluate(perfect, slopes)])
    assert mean.abs_rel == pytest.approx(0, abs=1e-6)
    assert mean.delta1 == 1
    assert mean.silog == pytest.approx(0, abs=1e-3)


def test_the_scale_is_the_median_ratio_of_each_image(slopes):
    for frame, sample in zip(evaluate(constant, slopes), slopes, strict=True):
        assert frame.scale == pytest.approx(np.median(sample.depth))


def test_unknown_and_far_depth_counts_neither_for_scale_nor_for_error(slopes):
    depth = slopes[0].depth.copy()
    depth[:100] = np.nan
    depth[100:160] = 50.0
    [frame] = evaluate(perfect, [replace(slopes[0], depth=depth)], cap=10.0)
    assert frame.scores.abs_rel == pytest.approx(0, abs=1e-6)


def test_the_model_sees_the_image_at_the_size_of_the_protocol(frame_folder):
    shapes = []

    def predict(rgb):
        shapes.append(rgb.shape)
        return constant(rgb)

    evaluate(predict, read_folder(frame_folder))
    assert shapes == [(256, 256, 3)] * 3


def test_a_frame_without_valid_depth_is_not_scored(slopes):
    blind = replace(slopes[0], depth=np.full((256, 256), np.nan, np.float32))
    assert align_frame(constant, blind) is None
    assert [frame.name for frame in evaluate(constant, [blind, slopes[1]])] == ["s1"]


def test_the_mean_map_is_perfect_where_all_scenes_are_one(samples_at):
    frames = evaluate(mean_map(samples_at([1.0, 2.0])), samples_at([5.0]))
    assert frames[0].scores.abs_rel == pytest.approx(0, abs=1e-6)


def test_the_sheet_shows_best_median_and_worst(slopes):
    rows = sheet_rows(constant, slopes, evaluate(constant, slopes))
    assert [row.caption.split("  ")[0] for row in rows] == ["best: s0", "median: s2", "worst: s3"]


def test_the_command_prints_a_table_and_writes_scores_and_pictures(shard_of, frame_folder, tmp_path, capsys):
    shard = shard_of(3)
    out = tmp_path / "out"
    data = [f"rooms={shard}", f"desk={frame_folder}"]
    options = ["--train", str(shard), "--limit", "2", "--csv", str(out), "--sheet", str(out / "sheet.png")]
    assert main(["mean-map", "--data", *data, *options]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("| data | alignment | cap | frames | AbsRel |")
    assert [line.split(" | ")[:4] for line in table[2:]] == [
        ["| rooms", "scale", "10 m", "2"],
        ["| desk", "scale", "10 m", "2"],
    ]
    with (out / "desk.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["desk/0000", "desk/0001"]
    assert cv2.imread(str(out / "sheet.png")).shape[1] == 3 * 256


def test_the_table_averages_what_the_csv_lists(shard_of, frame_folder, tmp_path, capsys):
    assert (
        main(["mean-map", "--data", f"desk={frame_folder}", "--train", str(shard_of(1)), "--csv", str(tmp_path)]) == 0
    )
    with (tmp_path / "desk.csv").open() as file:
        mean = np.mean([float(row["abs_rel"]) for row in csv.DictReader(file)])
    assert capsys.readouterr().out.splitlines()[-1].split(" | ")[4] == f"{mean:.4f}"


@pytest.mark.parametrize(
    ("data", "message"),
    [("rooms", "expected NAME=PATH"), ("rooms=no/such.tar", "no/such.tar is not there, expected a tar shard")],
)
def test_wrong_data_is_one_sentence_and_status_1(capsys, data, message):
    assert main(["mean-map", "--data", data]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("decode", ["expected", "argmax"])
def test_a_model_file_is_scored_with_the_decoding_asked_for(toy_model_path, frame_folder, capsys, decode):
    assert main([str(toy_model_path), "--data", f"desk={frame_folder}", "--decode", decode, "--threads", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("| desk | scale | 10 m | 3 | ")


def test_an_unknown_decoding_is_one_sentence_and_status_1(toy_model_path, frame_folder, capsys):
    assert main([str(toy_model_path), "--data", f"desk={frame_folder}", "--decode", "luck"]) == 1
    assert "luck" in capsys.readouterr().err


def test_a_mean_map_of_no_data_is_refused(frame_folder, capsys):
    assert main(["mean-map", "--data", f"desk={frame_folder}"]) == 1
    assert "expected --train PATH" in capsys.readouterr().err


def test_a_missing_model_is_one_sentence_and_status_1(frame_folder, tmp_path, capsys):
    assert main([str(tmp_path / "none.safetensors"), "--data", f"desk={frame_folder}"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("training.evaluate: ")
    assert "none.safetensors" in error
    assert len(error.splitlines()) == 1


def test_the_mean_map_scores_on_real_frames_as_known(shared_data):
    blind = mean_map(read_rooms([shared_data / "rooms" / "train-000.tar"])[:100])
    frames = evaluate(blind, read_folder(shared_data / "real" / "tum_fr1_rpy"))
    # Known from elsewhere: 0.260 for a mean map over all shards.
    assert 0.22 < average([frame.scores for frame in frames]).abs_rel < 0.32
