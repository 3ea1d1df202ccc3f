"""Pinhole geometry against the formula written pixel by pixel."""

import math

import numpy as np
import pytest

from depthart_core.errors import ImageError, IntrinsicsError
from depthart_core.geometry import STRIP, Intrinsics, point_cloud, point_planes, point_strips

CAMERA = Intrinsics(7, 5, fx=6.5, fy=5.5, cx=3.25, cy=1.75)


def formula(depth, camera, stride=1):
    """One point after the other, in double precision."""
    rows = range(0, camera.height, stride)
    columns = range(0, camera.width, stride)
    points = np.full((len(rows), len(columns), 3), np.nan)
    for i, v in enumerate(rows):
        for j, u in enumerate(columns):
            z = float(depth[v, u])
            if math.isfinite(z):
                points[i, j] = (u - camera.cx) * z / camera.fx, (v - camera.cy) * z / camera.fy, z
    return points


@pytest.mark.parametrize("far", [8.0, 80.0])  # on both sides of FLOAT32_REACH
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_cloud_is_the_formula(stride, far):
    depth = np.random.default_rng(0).uniform(0.2, far, (5, 7)).astype(np.float32)
    cloud = point_cloud(depth, CAMERA, stride=stride)
    assert cloud.dtype == np.float32
    np.testing.assert_allclose(cloud, formula(depth, CAMERA, stride), rtol=0, atol=5e-6)


@pytest.mark.parametrize("invalid", [np.nan, np.inf, -np.inf])
def test_depth_that_is_not_finite_gives_a_nan_point(invalid):
    depth = np.ones((5, 7), np.float32)
    depth[2, 3] = invalid
    cloud = point_cloud(depth, CAMERA)
    assert np.isnan(cloud[2, 3]).all()
    assert np.isfinite(np.delete(cloud.reshape(-1, 3), 2 * 7 + 3, axis=0)).all()


def test_planes_are_the_coordinates_of_the_cloud_one_by_one():
    depth = np.random.default_rng(0).uniform(0.2, 80.0, (5, 7)).astype(np.float32)
    planes = point_planes(depth, CAMERA, stride=2)
    assert all(plane.flags.c_contiguous and plane.dtype == np.float32 for plane in planes)
    np.testing.assert_array_equal(np.stack(planes, -1), point_cloud(depth, CAMERA, stride=2))


@pytest.mark.parametrize("far", [8.0, 80.0, np.inf])
@pytest.mark.parametrize("stride", [1, 3])
def test_strips_are_the_planes_some_rows_at_a_time(stride, far):
    height, width = 2 * STRIP // 500 + 7, 500
    camera = Intrinsics(width, height, 450.0, 440.0, 251.3, 130.7)
    depth = np.random.default_rng(0).uniform(0.2, 8.0, (height, width)).astype(np.float32)
    depth[3, 5] = far
    whole = np.stack(point_planes(depth, camera, stride=stride), -1)
    made, count = np.full_like(whole, -1.0), 0
    for rows, *planes in point_strips(depth, camera, stride=stride):
        made[rows], count = np.stack(planes, -1), count + 1
    assert count == -(-len(whole) // (STRIP // whole.shape[1]))
    np.testing.assert_array_equal(made, whole)


def test_cloud_does_not_change_its_depth():
    depth = np.array([[np.inf, 1.0]], np.float32)
    point_cloud(depth, Intrinsics(2, 1, 1.0, 1.0, 0.0, 0.0))
    np.testing.assert_array_equal(depth, np.array([[np.inf, 1.0]], np.float32))


def test_depth_of_another_size_than_the_intrinsics_is_refused():
    with pytest.raises(ImageError, match=r"\(4, 7\); expected \(5, 7\)"):
        point_cloud(np.ones((4, 7), np.float32), CAMERA)


def test_scaled_intrinsics_see_the_same_rays():
    half = CAMERA.scaled(14, 20)
    assert (half.width, half.height) == (14, 20)
    assert (half.fx, half.cx) == (2 * CAMERA.fx, 2 * CAMERA.cx)
    assert (half.fy, half.cy) == (4 * CAMERA.fy, 4 * CAMERA.cy)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 640.5),
        ("width", 0),
        ("height", -1),
        ("fx", 0.0),
        ("fy", -3.0),
        ("fx", math.nan),
        ("fy", math.inf),
        ("cx", math.nan),
        ("cy", math.inf),
    ],
)
def test_intrinsics_that_describe_no_camera_are_refused_by_name(field, value):
    fields = {"width": 7, "height": 5, "fx": 1.0, "fy": 1.0, "cx": 0.0, "cy": 0.0, field: value}
    with pytest.raises(IntrinsicsError, match=f"{field} is {value}; expected"):
        Intrinsics(**fields)
