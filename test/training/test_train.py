"""The training loop at toy size: real steps, real checkpoints."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from depthart_core.checkpoint import load_model
from depthart_core.errors import CheckpointError, ConfigError
from depthart_core.geometry import Intrinsics
from depthart_core.model import DepthART
from training.checkpoints import load_state, write_checkpoint
from training.data.loader import batches
from training.data.sample import Sample
from training.errors import TrainingError
from training.loop import Trainer
from training.nonfinite import NonFiniteDetector
from training.settings import RunOptions, StageSettings
from training.stages import tokenizer
from training.stages.table import make_stage

SETTINGS = StageSettings(
    steps=6, batch_size=2, learning_rate=1e-3, warmup_steps=2, pixel_weight=1.0, train_decoder=True
)


@pytest.fixture
def samples():
    """Four pictures whose brightness follows their depth."""
    rng = np.random.default_rng(0)
    camera = Intrinsics(64, 64, 60.0, 60.0, 31.5, 31.5)
    slopes = rng.uniform(0.02, 0.08, 4)
    ramps = [(1.0 + slope * np.arange(64)[:, None] * np.ones(64)).astype(np.float32) for slope in slopes]
    pictures = [np.repeat((40 * ramp[..., None]).clip(0, 255).astype(np.uint8), 3, 2) for ramp in ramps]
    return [Sample(f"s{i}", rgb, depth, camera) for i, (rgb, depth) in enumerate(zip(pictures, ramps, strict=True))]


@pytest.fixture
def train(toy_config, tmp_path):
    """Train a fresh toy model for some steps in a folder of this test; returns the trainer."""

    def run(
        samples,
        *,
        stage="transformer",
        out="run",
        settings=SETTINGS,
        config=toy_config,
        until=None,
        accumulate=1,
        pace=1,
    ) -> Trainer:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = DepthART(config)
        options = RunOptions(out=tmp_path / out, device="cpu", precision="fp32", workers=0, accumulate=accumulate)
        trainer = Trainer(stage, model, make_stage(stage, settings), settings=settings, options=options)
        trainer.pace, trainer.nonfinite = pace, NonFiniteDetector(pace)
        trainer.run(samples, until=until)
        return trainer

    return run


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("minutes", -2.0, "above 0"),
        ("minutes", float("nan"), "above 0"),
        ("workers", -1, "a whole number from 0 up"),
        ("seed", -1, "a whole number from 0 up"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(tmp_path, name, value, expected):
    with pytest.raises(ConfigError, match=f"{name} must be {expected}, got {value}"):
        RunOptions(tmp_path, **{name: value})


def weights(trainer):
    return torch.cat([parameter.detach().flatten() for parameter in trainer.parameters])


@pytest.mark.parametrize(
    ("stage", "changed"),
    [("tokenizer", {"keep_codes": True}), ("transformer", {}), ("transformer", {"rollout": "sample"})],
)
def test_a_terminated_run_resumes_to_the_same_weights(train, samples, stage, changed, terminated_at, monkeypatch):
    monkeypatch.setattr(tokenizer, "RESTART_STEPS", 4)  # codes that nobody chose before or after the break move
    settings = dataclasses.replace(SETTINGS, **changed)
    whole = train(samples, stage=stage, out="whole", settings=settings)
    assert train(terminated_at(samples, 6), stage=stage, out="parts", settings=settings).step == 3
    resumed = train(samples, stage=stage, out="parts", settings=settings)
    assert resumed.step == whole.step == 6
    assert torch.equal(weights(resumed), weights(whole))


def test_a_tokenizer_whose_decoder_sees_no_image_is_trained_beside_an_image_network(train, samples, toy_config):
    tokenizer = dataclasses.replace(toy_config.tokenizer, decoder="var", decoder_channels=(), decoder_blocks=1)
    config = dataclasses.replace(toy_config, tokenizer=tokenizer)
    trainer = train(samples, stage="tokenizer", config=config, settings=dataclasses.replace(SETTINGS, steps=2))
    assert trainer.step == 2


@pytest.mark.parametrize(("keep", "moved"), [(True, 0.01), (False, 0.1)])
def test_a_codebook_starts_anew_unless_it_is_kept(train, samples, toy_config, keep, moved):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        before = DepthART(toy_config).tokenizer.quantizer.codebook.detach().clone()
    settings = dataclasses.replace(SETTINGS, steps=1, keep_codes=keep)
    after = train(samples, stage="tokenizer", settings=settings).model.tokenizer.quantizer.codebook.detach()
    assert ((after - before).abs().mean() < moved * before.abs().mean()) == keep


def test_the_decoded_depth_gets_better_on_one_picture(train, samples, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=60, learning_rate=5e-3, warmup_steps=5)
    train(samples[:1], settings=settings)
    log = [json.loads(line) for line in (tmp_path / "run" / "transformer.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [20, 40, 60]
    assert log[-1]["pixel"] < 0.8 * log[0]["pixel"]


def test_the_saved_model_is_the_averaged_one(train, samples, tmp_path):
    trainer = train(samples)
    saved = load_model(tmp_path / "run" / "transformer.safetensors").state_dict()
    average = trainer.average.state_dict()
    assert all(torch.equal(saved[name], average[name]) for name in average)


def test_the_transformer_stage_leaves_encoder_codes_and_fine_features_alone(train, samples, toy_config):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        before = DepthART(toy_config).state_dict()
    after = train(samples).model.state_dict()
    still = ("tokenizer.encoder", "tokenizer.quant", "image.backbone.stem", "image.backbone.stages.2")
    kept = [name for name in before if name.startswith(still)]
    assert kept
    assert all(torch.equal(before[name], after[name]) for name in kept)
    assert not torch.equal(before["transformer.head.weight"], after["transformer.head.weight"])


def test_a_checkpoint_of_another_configuration_is_refused(train, samples, toy_config):
    train(samples)
    other = dataclasses.replace(toy_config, log_range=7.0)
    with pytest.raises(
        CheckpointError, match=r"transformer.checkpoint is of another .* log_range is 10.0, expected 7.0"
    ):
        train(samples, config=other)


def test_a_checkpoint_of_another_objective_is_refused(train, samples):
    train(samples)
    with pytest.raises(CheckpointError, match="objective is 'depthart', expected 'teacher_forcing'"):
        train(samples, settings=dataclasses.replace(SETTINGS, objective="teacher_forcing"))


def test_a_checkpoint_that_trains_other_parameters_is_refused(train, samples):
    train(samples, until=1)
    with pytest.raises(CheckpointError, match=r"transformer.checkpoint trains other parameters than the recipe"):
        train(samples, settings=dataclasses.replace(SETTINGS, train_decoder=False))


def test_a_resumed_run_obeys_the_recipe_as_it_is_now(train, samples):
    train(samples, until=1)
    settings = dataclasses.replace(SETTINGS, weight_decay=0.3, backbone_factor=0.0)
    groups = train(samples, settings=settings).optimizer.param_groups
    assert {group["weight_decay"] for group in groups} == {0.3, 0.0}  # what sets sizes and places does not decay
    assert {group["factor"] for group in groups} == {1.0, 0.0}


def test_a_run_begun_with_a_version_that_computed_in_tf32_says_so_when_it_goes_on(train, samples, capsys):
    checkpoint = train(samples, until=1).checkpoint
    train(samples, until=2)
    assert "TF32" not in capsys.readouterr().err
    state = load_state(checkpoint)
    del state["tf32"]
    write_checkpoint(checkpoint, state)
    train(samples, until=3)
    assert f"{checkpoint} was made by an earlier version, which on GPUs computed float32 in TF32;" in (
        capsys.readouterr().err
    )


def test_a_damaged_checkpoint_is_refused(train, samples, tmp_path):
    path = tmp_path / "run" / "transformer.checkpoint"
    path.parent.mkdir()
    path.write_bytes(b"PK nothing")
    with pytest.raises(CheckpointError, match=r"transformer.checkpoint is not a readable checkpoint"):
        train(samples)


def test_a_full_disk_leaves_the_checkpoint_before(train, samples, files_of_at_most):
    first = train(samples)
    before = {path.name: path.read_bytes() for path in first.checkpoint.parent.glob("transformer.*")}
    said = r"cannot write .*transformer.checkpoint .*before it is kept"
    with files_of_at_most(len(before["transformer.checkpoint"]) // 2), pytest.raises(TrainingError, match=said):
        train(samples, settings=dataclasses.replace(SETTINGS, steps=7))
    assert first.checkpoint.read_bytes() == before["transformer.checkpoint"]
    assert not list(first.checkpoint.parent.glob(".*.tmp"))
    assert train(samples, settings=dataclasses.replace(SETTINGS, steps=7)).step == 7


def test_a_disk_that_is_full_at_once_keeps_no_checkpoint_and_says_so(train, samples, files_of_at_most):
    said = r"cannot write .*transformer.checkpoint .*; there is none before it"
    with files_of_at_most(10000), pytest.raises(TrainingError, match=said):
        train(samples, until=1)


def test_what_a_killed_writer_left_behind_is_removed(train, samples, tmp_path):
    """A real one: the process dies in the middle of writing, as after SIGKILL."""
    (tmp_path / "run").mkdir()
    for name in ("transformer.checkpoint", "transformer.safetensors", "tokenizer.checkpoint"):
        program = (
            "import os, sys; from pathlib import Path; from depthart_core import model_files; "
            "os.fsync = lambda _: os._exit(9); model_files.write_atomically(Path(sys.argv[1]), b'x')"
        )
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "run" / name)], check=False)
        assert done.returncode == 9
    assert len(list((tmp_path / "run").glob(".*.tmp"))) == 3
    train(samples, until=1)
    [left] = (tmp_path / "run").glob(".*.tmp")
    assert left.name.startswith(".tokenizer.checkpoint.")  # of a stage that may be running


def test_a_paused_run_goes_on_to_the_same_weights(train, samples):
    whole = train(samples, out="whole")
    assert train(samples, out="parts", until=2).step == 2
    assert torch.equal(weights(train(samples, out="parts")), weights(whole))


@pytest.mark.parametrize("stage", ["tokenizer", "transformer", "heads"])
def test_gradients_of_several_batches_make_one_step_however_much_each_knows(
    train, samples, stage, toy_config, tmp_path
):
    """The first step of AdamW follows the sign of the gradient; its running mean shows the gradient itself."""
    for sample, stride in zip(samples, (1, 2, 3, 5), strict=True):
        sample.depth[np.arange(64) % stride > 0] = np.nan
    settings = dataclasses.replace(SETTINGS, steps=1, clip_norm=1e9, keep_codes=True)
    common = {"stage": stage, "config": dataclasses.replace(toy_config, heads=True)}
    one = train(samples, out="one", settings=dataclasses.replace(settings, batch_size=4), **common)
    two = train(samples, out="two", settings=settings, accumulate=2, **common)
    ours, theirs = (torch.cat([s["exp_avg"].flatten() for s in t.optimizer.state.values()]) for t in (one, two))
    assert float((ours - theirs).norm() / ours.norm()) < 1e-4
    ours, theirs = (json.loads((tmp_path / run / f"{stage}.jsonl").read_text()) for run in ("one", "two"))
    assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-4)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_loss_that_is_not_finite_stops_and_names_the_samples(train, samples, tmp_path, accumulate):
    settings = StageSettings(steps=6, batch_size=1, learning_rate=1e30, warmup_steps=1)
    with pytest.raises(TrainingError, match=r"not finite at step 1; .*bad_batch.json names its samples"):
        train(samples, settings=settings, accumulate=accumulate)
    told = json.loads((tmp_path / "run" / "transformer.bad_batch.json").read_text())
    learnt = batches(samples, accumulate, seed=0, start_step=1, workers=0, size=64)
    assert told["names"] == list(next(learnt).names)
    assert (told["step"], told["seed"], told["accumulate"]) == (1, 0, accumulate)


def test_a_terminated_run_whose_loss_is_not_finite_writes_no_checkpoint(train, samples, tmp_path, terminated_at):
    """As on a GPU, losses are looked at every few steps: the signal comes when the weights are NaN and nobody knows."""
    settings = dataclasses.replace(SETTINGS, learning_rate=1e30, warmup_steps=1, steps=8)
    with pytest.raises(TrainingError, match="not finite at step 1"):
        train(terminated_at(samples, 6), settings=settings, pace=4)
    assert not (tmp_path / "run" / "transformer.checkpoint").exists()
