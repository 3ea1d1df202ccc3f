"""Parameters on a node: what they show of themselves, which values are refused, and when changes are seen."""

import sys
import threading

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from rclpy.parameter import Parameter


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("scale", -1.0, "out of range"),
        ("color.map", "pink", "color.map is 'pink'; expected one of turbo"),
        ("max_range", 0.05, "min_range is 0.1 and max_range is 0.05; expected the first below the second"),
        ("points.stride", 0, "out of range"),
        ("model", "other", "read-only"),
        ("max_age", "old", "max_age is 'old'; expected a value of type double"),
    ],
)
def test_a_bad_value_while_running_is_rejected_with_its_reason_and_changes_nothing(
    world, toy_model_path, name, value, words
):
    node = world.depth_node(model=str(toy_model_path), threads=1)
    before = node.get_parameter(name).value
    result = node.set_parameters([Parameter(name, value=value)])[0]
    assert (result.successful, words in result.reason) == (False, True), result.reason
    assert node.get_parameter(name).value == before


def test_whole_numbers_given_at_start_for_floating_point_parameters_are_those(world, toy_model_path):
    given = {"scale": 2, "front.max_range": 30, "points.stride": 2}
    node = world.depth_node(autostart=False, model=str(toy_model_path), cameras=["front"], **given)
    types = {name: node.get_parameter(name).type_ for name in given}
    assert types == {
        "scale": Parameter.Type.DOUBLE,
        "front.max_range": Parameter.Type.DOUBLE,
        "points.stride": Parameter.Type.INTEGER,
    }


def test_parameters_that_are_set_together_are_seen_together(world, toy_model_path):
    node = world.depth_node(autostart=False, model=str(toy_model_path))
    settings, stop, seen = node._cameras[0]._settings, threading.Event(), set()

    def look():
        while not stop.is_set():
            found = settings.read()
            seen.add((found.color_min, found.color_relative_min, found.points_stride))

    before, thread = sys.getswitchinterval(), threading.Thread(target=look)
    sys.setswitchinterval(1e-6)
    try:
        thread.start()
        for turn in range(300):
            number = turn % 2 + 1
            values = {"color.min": 0.1 * number, "color.relative_min": 0.1 * number, "points.stride": number}
            assert node.set_parameters_atomically(
                [Parameter(name, value=value) for name, value in values.items()]
            ).successful
    finally:
        sys.setswitchinterval(before)
        stop.set()
        thread.join()
    assert seen - {(0.3, 0.25, 1)} == {(0.1, 0.1, 1), (0.2, 0.2, 2)}


def test_every_parameter_shows_its_description_and_range_to_ros_tools(world):
    from depthart_ros.parameters.settings import SPECS

    node = world.depth_node(autostart=False)
    for name, spec in SPECS.items():
        described = node.describe_parameter(name)
        assert described.description == spec.description
        assert described.read_only is not spec.dynamic
        assert bool(described.floating_point_range or described.integer_range) is (spec.limits is not None)
