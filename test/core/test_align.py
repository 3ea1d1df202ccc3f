"""Alignment and range limits against plain formulas."""

import numpy as np
import pytest

from depthart_core.align import Alignment, fit_scale, fit_scale_shift, limit_range
from depthart_core.errors import AlignmentError


def some_depth(seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1.2, (6, 8)).astype(np.float32)


def test_scale_is_the_median_of_the_ratios():
    prediction, truth = some_depth(0), some_depth(1)
    expected = sorted((truth.astype(float) / prediction).ravel())
    assert fit_scale(prediction, truth).scale == pytest.approx((expected[23] + expected[24]) / 2)


def test_scale_and_shift_of_exact_data_are_found():
    prediction = some_depth()
    fit = fit_scale_shift(prediction, 3.5 * prediction + 0.25)
    assert (fit.scale, fit.shift) == (pytest.approx(3.5, abs=1e-5), pytest.approx(0.25, abs=1e-5))


def test_scale_and_shift_are_the_least_squares_solution():
    prediction, truth = some_depth(0), some_depth(1)
    system = np.stack([prediction.ravel(), np.ones(prediction.size)], axis=1)
    expected = np.linalg.lstsq(system, truth.ravel(), rcond=None)[0]
    fit = fit_scale_shift(prediction, truth)
    np.testing.assert_allclose([fit.scale, fit.shift], expected, rtol=1e-4)


@pytest.mark.parametrize("fit", [fit_scale, fit_scale_shift])
def test_pixels_without_truth_and_masked_pixels_do_not_count(fit):
    prediction = some_depth()
    truth = 2.0 * prediction
    truth[0, :4] = 0.0, np.nan, np.inf, -1.0
    truth[1] = 99.0
    valid = np.ones(truth.shape, bool)
    valid[1] = False
    for mask in (valid, valid.astype(np.uint8) * 255):  # as OpenCV has them
        assert fit(prediction, truth, mask).scale == pytest.approx(2.0, rel=1e-5)


@pytest.mark.parametrize("fit", [fit_scale, fit_scale_shift])
def test_no_valid_pixel_is_refused(fit):
    with pytest.raises(AlignmentError, match="0 pixels are valid; expected"):
        fit(some_depth(), np.zeros((6, 8), np.float32))


@pytest.mark.parametrize("fit", [fit_scale, fit_scale_shift])
def test_other_shapes_are_refused(fit):
    with pytest.raises(AlignmentError, match=r"truth has shape \(5, 8\); expected \(6, 8\)"):
        fit(some_depth(), np.ones((5, 8), np.float32))
    with pytest.raises(AlignmentError, match=r"valid has shape \(3,\); expected \(6, 8\)"):
        fit(some_depth(), some_depth(), np.ones(3, bool))


def test_a_constant_prediction_has_no_shift():
    with pytest.raises(AlignmentError, match="constant"):
        fit_scale_shift(np.full((6, 8), 0.7, np.float32), some_depth())


def test_alignment_gives_float32_metres_and_leaves_its_input():
    relative = some_depth()
    before = relative.copy()
    metres = Alignment(2.0, 0.5).apply(relative)
    assert metres.dtype == np.float32
    np.testing.assert_allclose(metres, 2.0 * before + 0.5, rtol=1e-6)
    np.testing.assert_array_equal(relative, before)


def limited_one(value, low, high):
    """REP-117, one value at a time."""
    if np.isnan(value) or (np.isfinite(value) and value <= 0):
        return np.nan
    if value < low:
        return -np.inf
    return np.inf if value > high else value


def test_range_limits_are_those_of_rep_117():
    depth = np.array([np.nan, 0.0, -1.0, -np.inf, 0.1, 0.3, 1.0, 5.0, 5.1, np.inf], np.float32)
    limits = float(depth[5]), 5.0
    expected = [limited_one(float(value), *limits) for value in depth]
    result = limit_range(depth, *limits)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.array(expected, np.float32))
    np.testing.assert_array_equal(limit_range(result, *limits), result)


@pytest.mark.parametrize("far", [5.0, 50.0])
def test_range_limits_are_written_where_the_caller_wants_them_and_nowhere_else(far):
    depth = np.random.default_rng(0).uniform(0.5, far, (4, 5)).astype(np.float32)
    before, room = depth.copy(), np.zeros_like(depth)
    expected = limit_range(depth, 0.3, 10.0)
    assert limit_range(depth, 0.3, 10.0, out=room) is room
    np.testing.assert_array_equal(room, expected)
    np.testing.assert_array_equal(depth, before)
    assert limit_range(depth, 0.3, 10.0, out=depth) is depth
    np.testing.assert_array_equal(depth, expected)


def test_zero_is_never_reported_even_without_a_near_limit():
    assert np.isnan(limit_range(np.zeros(3), 0.0, 10.0)).all()
