"""Checkpoints that travel."""

import pytest
import torch

from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from training.lighten import averaged_model, lighten, main, restore
from training.loop import Trainer
from training.settings import RunOptions, StageSettings
from training.stages.table import make_stage

SETTINGS = StageSettings(
    steps=4, batch_size=2, learning_rate=1e-3, warmup_steps=1, pixel_weight=1.0, train_decoder=True
)


@pytest.fixture
def trained(toy_config, samples_at, tmp_path):
    """Train a toy model to a step; returns the trainer."""

    def train(until):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = DepthART(toy_config)
        options = RunOptions(tmp_path, device="cpu", precision="fp32", workers=0)
        trainer = Trainer("transformer", model, make_stage("transformer", SETTINGS), settings=SETTINGS, options=options)
        trainer.run(samples_at([1.0, 2.0, 3.0], size=64), until=until)
        return trainer

    return train


def state_of(trainer):
    return torch.load(trainer.checkpoint, weights_only=True)


def test_a_light_checkpoint_is_less_than_half_as_large(trained, tmp_path):
    trainer = trained(2)
    torch.save(lighten(state_of(trainer)), tmp_path / "light")
    assert (tmp_path / "light").stat().st_size < 0.45 * trainer.checkpoint.stat().st_size


def rounded(state):
    """What remains of a checkpoint: weights in float16, squared gradients in bfloat16, and no mean gradients."""
    parts = {part: {name: value.half().float() for name, value in state[part].items()} for part in ("model", "average")}
    kept = {number: values | {"exp_avg": torch.zeros_like(values["exp_avg"])} for number, values in moments(state)}
    for values in kept.values():
        values["exp_avg_sq"] = values["exp_avg_sq"].bfloat16().float()
    return state | parts | {"optimizer": state["optimizer"] | {"state": kept}}


def moments(state):
    return state["optimizer"]["state"].items()


def test_a_run_goes_on_from_a_light_checkpoint_with_all_that_it_keeps(trained):
    trainer = trained(2)
    state, ends = state_of(trainer), []
    for start in (rounded(state), restore(lighten(state))):
        torch.save(start, trainer.checkpoint)
        ends.append(state_of(trained(4)))
    expected, found = ends
    assert found["step"] == 4
    for part in ("model", "average"):
        assert all(torch.equal(value, expected[part][name]) for name, value in found[part].items())
        assert any(not torch.equal(value, state[part][name]) for name, value in found[part].items())
    for number, values in moments(found):
        assert all(torch.equal(value, expected["optimizer"]["state"][number][name]) for name, value in values.items())


def test_the_averaged_model_comes_back(trained):
    trainer = trained(2)
    model = averaged_model(restore(lighten(state_of(trainer))))
    for ours, theirs in zip(model.parameters(), trainer.average.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-6)


def test_a_whole_checkpoint_is_not_restored_twice(trained):
    with pytest.raises(CheckpointError, match="not a lightened checkpoint"):
        restore(state_of(trained(1)))


def test_a_light_checkpoint_is_neither_lightened_again_nor_gone_on_from(trained):
    trainer = trained(1)
    light = lighten(state_of(trainer))
    with pytest.raises(CheckpointError, match="a light checkpoint already"):
        lighten(light)
    torch.save(light, trainer.checkpoint)
    with pytest.raises(CheckpointError, match=r"is a light one, first: python -m training\.lighten .* --restore"):
        trained(2)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04", b"a.", b"\x80\x02h\x05."])
def test_another_file_is_one_sentence(content, tmp_path, capsys):
    (tmp_path / "file").write_bytes(content)
    assert main([str(tmp_path / "file"), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "file is not a readable checkpoint" in error
    assert "weights_only" not in error
    assert not (tmp_path / "out").exists()
