"""Pixels without depth worth believing, millimetres, voxels and throttling: pure functions."""

import numpy as np
import pytest

pytest.importorskip("cv2")

from depthart_core import RelativeDepth
from depthart_ros.inputs.throttle import Throttle
from depthart_ros.outputs.filters import find_edges, find_invalid
from depthart_ros.outputs.voxels import average_voxels


@pytest.fixture
def step():
    """A wall at 1 whose right part stands at 3, with one flying pixel between them in the middle row."""
    depth = np.full((5, 9), 1.0, np.float32)
    depth[:, 5:] = 3.0
    depth[2, 5] = 2.0
    return depth


def slow_edges(depth, share):
    found = np.zeros(depth.shape, bool)
    for i, j in np.ndindex(depth.shape):
        around = depth[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
        found[i, j] = around.max() > around.min() * (1 + share)
    return found


def test_edges_are_both_sides_of_a_step_and_the_flying_pixels_between(step):
    edges = find_edges(step, 0.1)
    assert edges[:, 4:6].all()
    assert edges[2, 5]
    assert not edges[:, :4].any()
    assert not edges[:, 7:].any()
    np.testing.assert_array_equal(edges, slow_edges(step, 0.1))


def test_a_slope_within_the_share_is_no_edge():
    depth = np.tile(np.float32(1.02) ** np.arange(20, dtype=np.float32), (6, 1))
    assert not find_edges(depth, 0.05).any()
    assert find_edges(depth, 0.03).all(axis=0)[1:-1].all()


def test_edges_do_not_depend_on_the_unit_of_depth():
    depth = np.random.default_rng(0).uniform(1, 2, (20, 30)).astype(np.float32)
    np.testing.assert_array_equal(find_edges(depth, 0.3), find_edges(4 * depth, 0.3))


def test_without_filters_nothing_is_invalid(step):
    assert find_invalid(RelativeDepth(step), edge_share=0.0, min_confidence=0.0) is None
    assert find_invalid(RelativeDepth(step), edge_share=0.0, min_confidence=0.5) is None  # a model that says none


def test_every_filter_adds_its_pixels(step):
    confidence = np.full(step.shape, 0.9, np.float32)
    confidence[0, 0] = 0.2
    outside = np.zeros(step.shape, bool)
    outside[4, 8] = True
    relative = RelativeDepth(step, confidence)
    invalid = find_invalid(relative, edge_share=0.1, min_confidence=0.5, outside=outside)
    np.testing.assert_array_equal(invalid, slow_edges(step, 0.1) | (confidence < 0.5) | outside)


def slow_voxels(points, colors, size):
    cubes = {}
    for point, color in zip(points.astype(float), colors.astype(float), strict=True):
        cubes.setdefault(tuple(np.floor(point / size).astype(int)), []).append(np.append(point, color))
    return np.array([np.mean(cubes[cube], axis=0) for cube in sorted(cubes)])


@pytest.mark.parametrize("size", [0.05, 0.5, 1e-9])
def test_voxels_are_the_means_of_the_points_in_each_cube(size):
    rng = np.random.default_rng(1)
    points = rng.uniform(-2, 3, (500, 3)).astype(np.float32)
    points[250:] = points[:250] + np.float32(1e-3)
    colors = rng.integers(0, 256, (500, 3), np.uint8)
    mean, mean_color = average_voxels(points, colors, size)
    expected = slow_voxels(points, colors, size)
    assert len(mean) == len(expected)
    np.testing.assert_allclose(mean, expected[:, :3], rtol=0, atol=1e-6)
    assert np.abs(mean_color - expected[:, 3:]).max() <= 0.5


def test_voxels_of_points_alone_and_of_none():
    points = np.float32([[0.1, 0.1, 0.1], [0.2, 0.2, 0.2], [5, 5, 5]])
    mean, colors = average_voxels(points, None, 1.0)
    assert colors is None
    np.testing.assert_allclose(mean, [[0.15, 0.15, 0.15], [5, 5, 5]], atol=1e-6)
    assert len(average_voxels(points[:0], None, 1.0)[0]) == 0


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 300), (10.0, 100), (7.0, 70), (100.0, 300)])
def test_a_throttle_keeps_the_mean_rate_of_a_camera_of_30_hz(rate, expected):
    throttle = Throttle()
    jitter = np.random.default_rng(0).uniform(-0.004, 0.004, 300)
    passed = [throttle.passes(1e9 + place / 30 + jitter[place], rate) for place in range(300)]
    assert abs(sum(passed) - expected) <= 3


def test_a_throttle_whose_rate_is_raised_lets_the_next_frame_of_that_rate_pass():
    throttle = Throttle()
    assert [stamp for stamp in range(100, 110) if throttle.passes(stamp, 0.01 if stamp < 105 else 0.5)] == [
        100,
        105,
        107,
        109,
    ]


def test_a_throttle_begins_anew_when_time_runs_back_and_earns_no_burst_by_a_gap():
    throttle = Throttle()
    assert [throttle.passes(stamp, 1.0) for stamp in (5.0, 5.5, 2.0, 2.5, 60.0, 60.1, 60.2)] == [
        True, False, True, False, True, False, False,
    ]  # fmt: skip


def test_a_throttle_lets_every_frame_of_a_driver_pass_whose_stamps_stand_still():
    for stamp in (0.0, 5.0):
        throttle = Throttle()
        assert all(throttle.passes(stamp, 1.0) for _ in range(5))
