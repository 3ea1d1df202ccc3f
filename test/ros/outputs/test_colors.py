"""The colour picture: one colour means one depth."""

import numpy as np
import pytest

from depthart_ros.outputs.colors import COLOR_MAPS, colorize, palette


def test_a_depth_has_the_same_colour_whatever_else_is_in_the_picture():
    colors = palette("turbo")
    near = colorize(np.array([[2.0, 0.5]], np.float32), (0.3, 10.0), colors)
    far = colorize(np.array([[2.0, 60.0]], np.float32), (0.3, 10.0), colors)
    np.testing.assert_array_equal(near[0, 0], far[0, 0])


def test_infinities_take_the_colour_of_their_end_and_nan_is_black():
    colors = palette("turbo")
    depth = np.array([[-np.inf, 0.3, 10.0, np.inf, np.nan]], np.float32)
    nearer, near, far, beyond, invalid = colorize(depth, (0.3, 10.0), colors)[0]
    np.testing.assert_array_equal(nearer, near)
    np.testing.assert_array_equal(beyond, far)
    np.testing.assert_array_equal(invalid, (0, 0, 0))
    assert near[0] > near[2]  # warm
    assert tuple(near) != tuple(far)


def slow_colors(depth, limits, colors):
    near, far = limits
    place = np.clip((np.float32(far) - depth) * np.float32(255.0 / (far - near)), 0, 255)
    picture = colors[np.rint(np.nan_to_num(place)).astype(np.uint8), 0]
    return np.where(np.isnan(depth)[..., None], 0, picture)


@pytest.mark.parametrize("limits", [(0.3, 10.0), (0.0, 7.65), (2.0, 2.0 + 1e-6)])
@pytest.mark.parametrize("odd", [(), (np.nan,), (-np.inf, np.inf), (np.inf, np.nan, -np.inf, -1e30, 1e30, 0.0)])
def test_colours_are_those_of_the_formula_to_the_last_bit(odd, limits):
    depth = np.random.default_rng(0).uniform(0, 12, (60, 80)).astype(np.float32)
    depth[0] = np.arange(80, dtype=np.float32) * np.float32(0.015)  # between two colours
    depth[1, : len(odd)] = odd
    colors = palette("turbo")
    for part in (depth, depth[1:2, :1], depth[1:2, :4], depth[:4, :1], depth[:2, :2]):
        made = colorize(np.ascontiguousarray(part), limits, colors)
        np.testing.assert_array_equal(made, slow_colors(part, limits, colors))


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_every_map_has_256_colours_which_are_rgb(name):
    colors = palette(name)
    assert (colors.shape, colors.dtype) == ((256, 1, 3), np.uint8)
    if name == "turbo":
        np.testing.assert_array_equal(colors[255, 0], (122, 4, 3))  # the red end of the published table


def test_colours_are_written_where_the_caller_wants_them():
    depth = np.random.default_rng(0).uniform(0, 12, (4, 5)).astype(np.float32)
    room = np.zeros((4, 5, 3), np.uint8)
    colorize(depth, (0.3, 10.0), palette("magma"), out=room)
    np.testing.assert_array_equal(room, colorize(depth, (0.3, 10.0), palette("magma")))
    assert room.any()
