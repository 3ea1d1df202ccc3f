"""The demo's pictures show points where they are."""

import numpy as np
import pytest

from depthart_ros.demo.pictures import ABOVE, BACKGROUND, GRID, INK, PANEL, SIDE, draw

RED = (0, 0, 255)


def middle(picture, color):
    rows, columns = np.nonzero((picture == color).all(axis=2))
    assert len(rows), "the colour is not in the picture"
    return columns.mean(), rows.mean()


def drawn(point, view):
    points = np.array([point, (0.0, 0.0, 4.0)], np.float32)
    return draw(points, np.array([RED, (0, 255, 0)], np.uint8), view)


def test_from_above_a_point_to_the_right_of_the_camera_is_drawn_right_of_it():
    picture = drawn((1.0, 0.0, 2.0), ABOVE)
    assert middle(picture, RED)[0] > middle(picture, INK)[0]


def test_from_above_a_point_ahead_of_the_camera_is_drawn_above_it():
    picture = drawn((1.0, 0.0, 2.0), ABOVE)
    assert middle(picture, RED)[1] < middle(picture, INK)[1]


def test_from_the_side_a_point_ahead_of_the_camera_is_drawn_right_of_it():
    picture = drawn((0.0, 1.0, 2.0), SIDE)
    assert middle(picture, RED)[0] > middle(picture, INK)[0]


def test_from_the_side_a_point_on_the_floor_is_drawn_below_the_camera():
    picture = drawn((0.0, 1.0, 2.0), SIDE)
    assert middle(picture, RED)[1] > middle(picture, INK)[1]


def test_from_above_the_higher_of_two_points_hides_the_lower():
    points = np.array([(0.0, -0.5, 2.0), (0.0, 1.0, 2.0)], np.float32)
    picture = draw(points, np.array([RED, (0, 255, 0)], np.uint8), ABOVE)
    assert not (picture == (0, 255, 0)).all(axis=2).any()


@pytest.mark.parametrize("view", [ABOVE, SIDE])
def test_a_cloud_without_points_is_an_empty_panel(view):
    picture = draw(np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8), view)
    assert picture.shape == (PANEL[1], PANEL[0], 3)
    assert (picture == BACKGROUND).all(axis=2).mean() > 0.5
    assert (picture == GRID).all(axis=2).any()
