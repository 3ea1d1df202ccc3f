"""Frames that a stage does not learn from are scored while it goes on, and change nothing of it."""

import dataclasses
import json
import time

import numpy as np
import pytest
import torch

from depthart_core.checkpoint import load_model
from depthart_core.estimator import DepthEstimator
from depthart_core.geometry import Intrinsics
from depthart_core.model import DepthART
from training import loop
from training.data.sample import DataError, Sample
from training.data.source import DataSet, open_named
from training.evaluate import evaluate
from training.loop import Trainer
from training.reconstruct import errors
from training.scoring.frames import ScoringSettings
from training.scoring.metrics import ScoreError
from training.settings import RunOptions, StageSettings
from training.stages.table import make_stage
from training.train import main
from training.validation import NOTHING, Validation, evenly, may_overlap, open_validation, path_of

SETTINGS = StageSettings(steps=4, batch_size=2, learning_rate=1e-3, warmup_steps=2, pixel_weight=1.0)


def ramps(count, seed):
    """Pictures of 64x64 whose brightness follows their depth."""
    camera = Intrinsics(64, 64, 60.0, 60.0, 31.5, 31.5)
    slopes = np.random.default_rng(seed).uniform(0.02, 0.08, count)
    depths = [(1.0 + slope * np.arange(64)[:, None] * np.ones(64)).astype(np.float32) for slope in slopes]
    pictures = [np.repeat((40 * depth[..., None]).clip(0, 255).astype(np.uint8), 3, 2) for depth in depths]
    return [Sample(f"s{i}", rgb, depth, camera) for i, (rgb, depth) in enumerate(zip(pictures, depths, strict=True))]


@pytest.fixture
def learnt():
    return ramps(4, seed=0)


@pytest.fixture
def desk():
    return DataSet("desk", "folder", ramps(3, seed=1))


@pytest.fixture
def train(toy_config, tmp_path, monkeypatch):
    """Train a fresh toy model, every step of which is logged and, with `often`, scored; returns the trainer."""
    monkeypatch.setattr(loop, "LOG_STEPS", 1)

    def run(samples, validation=NOTHING, *, stage="transformer", out="run", often=False, steps=4, heads=False, **more):
        monkeypatch.setattr(loop, "PICTURE_MINUTES", -1.0 if often else 10.0)
        torch.manual_seed(0)
        settings = dataclasses.replace(SETTINGS, steps=steps)
        model = DepthART(dataclasses.replace(toy_config, heads=heads))
        options = RunOptions(tmp_path / out, device="cpu", workers=0, **{"precision": "fp32"} | more)
        trainer = Trainer(stage, model, make_stage(stage, settings), settings=settings, options=options)
        trainer.run(samples, validation=validation)
        return trainer

    return run


def lines(trainer, word):
    """Lines of the log that have a scalar whose name begins with that word."""
    path = trainer.options.out / f"{trainer.name}.jsonl"
    return [one for one in map(json.loads, path.read_text().splitlines()) if any(name.startswith(word) for name in one)]


def test_the_scores_are_those_of_training_evaluate(train, learnt, desk, capsys):
    trainer = train(learnt, Validation([desk]))
    assert [line["step"] for line in lines(trainer, "validation/")] == [0, 4]
    frames = evaluate(DepthEstimator.load(trainer.weights, backend="torch"), desk.samples)
    last = lines(trainer, "validation/")[-1]
    assert last["validation/desk/absrel"] == pytest.approx(np.mean([f.scores.abs_rel for f in frames]), rel=1e-3)
    assert last["validation/desk/delta1"] == pytest.approx(np.mean([f.scores.delta1 for f in frames]), abs=1e-3)
    said = f"desk/absrel {last['validation/desk/absrel']:.4f}, desk/delta1 {last['validation/desk/delta1']:.4f}"
    assert f"training.train: validation at step 4: {said}\n" in capsys.readouterr().err


