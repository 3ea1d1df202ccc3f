"""Curves as pictures."""

import cv2
import numpy as np
import pytest

from training.scoring.curves import Axes, Curve, cumulative, draw_curves


def test_the_cumulative_share_rises_by_one_image_at_every_value():
    curve = cumulative(np.array([0.3, 0.1, 0.1, 0.2]))
    assert curve.x.tolist() == [0, 0.1, 0.1, 0.2, 0.3]
    assert curve.y.tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("log_x", [False, True])
def test_every_curve_is_drawn_even_with_gaps(tmp_path, log_x):
    x, y = np.array([0.5, 1, 2, 4]), np.array([0.2, np.nan, 0.4, 0.3])
    axes = Axes("title", "depth [m]", "error", log_x=log_x)
    draw_curves({"one": Curve(x, y)}, axes, tmp_path / "one.png")
    draw_curves({"one": Curve(x, y), "two": Curve(x, 2 * y, steps=True)}, axes, tmp_path / "both.png")
    one, both = (cv2.imread(str(tmp_path / name)) for name in ("one.png", "both.png"))
    assert one.shape == both.shape
    assert (one != both).any()
