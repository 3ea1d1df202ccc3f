"""The parameters of depth/image_color, proven: each changes what it says."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time


def changes_colour(bench, field, values, **scale):
    """Whether the colours differ with two values of one limit."""
    first, second = (bench.out("depth/image_color", **scale, **{field: value}) for value in values)
    return not np.array_equal(first, second)


@pytest.mark.proves("color.map")
def test_another_map_gives_other_colours(bench):
    assert not np.array_equal(*(bench.out("depth/image_color", color_map=name) for name in ("turbo", "inferno")))


@pytest.mark.proves("color.min")
def test_the_near_end_of_metres_counts_where_the_scale_is_known(bench):
    assert changes_colour(bench, "color_min", (0.3, 1.0), scale=1.0)
    assert not changes_colour(bench, "color_min", (0.3, 1.0))


@pytest.mark.proves("color.max")
def test_the_far_end_of_metres_counts_where_the_scale_is_known(bench):
    assert changes_colour(bench, "color_max", (10.0, 2.0), scale=1.0)
    assert not changes_colour(bench, "color_max", (10.0, 2.0))


@pytest.mark.proves("color.relative_min")
def test_the_near_end_of_relative_depth_counts_where_the_scale_is_unknown(bench):
    assert changes_colour(bench, "color_relative_min", (0.25, 0.9))
    assert not changes_colour(bench, "color_relative_min", (0.25, 0.9), scale=1.0)


@pytest.mark.proves("color.relative_max")
def test_the_far_end_of_relative_depth_counts_where_the_scale_is_unknown(bench):
    assert changes_colour(bench, "color_relative_max", (2.5, 1.1))
    assert not changes_colour(bench, "color_relative_max", (2.5, 1.1), scale=1.0)


@pytest.mark.proves("color.legend")
def test_the_legend_changes_the_right_half_alone(bench):
    def picture(legend):
        image = bench.rgb_message(Time(sec=1), width=320, height=240)
        pipeline = bench.pipeline()
        return bench.values(bench.frame(pipeline, image=image, color_legend=legend)["depth/image_color"]).reshape(
            240, 320, 3
        )

    changed = (picture(False) != picture(True)).any((0, 2))
    assert changed[-1]
    assert not changed[:160].any()
