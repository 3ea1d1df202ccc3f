"""What a pipeline publishes, and in which order."""

import copy

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time

from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.model_loading import load_estimator
from depthart_ros.outputs.publishers import OUTPUT_TYPES, ROS_TYPES
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import Frame, Pipeline


class Kept:
    """Outputs that keep copies of what they get, in the order in which it came."""

    types = ROS_TYPES

    def __init__(self, wanted):
        self.wanted, self.messages = frozenset(wanted), []

    def subscribed(self):
        return self.wanted

    def publish(self, topic, message):
        self.messages.append((topic, copy.deepcopy(message)))
        return ""


@pytest.fixture
def publish(toy_model_path, rgb_message, info_message):
    """A function that gives what is published of a frame."""
    estimator = load_estimator(Settings(model=str(toy_model_path), threads=1))

    def of(wanted, **settings):
        outputs = Kept(wanted)
        pipeline = Pipeline(estimator, outputs, Problems(pytest.fail), Statistics())
        stamp = Time(sec=1)
        assert pipeline.process(Frame(rgb_message(stamp), info_message(stamp), Settings(**settings)))
        return outputs.messages

    return of


def test_camera_info_comes_before_the_depth_that_it_belongs_to(publish):
    topics = [topic for topic, _ in publish(OUTPUT_TYPES, scale=2.0)]
    assert topics[0] == "depth/camera_info"


def test_a_cloud_that_came_often_enough_is_no_reason_to_forget_the_scale(toy_model_path, rgb_message, info_message):
    estimator = load_estimator(Settings(model=str(toy_model_path), threads=1))
    outputs, settings = Kept({"points"}), Settings(scale=2.0, points_max_rate=1.0)
    pipeline = Pipeline(estimator, outputs, Problems(pytest.fail), Statistics())
    done = []
    for nanosec in (0, 100_000_000):
        stamp = Time(sec=1, nanosec=nanosec)
        done.append(pipeline.process(Frame(rgb_message(stamp), info_message(stamp), settings)))
        assert pipeline.skipped == (nanosec > 0)
        assert pipeline.scale.metres_per_unit == 2.0
    assert done == [True, False]
    assert len(outputs.messages) == 1


def test_camera_infos_between_two_clouds_change_nothing_of_the_newest_depth(toy_heads_path, rgb_message, info_message):
    estimator = load_estimator(Settings(model=str(toy_heads_path), threads=1))
    outputs, settings = Kept({"points", "depth/camera_info"}), Settings(scale_source="model", points_max_rate=1.0)
    statistics = Statistics()
    pipeline = Pipeline(estimator, outputs, Problems(pytest.fail), statistics)
    for nanosec in (0, 100_000_000, 200_000_000):
        stamp = Time(sec=1, nanosec=nanosec)
        assert pipeline.process(Frame(rgb_message(stamp), info_message(stamp), settings))
        assert pipeline.scale is not None
        assert pipeline.newest_frame.header.stamp == Time(sec=1)
    assert [topic for topic, _ in outputs.messages].count("depth/camera_info") == 3
    infer = statistics.snapshot().latencies_ms["infer"]
    assert infer[50] == infer[99], "one frame alone asked the model"
    outputs.wanted = frozenset({"depth/camera_info"})
    stamp = Time(sec=2)
    assert pipeline.process(Frame(rgb_message(stamp), info_message(stamp), settings))
    assert (pipeline.scale, pipeline.newest_frame) == (None, None)


def test_a_wrong_calibration_is_told_also_of_frames_without_a_cloud(toy_model_path, rgb_message, info_message):
    estimator = load_estimator(Settings(model=str(toy_model_path), threads=1))
    outputs, problems = Kept({"points", "depth/image_rect"}), Problems(lambda _: None)
    pipeline = Pipeline(estimator, outputs, problems, Statistics())
    for nanosec in (0, 100_000_000):
        stamp = Time(sec=1, nanosec=nanosec)
        info = info_message(stamp)
        info.width = info.height = 7
        pipeline.process(Frame(rgb_message(stamp), info, Settings(scale=2.0, points_max_rate=1.0)))
        assert "camera_info" in problems.current()


def test_a_view_is_calibrated_though_only_a_snapshot_would_need_it(toy_model_path, rgb_message, info_message):
    estimator = load_estimator(Settings(model=str(toy_model_path), threads=1))
    pipeline = Pipeline(estimator, Kept({"depth/image_rect"}), Problems(pytest.fail), Statistics())
    stamp = Time(sec=1)
    assert pipeline.process(Frame(rgb_message(stamp), info_message(stamp), Settings(scale=2.0)))
    assert pipeline.newest_frame.picture.intrinsics is not None
    wrong = info_message(stamp)
    wrong.width = wrong.height = 7
    assert pipeline.process(Frame(rgb_message(stamp), wrong, Settings(scale=2.0)))
    assert pipeline.newest_frame.picture.intrinsics is None