def test_a_model_that_guesses_metres_is_scored_without_alignment_too(train, learnt, desk):
    trainer = train(learnt, Validation([desk]), stage="heads", heads=True)
    settings = ScoringSettings(alignments=("none",))
    frames = evaluate(DepthEstimator.load(trainer.weights, backend="torch"), desk.samples, settings)
    found = lines(trainer, "validation/")[-1]["validation/desk/absrel_unaligned"]
    assert found == pytest.approx(np.mean([frame.scores.abs_rel for frame in frames]), rel=1e-3)


def test_the_tokenizer_is_scored_as_by_training_reconstruct(train, learnt, desk):
    trainer = train(learnt, Validation([desk], tokenizer=True), stage="tokenizer")
    found = lines(trainer, "validation/")[-1]["validation/desk/absrel"]
    assert found == pytest.approx(errors(load_model(trainer.weights), desk)[-2], rel=1e-3)


def test_the_curves_are_in_tensorboard(train, learnt, desk):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(learnt, Validation([desk]))
    trainer = train(learnt, Validation([desk]), steps=6)
    events = accumulator.EventAccumulator(str(trainer.options.out / "tensorboard" / "transformer"))
    events.Reload()
    for name in ("absrel", "delta1"):
        assert [event.step for event in events.Scalars(f"validation/desk/{name}")] == [0, 4, 4, 6]


@pytest.mark.parametrize(
    ("stage", "precision"), [("tokenizer", "fp32"), ("transformer", "bf16"), ("transformer", "fp32"), ("heads", "fp32")]
)
def test_training_is_the_same_with_and_without(train, learnt, desk, stage, precision):
    options = {"stage": stage, "heads": True, "precision": precision, "steps": 2}
    plain = train(learnt, out="plain", **options)
    state = torch.get_rng_state()
    validated = train(learnt, Validation([desk], tokenizer=stage == "tokenizer"), often=True, **options)
    assert torch.equal(torch.get_rng_state(), state)
    assert [line["step"] for line in lines(validated, "validation/")] == [0, 1, 2]
    ours, theirs = ([line["loss"] for line in lines(trainer, "loss")] for trainer in (validated, plain))
    assert ours == theirs
    assert len(ours) == 2
    for mine, other in ((validated.model, plain.model), (validated.average, plain.average)):
        assert mine.training == other.training
        assert all(map(torch.equal, mine.state_dict().values(), other.state_dict().values()))


def test_a_complete_stage_is_not_scored_again(train, learnt, desk):
    scored = [len(lines(train(learnt, Validation([desk]), steps=2), "validation/")) for _ in range(2)]
    assert scored == [2, 2]


class Slow(list):
    def __getitem__(self, index):
        time.sleep(0.5)
        return super().__getitem__(index)


def test_the_time_of_validation_is_none_of_the_training(train, learnt, desk):
    began = time.monotonic()
    trainer = train(learnt, Validation([dataclasses.replace(desk, samples=Slow(desk.samples))]), often=True, steps=2)
    spent = time.monotonic() - began
    assert 60.0 * trainer.minutes < spent - 2 * 3 * 0.5  # those at the start and after the first step


@pytest.mark.parametrize("reading", [2, 5])
def test_a_run_that_is_terminated_while_it_validates_stops_and_resumes(train, learnt, desk, terminated_at, reading):
    whole = train(learnt, out="whole")
    terminated = dataclasses.replace(desk, samples=terminated_at(desk.samples, reading))
    stopped = train(learnt, Validation([terminated]), often=True)
    assert stopped.stopping
    assert stopped.step == (1 if reading == 2 else 2)
    assert [line["step"] for line in lines(stopped, "validation/")] == ([] if reading == 2 else [0])
    resumed = train(learnt, Validation([desk]))
    assert [line["step"] for line in lines(resumed, "validation/")][-2:] == [stopped.step, 4]
    assert all(map(torch.equal, resumed.model.state_dict().values(), whole.model.state_dict().values()))


class Unplugged(list):
    """Samples that cannot be read any more after so many readings."""

    left = 0

    def __getitem__(self, index):
        self.left -= 1
        if self.left < 0:
            raise DataError("the disk is gone")
        return super().__getitem__(index)


