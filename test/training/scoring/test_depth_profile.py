"""Error against depth."""

import numpy as np
import pytest

from training.scoring.depth_profile import EDGES, depth_profile, mean_profile


def bin_of(depth):
    return next(n for n in range(len(EDGES) - 1) if EDGES[n] <= depth < EDGES[n + 1])


def test_the_error_of_every_pixel_lands_in_the_bin_of_its_true_depth():
    truth = np.array([[1.0, 1.01, 5.0, 9.9]])
    depth = np.array([[1.5, 1.01, 6.0, 0.1]])
    valid = np.array([[True, True, True, False]])
    total, count = depth_profile(depth, truth, valid)
    assert bin_of(1.0) == bin_of(1.01) != bin_of(5.0)
    assert (total[bin_of(1.0)], count[bin_of(1.0)]) == (pytest.approx(0.5), 2)
    assert (total[bin_of(5.0)], count[bin_of(5.0)]) == (pytest.approx(0.2), 1)
    assert (total.sum(), count.sum()) == (pytest.approx(0.7), 3)


def test_images_are_pooled_by_pixels_and_empty_bins_are_unknown():
    near, far = np.full((1, 4), 1.0), np.full((1, 2), 1.0)
    profiles = [
        depth_profile(1.3 * near, near, np.ones((1, 4), bool)),
        depth_profile(1.6 * far, far, np.ones((1, 2), bool)),
    ]
    mean = mean_profile(profiles)
    assert mean[bin_of(1.0)] == pytest.approx((4 * 0.3 + 2 * 0.6) / 6)
    assert np.isnan(np.delete(mean, bin_of(1.0))).all()
