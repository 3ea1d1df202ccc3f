"""Losses that are looked at together."""

import json

import pytest
import torch

from training.nonfinite import NonFiniteDetector, Step


def detector_of(*values):
    """A detector of three steps that saw these losses and norms, of samples s0, s1, ..."""
    detector = NonFiniteDetector(3)
    for number, (loss, norm) in enumerate(values):
        detector.add(Step(number, torch.tensor(loss), torch.tensor(norm), [f"s{number}"]))
    return detector


@pytest.mark.parametrize("bad", [(torch.inf, torch.nan), (torch.nan, 1.0), (1.0, torch.nan)])
def test_the_first_step_whose_loss_or_gradient_is_not_finite_is_found_and_its_samples_are_named(bad, tmp_path):
    detector = detector_of((1.0, 1.0), bad, (torch.nan, torch.nan))
    assert detector.first_bad() == 1
    detector.save_names(1, tmp_path / "bad.json")
    assert json.loads((tmp_path / "bad.json").read_text()) == ["s1"]


def test_a_step_that_was_looked_at_before_raises_no_alarm():
    assert detector_of((torch.nan, torch.nan), (1.0, 1.0), (2.0, 1.0), (1.0, 2.0)).first_bad() is None
