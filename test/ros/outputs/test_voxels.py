"""A cloud with one point for each cube, against the means worked out cube by cube."""

import numpy as np
import pytest

from depthart_ros.outputs.voxels import average_voxels


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
