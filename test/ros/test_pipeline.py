"""Outputs that two threads publish are those that one publishes."""

import copy

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time

from depthart_ros.loading import load_estimator
from depthart_ros.parameters import Settings
from depthart_ros.pipeline import Frame, Pipeline
from depthart_ros.problems import Problems
from depthart_ros.publishers import OUTPUTS, ROS_TYPES
from depthart_ros.statistics import Statistics
from depthart_ros.topics import ORDER


class Kept:
    """Outputs that keep copies of what they get, in the order in which it came."""

    types = ROS_TYPES

    def __init__(self, wanted, *, concurrent):
        self.wanted, self.concurrent, self.messages = frozenset(wanted), concurrent, []

    def listened(self):
        return self.wanted

    def publish(self, topic, message):
        self.messages.append((topic, copy.deepcopy(message)))
        return ""


@pytest.fixture
def publish(toy_model_path, rgb_message, info_message):
    """A function that gives what is published of some frames."""
    estimator = load_estimator(Settings(model=str(toy_model_path), threads=1))

    def of(wanted, *, concurrent, frames=3, **settings):
        outputs = Kept(wanted, concurrent=concurrent)
        pipeline = Pipeline(estimator, outputs, Problems(pytest.fail), Statistics())
        for number in range(frames):
            stamp = Time(sec=number)
            assert pipeline.process(Frame(rgb_message(stamp), info_message(stamp), Settings(**settings)))
        return outputs.messages

    return of


@pytest.mark.parametrize("settings", [{"scale": 2.0}, {"scale": 2.0, "edge_filter": 0.1, "max_range": 3.0}, {}])
def test_two_threads_publish_what_one_does(publish, settings):
    metric = set(OUTPUTS) - {"depth/confidence"}  # this model has none
    one, two = (publish(metric, concurrent=concurrent, **settings) for concurrent in (False, True))
    assert len(one) == len(two) == 3 * (len(metric) if settings else 2)
    for topic in {topic for topic, _ in one}:
        ours, theirs = ([message for name, message in made if name == topic] for made in (one, two))
        for left, right in zip(ours, theirs, strict=True):
            assert left.header == right.header
            if topic == "depth/camera_info":
                assert left == right
            else:
                np.testing.assert_array_equal(np.asarray(left.data), np.asarray(right.data))


@pytest.mark.parametrize("concurrent", [False, True])
def test_camera_info_comes_before_the_depth_that_it_belongs_to(publish, concurrent):
    topics = [topic for topic, _ in publish(ORDER, concurrent=concurrent, scale=2.0, frames=1)]
    assert topics[0] == "depth/camera_info"
