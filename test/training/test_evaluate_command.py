"""The command that scores: what it prints, writes and refuses."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.evaluate import main

ROOT = Path(__file__).parents[2]


def table_of(printed):
    """Rows of a printed table, which follows the model's name and an empty line, as dicts."""
    _, _, *table = printed.splitlines()
    head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_command_prints_a_table(shard_of, frame_folder, capsys):
    shard = str(shard_of(3))
    assert main(["mean-map", "--data", f"rooms={shard}", f"desk={frame_folder}", "--train", shard, "--limit", "2"]) == 0
    rooms, desk = table_of(capsys.readouterr().out)
    assert (rooms["data"], desk["data"]) == ("rooms", "desk")
    assert [desk[key] for key in ("alignment", "cap", "crop", "size", "frames")] == [
        "scale",
        "10 m",
        "-",
        "256x256",
        "2",
    ]
    assert desk["boundary F1"] == "-"


def test_the_output_holds_table_scores_pictures_and_curves(shard_of, frame_folder, tmp_path, capsys):
    out, shard = tmp_path / "new" / "out", str(shard_of(2))
    data = ["--data", f"rooms={shard}", f"desk={frame_folder}"]
    assert (
        main(["mean-map", *data, "--train", shard, "--align", "scale", "none", "--scale", "1", "--out", str(out)]) == 0
    )
    printed = capsys.readouterr().out
    assert printed.startswith("mean-map\n\n| data |")
    assert (out / "table.md").read_text() == printed
    with (out / "desk.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["alignment"]) for row in rows[:3]] == [
        ("desk/0000", "scale"),
        ("desk/0000", "none"),
        ("desk/0001", "scale"),
    ]
    assert float(rows[1]["scale"]) == 1
    sheet = cv2.imread(str(out / "desk.sheet.jpg"))
    assert sheet.shape[:2] == (3 * (256 + 22), 3 * 256)
    for curve in ("cumulative.png", "error_by_depth.png"):
        assert cv2.imread(str(out / curve)).std() > 5


def test_folders_and_frames_may_have_names_that_are_no_utf8(shard_of, frame_folder, tmp_path):
    """In a process of its own, which OpenCV would end."""
    name = os.fsdecode(b"caf\xe9")
    frame_folder.rename(tmp_path / name)
    for part, suffix in (("rgb", ".jpg"), ("depth", ".png")):
        (tmp_path / name / part / f"0001{suffix}").rename(tmp_path / name / part / f"{name}{suffix}")
    command = [sys.executable, "-m", "training.evaluate", "mean-map", "--train", str(shard_of(1))]
    command += ["--data", f"desk={tmp_path / name}", "--out", str(tmp_path / f"{name}_out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (
        rf"{name}/{name},scale".encode("ascii", "backslashreplace") in (tmp_path / f"{name}_out/desk.csv").read_bytes()
    )
    assert (tmp_path / f"{name}_out/desk.sheet.jpg").stat().st_size > 0
    assert os.fsencode(f"desk={tmp_path / name}") in (tmp_path / f"{name}_out/evaluate.txt").read_bytes()


def test_results_are_replaced_by_the_command_that_made_them_and_by_no_other(
    shard_of, frame_folder, toy_model_path, tmp_path, capsys
):
    out, mean_map = tmp_path / "out", ["mean-map", "--train", str(shard_of(1))]
    first = [*mean_map, "--data", f"desk={frame_folder}"]
    assert main([*first, "--out", str(out)]) == 0
    before = {path: path.read_bytes() for path in out.iterdir()}
    others = [
        [str(toy_model_path), "--data", f"desk={frame_folder}"],
        [*mean_map, "--data", f"table={frame_folder}"],
        [*first, "--limit", "2"],
    ]
    for other in others:
        capsys.readouterr()
        assert main([*other, "--out", str(out)]) == 1
        [said] = capsys.readouterr().err.splitlines()
        assert said.startswith(f"training.evaluate: {out} holds the results of `python -m training.evaluate mean-map ")
        assert f"--data desk={frame_folder}`; give another --out" in said
        assert {path: path.read_bytes() for path in out.iterdir()} == before
    (out / "table.md").write_text("cut")
    assert main([*first, "--threads", "1", "--out", str(out)]) == 0
    assert (out / "table.md").read_bytes() == before[out / "table.md"]


@pytest.mark.parametrize("name", ["table.md", "desk.csv", "desk.sheet.jpg", "cumulative.png", "error_by_depth.png"])
def test_files_that_no_command_is_known_of_are_not_replaced(frame_folder, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"mine")
    assert main(["mean-map", "--data", f"desk={frame_folder}", "--out", str(tmp_path)]) == 1
    assert f"{tmp_path / name} is there already, without evaluate.txt that says" in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == b"mine"


def test_sets_before_one_that_fails_are_written(toy_model_path, frame_folder, tmp_path):
    blind = tmp_path / "blind"
    shutil.copytree(frame_folder, blind)
    for path in (blind / "depth").iterdir():
        cv2.imwrite(str(path), np.zeros((36, 48), np.uint16))
    out = tmp_path / "out"
    sets = [f"good={frame_folder}", f"blind={blind}"]
    assert main([str(toy_model_path), "--data", *sets, "--out", str(out)]) == 1
    assert "| good |" in (out / "table.md").read_text()
    assert (out / "cumulative.png").stat().st_size > 0


def test_the_table_averages_what_the_csv_lists(shard_of, frame_folder, tmp_path, capsys):
    options = ["--train", str(shard_of(1)), "--align", "none", "--scale", "2", "--out", str(tmp_path)]
    assert main(["mean-map", "--data", f"desk={frame_folder}", *options]) == 0
    with (tmp_path / "desk.csv").open() as file:
        mean = np.mean([float(row["abs_rel"]) for row in csv.DictReader(file)])
    [row] = table_of(capsys.readouterr().out)
    assert row["AbsRel"] == f"{mean:.4f}"
    # The mean map is 1 everywhere, so 2 m; the frames are at 1, 2 and 3 m.
    assert mean == pytest.approx((1 + 0 + 1 / 3) / 3, abs=1e-3)
    assert row["alignment"] == "none, scale 2"


def test_lists_may_be_given_in_parts(shard_of, frame_folder, capsys):
    options = ["--data", f"desk={frame_folder}", "--align", "scale", "--align", "none", "--scale", "1"]
    assert main(["mean-map", *options, "--train", str(shard_of(1))]) == 0
    assert [row["alignment"] for row in table_of(capsys.readouterr().out)] == ["scale", "none, scale 1"]
    assert main(["mean-map", *options, "--train", "/nowhere", "--train", str(shard_of(1))]) == 1
    assert "/nowhere is not there" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:desk. left out")
def test_a_cap_and_a_size_from_the_command_line_are_stated(shard_of, frame_folder, capsys):
    options = ["--train", str(shard_of(1)), "--cap", "2.5", "--size", "full"]
    assert main(["mean-map", "--data", f"desk={frame_folder}", *options]) == 0
    printed = capsys.readouterr()
    [row] = table_of(printed.out)
    assert (row["cap"], row["size"], row["frames"]) == ("2.5 m", "full", "2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--align", "luck"], "alignment 'luck': expected one of scale, scale_shift, none"),
        (["--align", "none"], "desk/0000: the model guesses no scale: alignment none needs --scale"),
        (["--align", "none", "--scale", "-1"], "scale -1.0: expected metres per unit"),
        (["--scale", "2"], "--scale 2 is for --align none, got --align scale"),
        (
            ["--align", "scale", "scale_shift", "--scale", "2"],
            "--scale 2 is for --align none, got --align scale scale_s",
        ),
        (["--size", "big"], "--size big: expected 1 to 16384 pixels or full"),
        (["--size", "99999999"], "--size 99999999: expected 1 to 16384 pixels or full"),
        (["--cap", "nan"], "--cap nan: expected metres above 0"),
        (["--cap", "-1"], "--cap -1: expected metres above 0"),
        (["--out", __file__], f"{__file__} is a file; expected a folder"),
        (["--limit", "0"], "--limit 0: expected a number of frames from 1 up"),
        (["--limit", "-3"], "--limit -3: expected a number of frames from 1 up"),
        (["--cap", "0.5"], "desk: no image was scored, expected at least one with valid depth"),
    ],
)
@pytest.mark.filterwarnings("ignore:desk. left out")
def test_a_wrong_option_is_one_sentence_and_status_1(shard_of, frame_folder, capsys, options, message):
    assert main(["mean-map", "--data", f"desk={frame_folder}", "--train", str(shard_of(1)), *options]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"training.evaluate: {message}")


