"""DepthNode: the lifecycle node that wires model, intake, outputs and diagnostics together."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from depthart_core import BackendError, ConfigError, DepthartError, DepthEstimator, ScaleGuess
from depthart_ros.declaration import declare_parameters, read_settings
from depthart_ros.diagnostics import Situation, fill_diagnostics, how_to_get_metres, judge
from depthart_ros.intake import Intake
from depthart_ros.parameters import Settings
from depthart_ros.pipeline import Pipeline
from depthart_ros.problems import Problems
from depthart_ros.publishers import Outputs, publish
from depthart_ros.statistics import Statistics
from depthart_ros.topics import METRIC

DIAGNOSTICS_PERIOD = 1.0
RECHECK_PERIOD = 0.2
WARM_UP_SHAPE = (480, 640, 3)


class DepthNode(LifecycleNode):
    """Depth from images: `configure` loads the model, `activate` subscribes. Parameters: see parameters.py.

    Args:
        options: of rclpy's Node, such as parameter_overrides, namespace or context.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("depth_node", **options)
        self._statistics = Statistics()
        self._problems = Problems(self.get_logger().warning)
        self._refused = declare_parameters(self)
        self._label = "unconfigured"
        self._estimator: DepthEstimator | None = None
        self._outputs: Outputs | None = None
        self._intake: Intake | None = None
        self._pipeline: Pipeline | None = None
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # runs whatever /clock does
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self.create_timer(DIAGNOSTICS_PERIOD, self._publish_diagnostics, clock=steady)
        self.create_timer(RECHECK_PERIOD, self._recheck, clock=steady)

    def autostart(self) -> None:
        """Configure and activate if the parameter `autostart` says so; stays unconfigured where configuring fails."""
        if not self.get_parameter("autostart").value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load and try the model, make the publishers."""
        return self._attempt(self._configure, state, "inactive")

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker."""
        return self._attempt(self._activate, state, "active")

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and stop the worker."""
        del state
        self._close_intake()
        return self._enter("inactive")

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give model and publishers back."""
        del state
        self._release()
        return self._enter("unconfigured")

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back, from whatever state."""
        del state
        self._release()
        return self._enter("finalized")

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back and begin anew."""
        del state
        self._release()
        return self._enter("unconfigured")

    def destroy_node(self) -> None:
        """Give everything back, then destroy the node."""
        self._release()
        super().destroy_node()

    def _valid_settings(self) -> Settings:
        """Return the parameters.

        Raises:
            ConfigError: some were refused at start, or they contradict each other.
        """
        if self._refused:
            raise ConfigError("; ".join(self._refused.values()))
        return read_settings(self)

    def _configure(self) -> None:
        self._estimator = load_estimator(self._valid_settings())
        self._outputs = Outputs(self, on_incompatible=lambda sentence: self._problems.report("subscriber", sentence))
        self.get_logger().info(f"configured: {self._estimator.name}")

    def _activate(self) -> None:
        assert self._estimator is not None
        assert self._outputs is not None
        settings = self._valid_settings()
        self._pipeline = Pipeline(self._estimator, self._outputs, self._problems, self._statistics)
        self._intake = Intake(self, settings, self._pipeline, problems=self._problems, statistics=self._statistics)
        if not self._pipeline.scale_possible(settings):
            name, heads = self.get_fully_qualified_name(), self._estimator.heads
            self.get_logger().info(
                "scale is unknown, so neither metres nor a cloud are published; to get metres, "
                + how_to_get_metres(name, scale_source=settings.scale_source, heads=heads)
            )

    def _attempt(self, action: Callable[[], None], state: LifecycleState, label: str) -> TransitionCallbackReturn:
        """Do what leads to the state `label`, or stay in `state` with one sentence in the log and the diagnostics."""
        try:
            action()
        except DepthartError as error:
            if label == "inactive":
                self._release()
            self._problems.note("configuration", str(error))
            self.get_logger().error(f"stays {state.label}: {error}")
            return TransitionCallbackReturn.FAILURE
        except Exception:
            self.get_logger().error(traceback.format_exc())  # rclpy would not say why it goes to on_error
            raise
        self._problems.clear("configuration")
        return self._enter(label)

    def _enter(self, label: str) -> TransitionCallbackReturn:
        self._label = label
        return TransitionCallbackReturn.SUCCESS

    def _close_intake(self) -> None:
        if self._intake is not None:
            self._intake.close()
        self._intake = None

    def _release(self) -> None:
        """Undo activate and configure, as far as they were done."""
        self._close_intake()
        if self._outputs is not None:
            self._outputs.destroy()
        self._estimator = self._outputs = self._pipeline = None

    def _recheck(self) -> None:
        if self._intake is not None:
            self._intake.recheck()

    def _publish_diagnostics(self) -> None:
        verdict = judge(self._situation())
        message = fill_diagnostics(
            DiagnosticArray(),
            verdict,
            self._statistics.snapshot(),
            self._details(),
            stamp=self.get_clock().now().to_msg(),
            node=self.get_fully_qualified_name(),
        )
        publish(self, self._diagnostics, message)

    def _situation(self) -> Situation:
        """Return what the diagnostics judge."""
        state = {
            "lifecycle": self._label,
            "node": self.get_fully_qualified_name(),
            "problems": self._problems.current(),
        }
        if self._intake is None or self._outputs is None or self._pipeline is None:
            return Situation(**state)
        listened = self._outputs.listened()
        return Situation(
            **state,
            image_topic=self._intake.image.topic,
            publishers=self._intake.image.publishers,
            reliability=self._intake.image.reliability,
            silence=self._intake.silence,
            listened=listened,
            metric_listened=bool(listened & METRIC),
            scale_known=self._pipeline.scale_possible(read_settings(self)),
            scale_source=self.get_parameter("scale_source").value,
            heads=self._estimator is not None and self._estimator.heads,
            has_camera_info=self._intake.has_camera_info,
            camera_info_topic=self._intake.camera_info.topic,
            clock_runs=self.get_clock().now().nanoseconds > 0,
        )

    def _scale(self) -> ScaleGuess | None:
        """Return what makes metres: the parameter, or the guess for the newest frame while frames are taken."""
        if self.get_parameter("scale_source").value == "given":
            given = float(self.get_parameter("scale").value)
            return ScaleGuess(given, 0.0) if given else None
        return self._pipeline.scale if self._intake is not None and self._pipeline is not None else None

    def _details(self) -> dict[str, str]:
        """Return what the diagnostics show besides the statistics."""
        details = {"lifecycle": self._label, "scale_source": str(self.get_parameter("scale_source").value)}
        scale = self._scale()
        details["scale"] = f"{scale.metres_per_unit:.4g}" if scale else "0"
        if scale and scale.relative_error:
            details["scale_expected_error"] = f"{scale.relative_error:.0%}"
        details |= {f"problem.{kind}": sentence for kind, sentence in self._problems.current().items()}
        if self._estimator is not None:
            details["model"] = self._estimator.name
        if self._intake is not None:
            details["image_topic"] = self._intake.image.topic
            details["image_reliability"] = self._intake.image.reliability
        return details


def load_estimator(settings: Settings) -> DepthEstimator:
    """Load the model and try it once, which also makes the first real frame as fast as the others.

    Raises:
        DepthartError: the model is missing, damaged, cannot run here, or gives no depth.
    """
    try:
        estimator = DepthEstimator.load(
            settings.model,
            backend=settings.backend,
            device=settings.device,
            decode=settings.decode,
            seed=settings.seed,
            threads=settings.threads or None,
        )
        depth = estimator(np.full(WARM_UP_SHAPE, 128, np.uint8)).values
    except (ImportError, MemoryError, OSError, RuntimeError) as error:
        raise BackendError(f"model {settings.model!r} cannot run: {type(error).__name__}: {error}") from error
    if depth.shape != WARM_UP_SHAPE[:2] or not (np.isfinite(depth).all() and (depth > 0).all()):
        raise BackendError(
            f"{estimator.name} gives depth from {depth.min()} to {depth.max()}; expected finite values above 0"
        )
    return estimator
