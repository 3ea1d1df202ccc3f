"""Boundary sharpness against values computed by hand and against the formula, pair by pair."""

import numpy as np
import pytest

from training.scoring.boundaries import RATIOS, boundary_f1


def everywhere(depth):
    return np.ones(depth.shape, bool)


def contours(depth, valid, ratio):
    """Ordered pairs of neighbours ((v, u), (v', u')) whose second lies more than the ratio behind the first."""
    height, width = depth.shape
    found = set()
    for v in range(height):
        for u in range(width):
            for dv, du in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                a, b = (v, u), (v + dv, u + du)
                if 0 <= b[0] < height and 0 <= b[1] < width and valid[a] and valid[b] and depth[b] / depth[a] > ratio:
                    found.add((a, b))
    return found


def slow_f1(depth, truth, valid):
    """The definition in the paper's words: precision and recall of sets of contours."""
    total = weight = 0.0
    for ratio in RATIOS:
        found, wanted = contours(depth, valid, ratio), contours(truth, valid, ratio)
        if wanted:
            precision = len(found & wanted) / max(len(found), 1)
            recall = len(found & wanted) / len(wanted)
            total += ratio * (2 * precision * recall / (precision + recall) if precision + recall else 0)
            weight += ratio
    return total / weight


def test_it_agrees_with_a_value_computed_by_hand():
    # Contours of the truth (all beyond 1.25): 1|2, 2|4. Of the depth: 1|2 as well, but 2|2 is none and 2|1 is another.
    truth = np.array([[1.0, 2.0, 4.0, 4.0]])
    depth = np.array([[1.0, 2.0, 2.0, 1.0]])
    precision, recall = 1 / 2, 1 / 2
    assert boundary_f1(depth, truth, everywhere(truth)) == pytest.approx(2 * precision * recall / (precision + recall))


def test_each_ratio_is_judged_alone_and_weighted_by_itself():
    # The step of the truth counts at all ten ratios, that of the depth only at those below 1.16: five of them.
    truth, depth = np.array([[1.0, 2.0]]), np.array([[1.0, 1.16]])
    below = RATIOS < 1.16
    assert below.sum() == 5
    expected = RATIOS[below].sum() / RATIOS.sum()
    assert boundary_f1(depth, truth, everywhere(truth)) == pytest.approx(expected)


def test_it_agrees_with_the_definition_pair_by_pair():
    random = np.random.default_rng(0)
    truth = np.exp(0.12 * random.normal(size=(12, 9)))
    depth = truth * np.exp(0.08 * random.normal(size=(12, 9)))
    valid = random.random((12, 9)) < 0.8
    assert boundary_f1(depth, truth, valid) == pytest.approx(slow_f1(depth, truth, valid))


def test_perfect_depth_up_to_a_factor_scores_1():
    truth = np.exp(np.random.default_rng(0).normal(size=(6, 6)))
    assert boundary_f1(3.7 * truth, truth, everywhere(truth)) == pytest.approx(1)


def test_a_contour_the_wrong_way_round_is_no_hit():
    truth = np.array([[1.0, 2.0]])
    assert boundary_f1(truth[:, ::-1], truth, everywhere(truth)) == 0


def test_flat_depth_finds_nothing():
    truth = np.array([[1.0, 2.0], [1.0, 2.0]])
    assert boundary_f1(np.ones((2, 2)), truth, everywhere(truth)) == 0


def test_pairs_with_an_unknown_pixel_do_not_count():
    truth = np.array([[1.0, np.nan, 2.0, 4.0]])
    depth = np.array([[9.0, 1.0, 2.0, 4.0]])
    assert boundary_f1(depth, truth, np.isfinite(truth)) == 1


def test_a_truth_without_contours_says_nothing():
    assert np.isnan(boundary_f1(np.array([[1.0, 2.0]]), np.ones((1, 2)), np.ones((1, 2), bool)))