@pytest.mark.filterwarnings("ignore:desk. left out")
@pytest.mark.parametrize("left", [0, 3])
def test_what_cannot_be_scored_ends_a_run_at_its_start_alone(train, learnt, desk, left, capsys):
    samples = Unplugged(desk.samples)
    samples.left = left
    validation = Validation([dataclasses.replace(desk, samples=samples)])
    if left:
        assert train(learnt, validation, steps=2).step == 2
        assert "training.train: no validation at step 2: desk: no image was scored" in capsys.readouterr().err
    else:
        with pytest.raises(ScoreError, match="desk: no image was scored"):
            train(learnt, validation)


def test_frames_are_chosen_evenly():
    assert list(evenly(range(10), 4)) == [0, 2, 5, 7]
    assert list(evenly(range(3), 4)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("learnt", "validation", "refused"),
    [
        ("{}", "{}", True),
        ("mine={}", "{}/../desk", True),
        ("{}?part=0:70", "{}?part=60:100", True),
        ("{}?part=0:60&cap=3", "{}", True),
        ("{}?part=0:60", "{}?part=60:100", False),
        ("{}", "{}-2", False),
        ("{}/below", "{}", True),
        ("{}?camera=fr1", "{}?camera=fr2", True),
        ("{}", "{}?every=12", True),
        ("{}?split=train", "{}", True),
        ("{}?split=train", "{}?split=val&color=hdr", False),
    ],
)
def test_frames_that_are_learnt_from_are_no_validation(frame_folder, learnt, validation, refused):
    paths = [path_of(item.format(frame_folder)) for item in (learnt, validation)]
    assert may_overlap(*paths) == may_overlap(*paths[::-1]) == refused


def test_sets_are_opened_with_so_many_frames_as_asked_for(frame_folder):
    [whole] = open_validation([f"desk={frame_folder}"], 100, [])
    [two] = open_validation([f"desk={frame_folder}"], 2, [f"{frame_folder}-2"])
    assert [len(one.samples) for one in (whole, two)] == [3, 2]
    assert whole.protocol == open_named(f"desk={frame_folder}").protocol


@pytest.fixture
def arguments(tmp_path, toy_config, toy_model_path, frame_folder):
    """Arguments of two steps at toy size that learn from two thirds of a folder."""
    values = {"model": json.loads(toy_config.to_json())}
    values["transformer"] = {"steps": 2, "batch_size": 2, "learning_rate": 1e-4}
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    places = ["--data", f"{frame_folder}?part=0:67", "--init", str(toy_model_path), "--out", str(tmp_path / "run")]
    return [str(tmp_path / "recipe.json"), "--stage", "transformer", *places, "--threads", "1", "--workers", "0"]


def test_the_command_scores_what_it_is_given(arguments, frame_folder, tmp_path, capsys):
    sets = [f"desk={frame_folder}?part=67:100", "--validation-limit", "1"]
    assert main([*arguments, "--device", "cpu", "--validation", *sets]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training.train: validation")]
    assert [line.partition(": desk/absrel 0.")[0] for line in said] == [
        "training.train: validation at step 0",
        "training.train: validation at step 2",
    ]
    assert "validation/desk/delta1" in (tmp_path / "run" / "transformer.jsonl").read_text()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["desk"], "--validation desk: expected NAME=PATH"),
        (["desk=/nowhere"], "/nowhere is not there, expected "),
        (["kitti=/nowhere"], "/nowhere is not there, expected "),
        (["desk={}?part=60:100"], "--validation desk={}?part=60:100 lies in what --data {}?part=0:67 learns from, "),
        (["desk={}?part=67:100", "desk={}"], "--validation names desk 2 times, expected different names"),
        (["desk={}", "--validation-limit", "0"], "--validation-limit 0: expected a number of frames from 1 up"),
    ],
)
def test_a_validation_that_cannot_be_had_is_one_sentence(arguments, options, sentence, frame_folder, tmp_path, capsys):
    assert main([*arguments, "--validation", *(option.format(frame_folder) for option in options)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"training.train: {sentence.format(frame_folder, frame_folder)}")
    assert not (tmp_path / "run").exists()
