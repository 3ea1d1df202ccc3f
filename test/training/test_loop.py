"""What a step of training does to learning rate, gradient, averaged weights and files."""

import dataclasses
import itertools
import weakref

import pytest
import torch

from depthart_core.model import DepthART
from training import loop
from training.data.augment import Views
from training.data.loader import batches
from training.loop import Trainer
from training.settings import RunOptions, StageSettings
from training.stages.table import make_stage

SETTINGS = StageSettings(steps=40, batch_size=2, learning_rate=1e-3, warmup_steps=4)


@pytest.fixture
def samples(samples_at):
    return samples_at((1.0, 2.0, 3.0, 4.0), size=64)


@pytest.fixture
def trainer(toy_config, tmp_path):
    """A function of changed settings that gives the trainer of a fresh toy model."""

    def make(*, accumulate=1, **changed) -> Trainer:
        settings = dataclasses.replace(SETTINGS, **changed)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = DepthART(toy_config)
        options = RunOptions(
            out=tmp_path / "run", device="cpu", precision="fp32", workers=0, minutes=10.0, accumulate=accumulate
        )
        return Trainer("transformer", model, make_stage("transformer", settings), settings=settings, options=options)

    return make


@pytest.fixture
def source(samples):
    return batches(samples, 2, seed=0, views=Views(0.9, 0.0), workers=0, start_step=0, size=64)


def test_the_averaged_weights_follow_those_that_are_trained(trainer, source):
    ours = trainer(ema=0.15)
    expected = [parameter.detach().clone() for parameter in ours.model.parameters()]
    for step, decay in enumerate((0.1, 0.15, 0.15)):  # it begins lower, so that the start is soon forgotten
        ours.train_step(source)
        ours.step = step + 1
        trained = zip(expected, ours.model.parameters(), strict=True)
        expected = [decay * before + (1 - decay) * now.detach() for before, now in trained]
    for average, wanted in zip(ours.average.parameters(), expected, strict=True):
        torch.testing.assert_close(average, wanted, rtol=1e-4, atol=1e-6)


def test_the_learning_rate_rises_then_falls_with_the_steps_and_with_the_minutes(trainer, source):
    ours = trainer()

    def rate(step, minutes=0.0):
        ours.step, ours.minutes = step, minutes
        ours.train_step(source)
        return max(group["lr"] for group in ours.optimizer.param_groups)

    assert [rate(0), rate(1)] == pytest.approx([0.25e-3, 0.5e-3], rel=0.01)
    assert rate(4) == pytest.approx(1e-3, rel=0.03)
    assert rate(20) == pytest.approx(0.51e-3, rel=0.01)
    assert rate(40) == pytest.approx(0.02e-3, rel=0.01)
    assert rate(4, minutes=5.0) == pytest.approx(0.51e-3, rel=0.01)
    assert rate(4, minutes=10.0) == pytest.approx(0.02e-3, rel=0.01)


def test_the_gradient_is_clipped_and_logged_as_it_was(trainer, source):
    ours = trainer(clip_norm=0.01)
    _, scalars = ours.train_step(source)
    clipped = torch.stack([parameter.grad.norm() for parameter in ours.parameters if parameter.grad is not None]).norm()
    assert float(clipped) == pytest.approx(0.01, rel=1e-3)
    assert float(scalars["norm"]) > 0.02


def gradient(trainer, source):
    trainer.train_step(source)
    return torch.cat([parameter.grad.flatten() for parameter in trainer.parameters if parameter.grad is not None])


def test_every_batch_of_a_step_on_every_process_draws_its_own_codes(trainer, source):
    same = itertools.repeat(next(source))
    first, again, two = (trainer(rollout="sample", accumulate=count) for count in (1, 1, 2))
    second = trainer(rollout="sample")
    second.processes = dataclasses.replace(second.processes, rank=1, world_size=2)
    wanted = gradient(first, same)
    assert torch.equal(gradient(again, same), wanted)
    assert not torch.allclose(gradient(two, same), wanted, rtol=1e-2)
    assert not torch.allclose(gradient(second, same), wanted, rtol=1e-2)


def test_a_step_keeps_no_pictures(trainer, source):
    ours, read = trainer(), next(source)
    batch = dataclasses.replace(read, rgb=read.rgb.clone())
    kept = weakref.ref(batch.rgb)
    ours.train_step(iter([batch]))
    del batch
    assert kept() is None


def out_of_memory():
    raise MemoryError


@pytest.mark.parametrize(("every", "kept"), [(-1.0, True), (3.0, False)])
def test_checkpoints_come_every_few_minutes(trainer, samples, interrupted_at, monkeypatch, every, kept):
    monkeypatch.setattr(loop, "CHECKPOINT_MINUTES", every)
    ours = trainer()
    with pytest.raises(MemoryError):
        ours.run(interrupted_at(samples, 9, out_of_memory))
    assert ours.checkpoint.exists() == kept
