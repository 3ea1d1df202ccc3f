"""The legend of a picture of depth: its colours, its ticks, and where there is no room for it."""

import numpy as np
import pytest

from depthart_ros.outputs.colors import palette
from depthart_ros.outputs.legend import draw_legend, tick_values


def test_the_legend_shows_every_colour_from_far_above_to_near_below():
    colors = palette("turbo")
    legend = draw_legend((480, 640), (0.3, 10.0), colors, unit="m")
    rows = np.flatnonzero((legend[:, legend.shape[1] // 8] == colors[0, 0]).all(axis=-1))
    assert len(rows)
    near = np.flatnonzero((legend[:, legend.shape[1] // 8] == colors[255, 0]).all(axis=-1))
    assert rows.max() < near.min()


@pytest.mark.parametrize("shape", [(4000, 200), (1920, 1080), (120, 160), (480, 640)])
@pytest.mark.parametrize("limits", [(0.3, 10.0), (0.0001, 10000.0), (1.00001, 1.00002)])
def test_a_legend_is_never_wider_than_a_third_of_its_picture(shape, limits):
    legend = draw_legend(shape, limits, palette("turbo"), unit="m")
    assert legend is None or 3 * legend.shape[1] <= shape[1]
    assert legend is not None or limits != (0.3, 10.0)


def test_a_picture_too_small_for_a_legend_has_none():
    assert draw_legend((119, 640), (0.3, 10.0), palette("turbo"), unit="m") is None
    assert draw_legend((480, 159), (0.3, 10.0), palette("turbo"), unit="m") is None


@pytest.mark.parametrize(
    ("limits", "values"),
    [((0.3, 10.0), [2, 4, 6, 8, 10]), ((0.0, 1.0), [0, 0.2, 0.4, 0.6, 0.8, 1]), ((0.25, 2.5), [0.5, 1, 1.5, 2, 2.5])],
)
def test_ticks_stand_at_round_values(limits, values):
    assert tick_values(*limits) == values
