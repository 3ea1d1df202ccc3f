"""Losses that are looked at together."""

import torch

from training.data.loader import Batch
from training.nonfinite import NonFiniteDetector


def batch(number: int) -> Batch:
    depth = torch.full((1, 1, 4, 4), float(number))
    return Batch(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), depth, torch.zeros(1, 4), (f"s{number}",))


def test_the_first_step_whose_loss_is_not_finite_is_found_and_saved_with_all_its_batches(tmp_path):
    detector = NonFiniteDetector(8)
    for number, loss in enumerate([1.0, 2.0, 1.0, torch.inf, torch.nan, 1.0]):
        detector.add(number // 2, torch.tensor(loss), batch(number))  # two batches make a step
    assert detector.first_bad() == 1
    detector.save(1, tmp_path / "bad.pt")
    saved = torch.load(tmp_path / "bad.pt", weights_only=True)
    assert saved["names"] == ["s2", "s3"]
    assert saved["depth"][:, 0, 0, 0].tolist() == [2.0, 3.0]


def test_a_gradient_that_is_not_finite_is_found_where_the_loss_is():
    detector = NonFiniteDetector(4)
    for step in range(3):
        detector.add(step, torch.tensor(1.0), batch(step))
        detector.add_norm(step, torch.tensor(torch.nan if step == 1 else 2.0))
    assert detector.first_bad() == 1


def test_finite_losses_raise_no_alarm():
    detector = NonFiniteDetector(2)
    for number, loss in enumerate([torch.nan, 1.0, 2.0]):  # the first one was looked at before
        detector.add(number, torch.tensor(loss), batch(number))
    assert detector.first_bad() is None
