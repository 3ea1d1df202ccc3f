"""The command as it is typed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from depthart_core.checkpoint import load_model, save_model
from training.train import main, parse_arguments

ROOT = Path(__file__).parents[2]


@pytest.fixture
def arguments(tmp_path, toy_config, toy_model_path, frame_folder):
    """Arguments of a run at toy size; `steps` of the recipe are many."""
    settings = {"steps": 100000, "batch_size": 2, "learning_rate": 1e-4}
    values = {"model": json.loads(toy_config.to_json()), "transformer": settings}
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    places = ["--data", str(frame_folder), "--init", str(toy_model_path), "--out", str(tmp_path / "run")]
    return [str(tmp_path / "recipe.json"), "--stage", "transformer", *places, "--threads", "1", "--device", "cpu"]


def test_the_time_budget_ends_a_run_and_the_objective_is_one_option(arguments, tmp_path, capsys):
    options = ["--minutes", "0.02", "--objective", "teacher_forcing", "--workers", "0", "--seed", "3", "--in-memory"]
    assert main([*arguments, *options]) == 0
    state = torch.load(tmp_path / "run" / "transformer.checkpoint", weights_only=True)
    assert state["settings"]["objective"] == "teacher_forcing"
    assert 0.02 <= state["minutes"] < 1.0
    last = (tmp_path / "run" / "transformer.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["step"] == state["step"]
    assert (tmp_path / "run" / "transformer.safetensors").exists()
    assert "transformer (0.02 minutes at most): " in capsys.readouterr().err  # the bar counts steps


@pytest.mark.filterwarnings("ignore:skipped a sample")
def test_a_run_says_what_it_learns_from_and_where_the_model_lies(arguments, frame_folder, tmp_path, capsys):
    broken = tmp_path / "broken"
    shutil.copytree(frame_folder, broken)
    (broken / "depth" / "0000.png").write_bytes(b"\x89PNG cut")
    assert main([*arguments, "--data", str(broken), "--minutes", "0.01", "--workers", "0"]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training.train: ")]
    first = f"48x36, 62 degrees across, 1.00 to 1.00 m ({frame_folder})"
    assert said[1].startswith(
        f"training.train: 6 pictures, the first of each data set: {first}; cannot be used, {broken}"
    )
    assert re.match(
        rf"training.train: wrote {tmp_path}/run/transformer.safetensors \([0-9]+ of 100000 steps, ", said[-1]
    )


def test_a_gpu_would_compute_float32_in_float32(arguments, monkeypatch):
    """TF32 is a flag of the process, which a machine without a GPU has as well."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert main([*arguments, "--minutes", "0.01", "--workers", "0"]) == 0
    assert (torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()) == (False, "highest")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--device", "cuda:77"], "device 'cuda:77' cannot be used"),
        (["--stage", "tokenizer"], "the recipe has no stage 'tokenizer', it has: transformer"),
        (["--data", "/nowhere"], "/nowhere is not there"),
        (["--data", "kitti=/nowhere"], "/nowhere is not there"),
        (["--data", "my-robot=/nowhere"], "training.train: /nowhere is not there"),
        (["--init", "nobody"], "no model file 'nobody'"),
        (["--minutes", "0"], "minutes must be above 0, got 0.0"),
        (["--accumulate", "0"], "accumulate must be a whole number from 1 up, got 0"),
        (["--threads", "0"], "threads must be a whole number from 1 up, got 0"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(arguments, change, sentence, capsys):
    assert main([*arguments, *change]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("training.train: ")
    assert sentence in line


def test_a_file_is_no_folder_to_train_in(arguments, capsys):
    assert main([*arguments, "--out", __file__]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"training.train: {__file__} is a file; expected a folder"


def without_init(arguments):
    place = arguments.index("--init")
    return arguments[:place] + arguments[place + 2 :]


def test_a_stage_starts_from_the_one_before_it_in_the_same_folder_or_from_init(arguments, tmp_path, capsys):
    options = [*without_init(arguments), "--minutes", "0.01", "--workers", "0"]
    assert main(options) == 1
    before = tmp_path / "run" / "tokenizer.safetensors"
    [line] = capsys.readouterr().err.splitlines()
    assert f"{before} is not there, expected it or --init MODEL" in line
    before.parent.mkdir()
    shutil.copy(arguments[arguments.index("--init") + 1], before)
    assert main(options) == 0
    assert f"training.train: taken from {before}: start (1)" in capsys.readouterr().err


def test_a_complete_run_and_a_checkpoint_that_wins_over_init_are_said(arguments, tmp_path, capsys):
    options = [*arguments, "--minutes", "0.01", "--workers", "0"]
    assert main(options) == 0
    assert "is complete" not in capsys.readouterr().err
    checkpoint = tmp_path / "run" / "transformer.checkpoint"
    state = torch.load(checkpoint, weights_only=True)
    assert main(options) == 0
    said = capsys.readouterr().err
    assert f"goes on from {checkpoint}, not from --init {arguments[arguments.index('--init') + 1]}" in said
    assert f"{checkpoint} is complete ({state['step']} of 100000 steps, " in said
    assert "nothing was learnt, more --minutes (or steps in the recipe) or another --out is needed" in said
    assert main([*options, "--minutes", str(state["minutes"] + 0.01)]) == 0
    assert "is complete" not in capsys.readouterr().err


def test_a_stage_does_not_go_on_once_what_it_was_begun_from_has_learnt_more(arguments, tmp_path, capsys):
    """Else the heads would bring back the transformer as it was, with nothing said."""
    before, checkpoint = tmp_path / "run" / "tokenizer.safetensors", tmp_path / "run" / "transformer.checkpoint"
    before.parent.mkdir()
    shutil.copy(arguments[arguments.index("--init") + 1], before)
    options = [*without_init(arguments), "--minutes", "0.01", "--workers", "0"]
    assert main(options) == 0
    assert main(options) == 0
    model = load_model(before)
    next(model.tokenizer.encoder.parameters()).data.add_(1.0)
    save_model(model, before)
    capsys.readouterr()
    assert main(options) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"training.train: {checkpoint} was begun from an earlier {before}, or from ")
    assert line.endswith(f"remove {checkpoint} to begin the stage anew, or go on with it by --init {before}")
    assert main([*options, "--init", str(before)]) == 0


def test_data_given_twice_is_learnt_from_as_one():
    assert parse_arguments(
        ["recipe.json", "--stage", "heads", "--out", "x", "--data", "a", "b", "--data", "c"]
    ).data == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["", "nyuv2=", "mine="])
def test_the_frames_that_models_are_scored_on_are_not_learnt_from_by_accident(arguments, tmp_path, capsys, name):
    for file in ("nyu_depth_v2_labeled.mat", "splits.mat"):
        (tmp_path / file).touch()
    path = tmp_path / "nyu_depth_v2_labeled.mat"
    assert main([*arguments, "--data", f"{name}{path}"]) == 1
    assert f"{path}?split=train" in capsys.readouterr().err


def test_codes_can_only_be_kept_of_a_model(arguments, tmp_path, capsys):
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    recipe["tokenizer"] = recipe["transformer"] | {"keep_codes": True}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    assert main([*without_init(arguments), "--stage", "tokenizer"]) == 1
    assert "keep_codes" in capsys.readouterr().err
    recipe["tokenizer"]["keep_codes"] = "false"
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    assert main([*arguments, "--stage", "tokenizer"]) == 1
    assert "keep_codes must be true or false, got 'false'" in capsys.readouterr().err


def test_a_terminated_group_of_processes_stops_cleanly(arguments, tmp_path):
    """Schedulers signal every process of a job: the readers must not die before the training has stopped."""
    command = [sys.executable, "-m", "training.train", *arguments, "--workers", "1", "--minutes", "5"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    log = tmp_path / "run" / "transformer.jsonl"
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            deadline = time.monotonic() + 120.0
            while not log.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            os.killpg(process.pid, signal.SIGTERM)
            _, errors = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert errors.endswith("; stopped, the same command goes on\n")
    assert torch.load(tmp_path / "run" / "transformer.checkpoint", weights_only=True)["step"] >= 20
