"""What a run tells about itself."""

import json

import numpy as np
import pytest
import torch

from depthart_core.checkpoint import load_model
from training.run_log import RunLog, progress_sheet
from training.settings import StageSettings
from training.stages.stage import TrainingBatch
from training.stages.table import make_stage

SETTINGS = StageSettings(steps=1, batch_size=1, learning_rate=1e-3)


@pytest.fixture
def batch() -> TrainingBatch:
    depth = torch.linspace(-1, 1, 64).expand(6, 1, 64, 64).clone()
    depth[:, :, :8] = torch.nan
    return TrainingBatch(torch.ones(6, 3, 64, 64), depth, depth.exp(), torch.ones(6, 4))


@pytest.mark.parametrize("stage", ["tokenizer", "transformer"])
def test_the_sheet_shows_image_truth_and_depth_after_each_scale(stage, toy_model, batch):
    sheet = progress_sheet(make_stage(stage, SETTINGS), toy_model, batch)
    assert (sheet.dtype, sheet.shape) == (np.uint8, (4 * 64, (2 + 3) * 64, 3))
    image, truth, *depths = np.split(sheet[:64], 5, axis=1)
    assert (image == 255).all()
    assert (truth[:8] == 0).all()  # unknown
    assert truth[32, 1, 0] > truth[32, 1, 2]  # near is red
    assert truth[32, -2, 2] > truth[32, -2, 0]  # far is blue
    assert all(depth[:8].any() for depth in depths)


def test_the_sheet_of_the_heads_shows_depth_and_what_of_it_they_trust(toy_heads_path, batch):
    model = load_model(toy_heads_path)
    for bias, trusted in ((-99.0, False), (99.0, True)):
        model.confidence_head.layers[-1].bias.fill_(bias)
        sheet = progress_sheet(make_stage("heads", SETTINGS), model, batch)
        _, _, depth, sure = np.split(sheet, 4, axis=1)
        assert depth.any(2).all()
        assert (sure == depth * trusted).all()


def test_a_sheet_of_unknown_depth_is_drawn_as_well(toy_model, batch):
    unknown = TrainingBatch(batch.image, torch.full_like(batch.depth, torch.nan), batch.metres, batch.intrinsics)
    sheet = progress_sheet(make_stage("transformer", SETTINGS), toy_model, unknown)
    assert not sheet[:, 64:128].any()


def test_curves_and_sheets_are_in_the_folder_of_tensorboard(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run_log = RunLog(tmp_path, "transformer")
    run_log.open()
    for step in (20, 40):
        run_log.scalars(step, 0.5, {"loss": 1.0 / step})
    run_log.sheet(40, np.zeros((8, 8, 3), np.uint8))
    run_log.close()
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard" / "transformer"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [20, 40]
    assert [event.step for event in events.Images("image, truth, depth")] == [40]


def test_lines_after_the_last_checkpoint_are_dropped(tmp_path):
    first, second = (RunLog(tmp_path, "transformer") for _ in range(2))
    first.open()
    for step in (20, 40, 60):
        first.scalars(step, 1.0, {"loss": 1.0})
    with (tmp_path / "transformer.jsonl").open("a") as file:
        file.write('{"step": 80, "lo')  # the machine went down here
    second.open(40)
    second.scalars(60, 2.0, {"loss": 0.5})
    lines = [json.loads(line) for line in (tmp_path / "transformer.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == [(20, 1.0), (40, 1.0), (60, 0.5)]


def test_a_log_that_is_not_opened_leaves_no_file(tmp_path):
    run_log = RunLog(tmp_path, "transformer")
    run_log.sheet(20, np.zeros((8, 8, 3), np.uint8))
    run_log.close()
    assert not list(tmp_path.iterdir())
