"""The speed report of the training at toy size."""

import json

from benchmarks.training import main


def test_the_report_has_both_objectives_and_the_reader(tmp_path, toy_config, frame_folder, capsys):
    settings = {"steps": 10, "batch_size": 1, "learning_rate": 1e-4}
    recipe = tmp_path / "toy.json"
    recipe.write_text(json.dumps({"model": json.loads(toy_config.to_json()), "transformer": settings}))
    options = ["--recipe", str(recipe), "--data", str(frame_folder), "--rounds", "1", "--threads", "1"]
    assert main([*options, "--device", "cpu", "--out", str(tmp_path / "speed.md")]) == 0
    text = (tmp_path / "speed.md").read_text()
    assert text == capsys.readouterr().out.removesuffix("\n")
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    assert rows[2:] == ["| depthart step", "| teacher_forcing step", "| reading and augmenting, 1 workers"]
    assert "A DepthART step costs" in text
