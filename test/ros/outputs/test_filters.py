"""Pixels without depth worth believing: edges, low confidence, and what no picture shows."""

import numpy as np
import pytest

pytest.importorskip("cv2")

from depthart_core import RelativeDepth
from depthart_ros.outputs.filters import find_edges, find_invalid


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
