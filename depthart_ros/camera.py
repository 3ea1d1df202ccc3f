"""One camera of the node: what is counted, what is wrong, what it publishes, and its intake while it is active."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from rclpy import get_rmw_implementation_identifier
from rclpy.node import Node

from depthart_core import DepthEstimator, ScaleGuess
from depthart_ros.diagnostics.announcer import Announcer
from depthart_ros.diagnostics.overload import LatencyTrend
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.reports import Report
from depthart_ros.diagnostics.situation import Situation
from depthart_ros.diagnostics.statistics import Statistics, StatisticsSnapshot, values_of
from depthart_ros.diagnostics.verdicts import NO_DEADLINE, how_to_get_metres, judge
from depthart_ros.inputs.calibration_file import load_calibration
from depthart_ros.inputs.fallback_calibration import has_fallback
from depthart_ros.inputs.topics import COMPRESSED_SUFFIX
from depthart_ros.intake import FRAME_PROBLEMS, Intake
from depthart_ros.outputs.depth_frame import DepthFrame
from depthart_ros.outputs.publishers import OutputPublishers
from depthart_ros.outputs.scaling import given_scale, scale_possible
from depthart_ros.parameters.reading import LastSettings
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import Pipeline
from depthart_ros.worker import Worker


class Camera:
    """Lives as long as the node; `configure` and `activate` fill it, `deactivate` and `release` empty it again.

    Args:
        node: that it belongs to.
        name: stands before its topics and parameters; "" for the only one.
        parameters_lock: is held while several parameters are set together.
    """

    def __init__(self, node: Node, name: str, parameters_lock: threading.Lock) -> None:
        self.name = name
        self._node = node
        self._statistics = Statistics()
        self._trend = LatencyTrend()
        self._announcer = Announcer(self._warn, lambda state: node.get_logger().info(self._named + state))
        self._problems = Problems(self._warn)
        self._settings = LastSettings(node, name, parameters_lock)
        self._estimator: DepthEstimator | None = None
        self._outputs: OutputPublishers | None = None
        self._pipeline: Pipeline | None = None
        self._intake: Intake | None = None

    def configure(self, estimator: DepthEstimator) -> None:
        """Make the publishers.

        Raises:
            ConfigError: a value in `qos_overrides` that does not exist, or a camera_info_url without a calibration.
        """
        url = self._settings.read().camera_info_url
        if url:
            load_calibration(url)  # so that a bad one is said now
        self._estimator = estimator
        self._outputs = OutputPublishers(self._node, prefix=f"{self.name}/" if self.name else "")

    def activate(self, worker: Worker) -> None:
        """Subscribe.

        Raises:
            ConfigError: parameters that contradict each other, or a value in `qos_overrides` that does not exist.
        """
        assert self._estimator is not None
        assert self._outputs is not None
        settings = self._settings.read()
        self._pipeline = Pipeline(self._estimator, self._outputs, self._problems, self._statistics)
        self._intake = Intake(
            self._node,
            self.name,
            worker,
            settings=self._settings,
            pipeline=self._pipeline,
            problems=self._problems,
            statistics=self._statistics,
        )
        self._node.get_logger().info(f"active: depth of {self._intake.image.topic}")
        if not scale_possible(settings, heads=self._estimator.heads):
            name, heads = self._node.get_fully_qualified_name(), self._estimator.heads
            advice = how_to_get_metres(name, settings, camera=self.name, heads=heads)
            self._announcer.mark_logged(advice)
            self._node.get_logger().info(
                f"{self._named}scale is unknown, so neither metres nor a cloud are published; to get metres, {advice}"
            )

    def deactivate(self) -> None:
        """Unsubscribe; the worker is to be stopped next, and then `settle` to be called."""
        if self._intake is not None:
            self._intake.close()
        self._intake = None

    def settle(self) -> None:
        """Forget what was wrong with frames; to be called once no frame is at work any more."""
        self._problems.clear(*FRAME_PROBLEMS)

    def release(self) -> None:
        """Give the publishers back."""
        if self._outputs is not None:
            self._outputs.destroy()
        self._problems.clear("subscriber")
        self._estimator = self._outputs = self._pipeline = None

    def recheck(self) -> None:
        """Let the subscriptions follow the publishers and listeners that are there now."""
        if self._intake is not None and self._outputs is not None and self._pipeline is not None:
            self._intake.recheck(wanted=bool(self._outputs.subscribed()) or self._pipeline.frame_requested)
        if self._intake is None or not self._intake.image.reliability:  # no image is taken
            self._statistics.restart_rates()
        if self._deadline_ignored:
            self._problems.say_once("; ".join(NO_DEADLINE))

    def report(self, lifecycle: str, node_problems: Mapping[str, str]) -> Report:
        """Return what the diagnostics say of it.

        Args:
            lifecycle: label of the node's state.
            node_problems: by kind why the node could not be configured or activated.
        """
        self._look_for_mismatch()
        problems = {**self._problems.current(), **node_problems}
        snapshot = self._statistics.snapshot()
        situation, numbers = self._situation(lifecycle, problems, snapshot), values_of(snapshot)
        if self._intake is not None:
            numbers["waiting"] = str(self._intake.waiting)
        verdict = judge(situation)
        if lifecycle == "active":
            self._announcer.update(verdict, problems.values())
        return Report(self.name or "depth", verdict, self._details(problems), numbers)

    def _look_for_mismatch(self) -> None:
        """Report a subscriber that gets nothing, once, and forget the problem when it left."""
        mismatch = self._outputs.mismatch() if self._outputs is not None else ""
        if not mismatch:
            self._problems.clear("subscriber")
        elif mismatch != self._problems.current().get("subscriber"):
            self._problems.report("subscriber", mismatch)

    @property
    def newest_frame(self) -> DepthFrame | None:
        """The newest frame with its depth, None before the first."""
        pipeline = self._pipeline  # snapshots ask in a thread of their own
        return pipeline.newest_frame if pipeline is not None else None

    def request_frame(self, *, wanted: bool) -> None:
        """Let depth be made though nobody subscribes, or no longer, from the next recheck on."""
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.frame_requested = wanted

    @property
    def _deadline_ignored(self) -> bool:
        settings, estimator = self._settings.last, self._estimator
        return settings.deadline_ms > 0 and estimator is not None and not estimator.anytime

    @property
    def _named(self) -> str:
        return f"{self.name}: " if self.name else ""

    def _warn(self, sentence: str) -> None:
        self._node.get_logger().warning(self._named + sentence)

    def _situation(self, lifecycle: str, problems: Mapping[str, str], snapshot: StatisticsSnapshot) -> Situation:
        """Return what the diagnostics judge."""
        node, intake = self._node, self._intake
        now = Situation(lifecycle, node.get_fully_qualified_name(), self.name, problems, snapshot.rates)
        if intake is None or self._outputs is None or self._estimator is None:
            return now
        settings, image = self._settings.now(), intake.image.state()
        self._trend.add(snapshot, full=intake.full)
        return replace(
            now,
            settings=settings,
            image=image,
            camera_info=intake.camera_info.state(),
            other_transport=self._other_transport(image.name),
            silence=intake.silence,
            ever_received=snapshot.counters["received"] > 0,
            interval=intake.interval,
            middleware=get_rmw_implementation_identifier(),
            falls_behind=self._trend.falls_behind,
            latency=self._trend.newest("arrival_to_publish"),
            age=self._trend.newest("stamp_to_arrival"),
            subscribed=self._outputs.subscribed(),
            heads=self._estimator.heads,
            has_camera_info=intake.has_camera_info or has_fallback(settings),
            deadline_ignored=self._deadline_ignored,
            clock_runs=node.get_clock().now().nanoseconds > 0,
        )

    def _other_transport(self, image: str) -> str:
        """Return the topic with images of the other image_transport, "" where none publishes there."""
        base = image.removesuffix(COMPRESSED_SUFFIX)
        other = base if base != image else base + COMPRESSED_SUFFIX
        return other if self._node.count_publishers(other) else ""

    def _scale(self, settings: Settings) -> ScaleGuess | None:
        """Return what makes metres: the parameter, or the guess for the newest frame while frames are taken."""
        if settings.scale_source == "given":
            return given_scale(settings)
        return self._pipeline.scale if self._intake is not None and self._pipeline is not None else None

    def _details(self, problems: Mapping[str, str]) -> dict[str, str]:
        """Return what the diagnostics show besides numbers."""
        settings = self._settings.now()
        details = {"scale_source": settings.scale_source}
        scale = self._scale(settings)
        details["scale"] = f"{scale.metres_per_unit:.4g}" if scale else "0"
        if scale and scale.relative_error:
            details["scale_expected_error"] = f"{scale.relative_error:.0%}"
        details |= {f"problem.{kind}": sentence for kind, sentence in problems.items()}
        if self._intake is not None:
            details["image_topic"] = self._intake.image.topic
            details["image_reliability"] = self._intake.image.reliability
        return details
