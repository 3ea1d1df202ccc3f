"""Confidence as a probability, against values computed by hand."""

import numpy as np
import pytest

from training.scoring.confidence_calibration import BINS, calibration_error, reliability

TRUTH = np.array([2.0, 2.0, 2.0, 2.0])


def test_bins_hold_what_is_stated_and_what_is_right():
    bins = reliability(np.array([0.92, 0.93, 0.11, 1.0]), np.array([2.0, 3.0, 1.7, 2.4]), TRUTH)
    assert bins.shape == (BINS, 2)
    assert bins[18] == pytest.approx([1.85 / 4, 1 / 4])
    assert bins[2] == pytest.approx([0.11 / 4, 1 / 4])
    assert bins[19] == pytest.approx([1 / 4, 1 / 4])
    assert bins.sum() == pytest.approx((2.96 + 3) / 4)


def test_a_confidence_that_holds_has_no_calibration_error():
    depth = np.array([2.0, 2.0, 2.0, 9.0])
    assert calibration_error(reliability(np.full(4, 0.75), depth, TRUTH)) == 0.0


def test_too_much_confidence_is_an_error_of_its_size():
    assert calibration_error(reliability(np.full(4, 0.9), 3 * TRUTH, TRUTH)) == pytest.approx(0.9)
