import math

import numpy as np
import pytest

from training.scoring.metrics import METRICS, ScoreError, Scores, average, score

EVERYWHERE = np.ones((1, 4), bool)


def test_scores_agree_with_values_computed_by_hand():
    truth = np.array([[1.0, 2.0, 4.0, 10.0]])
    depth = np.array([[1.0, 3.0, 3.0, 20.0]])
    got = score(depth, truth, EVERYWHERE)
    logs = [0, math.log(1.5), math.log(0.75), math.log(2)]
    mean = sum(logs) / 4
    assert got.abs_rel == pytest.approx((0 + 0.5 + 0.25 + 1) / 4)
    assert (got.delta1, got.delta2, got.delta3) == (0.25, 0.75, 0.75)
    assert got.rmse == pytest.approx(math.sqrt((0 + 1 + 1 + 100) / 4))
    assert got.mae == pytest.approx((0 + 1 + 1 + 10) / 4)
    assert got.log10 == pytest.approx((math.log10(1.5) + math.log10(4 / 3) + math.log10(2)) / 4)
    # Of the three steps (x2, x2, x2.5 in the truth) the depth has the first and the last, and a level one between.
    assert got.boundary == pytest.approx(2 * 2 / (2 + 3))
    assert got.silog == pytest.approx(100 * math.sqrt(sum((x - mean) ** 2 for x in logs) / 4))


def test_perfect_depth_has_no_error():
    truth = np.array([[1.0, 2.0, 4.0, 10.0]])
    assert score(truth, truth, EVERYWHERE) == Scores(0, 1, 1, 1, 0, 0, 0, 0, 1)


def test_silog_does_not_see_a_factor():
    truth = np.array([[1.0, 2.0, 4.0, 10.0]])
    assert score(3 * truth, truth, EVERYWHERE).silog == pytest.approx(0, abs=1e-9)


def test_pixels_outside_the_mask_do_not_count():
    truth = np.array([[1.0, 2.0, np.nan, 10.0]])
    depth = np.array([[1.0, 2.0, 3.0, 99.0]])
    assert score(depth, truth, np.array([[True, True, False, False]])).abs_rel == 0


def test_every_image_counts_the_same():
    one, two = Scores(*[0.1] * 9), Scores(*[0.3] * 9)
    assert [getattr(average([one, two]), name) for name in METRICS] == pytest.approx([0.2] * 9)


def test_an_image_without_a_step_in_depth_does_not_count_for_sharpness_alone():
    flat = score(np.full((1, 4), 2.0), np.ones((1, 4)), EVERYWHERE)
    assert np.isnan(flat.boundary)
    mean = average([flat, Scores(*[0.5] * 9)])
    assert (mean.boundary, mean.abs_rel) == (0.5, 0.75)
    assert np.isnan(average([flat]).boundary)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_depth_that_is_no_distance_is_refused(bad):
    with pytest.raises(ScoreError, match="not positive and finite"):
        score(np.array([[1.0, bad]]), np.ones((1, 2)), np.ones((1, 2), bool))


def test_an_image_without_valid_pixels_is_refused():
    with pytest.raises(ScoreError, match="no valid pixel"):
        score(np.ones((1, 2)), np.ones((1, 2)), np.zeros((1, 2), bool))


def test_maps_of_different_sizes_are_refused():
    with pytest.raises(ScoreError, match="expected one shape"):
        score(np.ones((1, 2)), np.ones((1, 3)), np.ones((1, 3), bool))


def test_an_average_of_nothing_is_refused():
    with pytest.raises(ScoreError, match="no image was scored"):
        average([])
