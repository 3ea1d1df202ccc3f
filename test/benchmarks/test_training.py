"""The speed report of the training at toy size."""

import argparse
import json
from pathlib import Path

import pytest

from benchmarks import limits
from benchmarks.training import WARM_UP, made_up, main, measure, trainers


@pytest.fixture(autouse=True)
def quick_limits(monkeypatch):
    """A small matrix: a large one takes seconds."""
    monkeypatch.setitem(limits.PEAK_SIDE, "cpu", 256)


@pytest.fixture
def arguments(tmp_path, toy_config):
    settings = {"steps": 10, "batch_size": 1, "learning_rate": 1e-4}
    recipe = tmp_path / "toy.json"
    recipe.write_text(json.dumps({"model": json.loads(toy_config.to_json()), "transformer": settings}))
    return ["--recipe", str(recipe), "--rounds", "1", "--threads", "1", "--device", "cpu"]


def test_the_report_has_both_objectives_and_the_reader(arguments, tmp_path, frame_folder, capsys):
    assert main([*arguments, "--data", str(frame_folder), "--out", str(tmp_path / "speed.md")]) == 0
    text = (tmp_path / "speed.md").read_text()
    assert text == capsys.readouterr().out.removesuffix("\n")
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    assert rows[2:] == ["| depthart step", "| teacher_forcing step", "| reading and augmenting, 1 workers"]
    assert "A DepthART step costs" in text


def test_the_steps_that_are_measured_have_their_numbers(arguments, toy_config, tmp_path):
    options = argparse.Namespace(recipe=Path(arguments[1]), batch_size=None, device="cpu", precision="fp32")
    found = trainers(options, tmp_path)
    seconds, peak = measure(found, made_up(toy_config, 1), 2)
    assert {trainer.step for trainer in found.values()} == {WARM_UP + 2}
    assert min(*seconds.values(), peak) > 0


def test_all_data_that_is_given_is_read(arguments, tmp_path, frame_folder, capsys):
    assert main([*arguments, "--data", str(tmp_path / "gone"), "--data", str(frame_folder)]) == 1
    assert "gone is not there" in capsys.readouterr().err
