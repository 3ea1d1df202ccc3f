"""Losses that are looked at together."""

import json

import pytest
import torch

from training.distributed import Processes
from training.nonfinite import NonFiniteDetector, Step
from training.settings import RunOptions


def detector_of(*values):
    """A detector of three steps that saw these losses and norms, of samples s0, s1, ..."""
    detector = NonFiniteDetector(3)
    for number, (loss, norm) in enumerate(values):
        detector.add(Step(number, torch.tensor(loss), torch.tensor(norm), [f"s{number}"]))
    return detector


@pytest.mark.parametrize("bad", [(torch.inf, torch.nan), (torch.nan, 1.0), (1.0, torch.nan)])
def test_the_first_step_whose_loss_or_gradient_is_not_finite_is_found(bad):
    detector = detector_of((1.0, 1.0), bad, (torch.nan, torch.nan))
    assert detector.first_bad() == 1


def test_what_gives_the_same_pictures_again_is_saved(tmp_path):
    processes = Processes(torch.device("cpu"), rank=1, world_size=2)
    options = RunOptions(tmp_path, seed=7, accumulate=3)
    path = detector_of((1.0, 1.0), (1.0, torch.nan)).save(1, tmp_path / "heads", processes, options, batch_size=4)
    assert path == tmp_path / "heads.bad_batch.1.json"
    numbers = {"step": 1, "seed": 7, "rank": 1, "processes": 2, "accumulate": 3, "batch_size": 4}
    assert json.loads(path.read_text()) == {**numbers, "names": ["s1"]}


def test_a_step_that_was_looked_at_before_raises_no_alarm():
    assert detector_of((torch.nan, torch.nan), (1.0, 1.0), (2.0, 1.0), (1.0, 2.0)).first_bad() is None