@pytest.mark.parametrize(
    ("data", "message"),
    [("rooms", "expected NAME=PATH"), ("rooms=no/such.tar", "no/such.tar is not there, expected")],
)
def test_wrong_data_is_one_sentence_and_status_1(capsys, data, message):
    assert main(["mean-map", "--data", data]) == 1
    assert message in capsys.readouterr().err


def test_two_data_sets_of_one_name_are_refused(frame_folder, capsys):
    assert main(["mean-map", "--data", f"desk={frame_folder}", f"desk={frame_folder}"]) == 1
    assert "--data names desk 2 times, expected different names" in capsys.readouterr().err


@pytest.mark.parametrize("decode", ["expected", "argmax"])
def test_a_model_file_is_scored_with_the_decoding_asked_for(toy_model_path, frame_folder, capsys, decode):
    assert main([str(toy_model_path), "--data", f"desk={frame_folder}", "--decode", decode, "--threads", "1"]) == 0
    [row] = table_of(capsys.readouterr().out)
    assert (row["data"], row["frames"]) == ("desk", "3")


def test_the_metres_of_a_model_that_guesses_are_scored_beside_its_aligned_depth(toy_heads_path, frame_folder, capsys):
    data = ["--data", f"desk={frame_folder}", "--threads", "1"]
    assert main([str(toy_heads_path), *data, "--align", "scale", "none"]) == 0
    scale, none = table_of(capsys.readouterr().out)
    assert (scale["alignment"], none["alignment"]) == ("scale", "none")
    assert scale["SILog"] == none["SILog"]
    assert float(scale["AbsRel"]) < float(none["AbsRel"])


def test_fewer_scales_give_other_depth(toy_model_path, frame_folder, tmp_path):
    data = ["--data", f"desk={frame_folder}", "--threads", "1", "--out"]
    assert main([str(toy_model_path), *data, str(tmp_path / "all")]) == 0
    whole = (tmp_path / "all" / "table.md").read_text().splitlines()
    assert main([str(toy_model_path), *data, str(tmp_path / "one"), "--max-scales", "1"]) == 0
    short = (tmp_path / "one" / "table.md").read_text().splitlines()
    assert short[0] == f"{whole[0]}, 1 scales"
    assert short[-1] != whole[-1]


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
