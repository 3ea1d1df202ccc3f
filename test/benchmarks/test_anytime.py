"""The report of accuracy against latency at toy size."""

import pytest

from benchmarks.anytime import main


def test_the_report_has_a_line_for_every_number_of_scales_and_a_curve(tmp_path, toy_model_path, frame_folder, capsys):
    options = ["--data", f"desk={frame_folder}", "--backend", "torch", "--frames", "2", "--threads", "1"]
    out, curve = tmp_path / "anytime.md", tmp_path / "curve.png"
    assert main([str(toy_model_path), *options, "--out", str(out), "--curve", str(curve)]) == 0
    rows = [line.strip("| ").split(" | ") for line in out.read_text().splitlines() if line.startswith("| ")][2:]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert all(float(row[1]) > 0 and 0 < float(row[3]) < 5 for row in rows)
    assert curve.stat().st_size > 5000
    assert out.read_text() == capsys.readouterr().out.removesuffix("\n")


def test_data_given_twice_has_two_columns(toy_model_path, frame_folder, capsys):
    options = ["--data", f"one={frame_folder}", "--data", f"two={frame_folder}", "--backend", "torch"]
    assert main([str(toy_model_path), *options, "--frames", "1", "--threads", "1"]) == 0
    assert "AbsRel, one | AbsRel, two" in capsys.readouterr().out


def test_a_frame_that_cannot_be_read_is_left_out(toy_model_path, frame_folder, capsys):
    (frame_folder / "rgb" / "0001.jpg").write_bytes(b"no picture")
    options = ["--data", f"desk={frame_folder}", "--backend", "torch", "--frames", "3", "--threads", "1"]
    with pytest.warns(UserWarning, match="left out 1 of 3 frames: .*0001.jpg"):
        assert main([str(toy_model_path), *options]) == 0
    assert "pictures of 256x256: 2 of desk" in capsys.readouterr().out


def test_data_that_is_not_there_is_one_sentence(tmp_path, toy_model_path, capsys):
    assert main([str(toy_model_path), "--data", f"desk={tmp_path / 'no'}"]) == 1
    assert "is not there" in capsys.readouterr().err
