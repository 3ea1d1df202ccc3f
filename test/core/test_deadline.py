"""Fewer scales where all of them would miss a deadline."""

import time

import numpy as np
import pytest

from depthart_core import DepthEstimator


def test_without_a_deadline_every_scale_is_decoded(toy_model_path, some_picture):
    estimator = DepthEstimator.load(toy_model_path)
    assert (estimator.anytime, estimator.scales) == (True, 3)
    assert estimator(some_picture()).scales == 3


@pytest.mark.parametrize("max_scales", [1, 2])
def test_scales_are_those_asked_for(toy_model_path, max_scales, some_picture):
    found = DepthEstimator.load(toy_model_path, backend="torch", max_scales=max_scales)
    assert (found.scales, found(some_picture()).scales) == (max_scales, max_scales)


@pytest.mark.parametrize("model", ["toy_model_path", "toy_heads_path"])
def test_a_deadline_gives_what_fewer_scales_give(model, request, some_picture):
    path = request.getfixturevalue(model)
    some, one = (DepthEstimator.load(path, backend="torch", max_scales=scales) for scales in (None, 1))
    some(some_picture())  # now it knows how long scales take
    found, coarse = some(some_picture(), deadline=time.monotonic()), one(some_picture())
    assert found.scales == 1
    np.testing.assert_array_equal(found.values, coarse.values)
    if coarse.confidence is not None:
        np.testing.assert_array_equal(found.confidence, coarse.confidence)
    assert found.canonical == coarse.canonical
    assert some(some_picture(), deadline=time.monotonic() + 1e3).scales == 3


class Watched:
    """A backend that remembers which deadlines it was given, and leaves the rest to another one."""

    def __init__(self, backend):
        self.backend, self.deadlines = backend, []
        self.input_size, self.heads, self.scales, self.anytime, self.precision = (
            backend.input_size, backend.heads, backend.scales, backend.anytime, backend.precision,
        )  # fmt: skip

    def infer(self, rgb, *, deadline=None):
        self.deadlines.append(deadline)
        return self.backend.infer(rgb, deadline=deadline)


def test_the_time_that_enlarging_depth_takes_is_taken_off_the_deadline_in_proportion_to_the_picture(
    toy_model_path, some_picture
):
    backend = Watched(DepthEstimator.load(toy_model_path).backend)
    estimator, small, large = DepthEstimator(backend, "toy"), some_picture(270, 480), some_picture(1080, 1920)

    def allowance(picture):
        deadline = time.monotonic() + 1e3
        took = estimator(picture, deadline=deadline)
        assert took.scales == backend.scales
        return deadline - backend.deadlines[-1]

    assert allowance(large) == 0.0  # nothing is known yet
    estimator(large)
    assert backend.deadlines[-1] is None
    before = allowance(small)
    for _ in range(8):
        estimator(large)
    assert 0.0 < before < 10.0
    assert 0.0 < allowance(large) < 10.0


def test_a_deadline_that_only_enlarging_would_miss_takes_fewer_scales(toy_model_path, some_picture):
    backend = Watched(DepthEstimator.load(toy_model_path).backend)
    estimator, picture = DepthEstimator(backend, "toy"), some_picture(2160, 3840)
    for _ in range(8):
        estimator(picture)
    deadline = time.monotonic() + 1e3
    estimator(picture, deadline=deadline)
    enlarging = deadline - backend.deadlines[-1]
    assert estimator(picture, deadline=time.monotonic() + 0.2 * enlarging).scales == 1
