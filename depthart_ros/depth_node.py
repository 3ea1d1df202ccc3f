"""DepthNode: the lifecycle node that wires model, cameras, worker and diagnostics together."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from depthart_core import ConfigError, DepthartError, DepthEstimator
from depthart_ros.camera import Camera
from depthart_ros.diagnostics.memory import resident_mib
from depthart_ros.diagnostics.reports import Report, diagnostics_message, statistics_message
from depthart_ros.diagnostics.verdicts import combine
from depthart_ros.model_loading import faster_with, load_estimator
from depthart_ros.outputs.publishers import publish
from depthart_ros.outputs.snapshot_service import offer_snapshots
from depthart_ros.parameters.declaration import any_fixed, declare_deleted, declare_parameters
from depthart_ros.parameters.reading import cameras_of, read_settings
from depthart_ros.parameters.settings import Settings
from depthart_ros.refused_transitions import answer_refusals
from depthart_ros.worker import Worker

DIAGNOSTICS_PERIOD = 1.0
RECHECK_PERIOD = 0.2


class DepthNode(LifecycleNode):
    """Depth from images: `configure` loads the model, `activate` subscribes. Parameters: see parameters/settings.py.

    Args:
        options: of rclpy's Node, such as parameter_overrides, namespace or context.
    """

    def __init__(self, **options: Any) -> None:
        self._estimator: DepthEstimator | None = None
        self._worker: Worker | None = None
        self._cameras: list[Camera] = []
        self._parameters_lock = threading.Lock()  # is held while several are set together
        super().__init__("depth_node", **options)  # from here on rclpy may destroy the node
        self._refused = declare_parameters(self)
        self._label = "unconfigured"
        self._problems: dict[str, str] = {}  # why it could not be configured or activated, by kind
        self._cameras = [Camera(self, name, self._parameters_lock) for name in cameras_of(self) or ("",)]
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # runs whatever /clock does
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._statistics = self.create_publisher(DiagnosticArray, "~/statistics", 1)
        offer_snapshots(self, self._active_cameras)
        answer_refusals(self)
        self.create_timer(DIAGNOSTICS_PERIOD, self._publish_reports, clock=steady)
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
        self._deactivate()
        return self._enter("inactive")

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give model and publishers back."""
        del state
        self._release()
        self._problems = {}
        return self._enter("unconfigured")

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back, from whatever state."""
        del state
        self._release()
        self._problems = {}
        return self._enter("finalized")

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back and begin anew."""
        del state
        self._release()
        return self._enter("unconfigured")

    def destroy_node(self) -> None:
        """Give everything back, then destroy the node."""
        self._enter("finalized")  # a snapshot that waits for a frame waits no longer
        self._release()
        super().destroy_node()

    def set_parameters_atomically(self, parameter_list: list[Parameter[Any]]) -> SetParametersResult:
        """Set several parameters; the worker sees none of them before all are set."""
        with self._parameters_lock:
            result = super().set_parameters_atomically(parameter_list)
            declare_deleted(self, parameter_list)
            return result

    def set_parameters(self, parameter_list: list[Parameter[Any]]) -> list[SetParametersResult]:
        """Set several parameters, one after another."""
        self.describe_parameters([parameter.name for parameter in parameter_list])  # raises before any is set
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def _valid_settings(self) -> Settings:
        """Return the parameters for all cameras, once those of each camera have been checked as well.

        Raises:
            ConfigError: some were refused at start, or they contradict each other.
        """
        if self._refused:
            raise ConfigError("; ".join(self._refused.values()))
        settings = read_settings(self)
        for camera in cameras_of(self):
            read_settings(self, camera)
        return settings

    def _configure(self) -> None:
        settings = self._valid_settings()
        builds = settings.backend == "tensorrt" and settings.build_engine
        patience = "; an engine is built first where none fits, which takes minutes" if builds else ""
        self.get_logger().info(f"loading model {settings.model}{patience}")
        self._estimator = load_estimator(settings, report=self.get_logger().info)
        for camera in self._cameras:
            camera.configure(self._estimator)
        self.get_logger().info(f"configured: {self._estimator.name}")
        if command := faster_with(settings, self._estimator):
            self.get_logger().info(
                f"backend auto took torch as it found no exported graph; faster on a CPU: {command}", once=True
            )

    def _activate(self) -> None:
        self._worker = Worker(keep_all=self._valid_settings().process_all)
        for camera in self._cameras:
            camera.activate(self._worker)

    def _attempt(self, action: Callable[[], None], state: LifecycleState, label: str) -> TransitionCallbackReturn:
        """Do what leads to the state `label`, or stay in `state` with one sentence in the log and the diagnostics."""
        try:
            action()
        except Exception as error:
            ended = not self.context.ok()  # by a signal meanwhile: no error of ours
            if ended or isinstance(error, DepthartError):
                if label == "inactive":
                    self._release()
                else:
                    self._deactivate()
                if not ended:
                    self._problems = {"refused" if any_fixed(self._refused) else "configuration": str(error)}
                    self.get_logger().error(f"stays {state.label}: {error}")
                return TransitionCallbackReturn.FAILURE
            self._problems = {"configuration": f"unforeseen error: {error!r}; its log says where"}
            self.get_logger().error(traceback.format_exc())  # rclpy would not say why it goes to on_error
            raise
        self._problems = {}
        return self._enter(label)

    def _enter(self, label: str) -> TransitionCallbackReturn:
        self._label = label
        return TransitionCallbackReturn.SUCCESS

    def _deactivate(self) -> None:
        """Undo activate, as far as it was done."""
        for camera in self._cameras:
            camera.deactivate()
        if self._worker is not None:
            self._worker.stop()
        self._worker = None
        for camera in self._cameras:
            camera.settle()

    def _release(self) -> None:
        """Undo activate and configure, as far as they were done."""
        self._deactivate()
        for camera in self._cameras:
            camera.release()
        self._estimator = None

    def _active_cameras(self) -> list[Camera]:
        """Return all cameras while the node is active, otherwise none."""
        return self._cameras if self._label == "active" else []

    def _recheck(self) -> None:
        for camera in self._cameras:
            camera.recheck()

    def _publish_reports(self) -> None:
        reports, stamp, name = self._reports(), self.get_clock().now().to_msg(), self.get_fully_qualified_name()
        publish(self, self._diagnostics, diagnostics_message(reports, stamp=stamp, node=name))
        publish(self, self._statistics, statistics_message(reports, stamp=stamp, node=name))

    def _reports(self) -> list[Report]:
        """Return one report where there is one camera, else one on the node and one on each camera."""
        found = [camera.report(self._label, self._problems) for camera in self._cameras]
        if len(found) == 1:
            only = found[0]
            return [replace(only, details=self._details() | only.details, numbers=self._numbers() | only.numbers)]
        same = self._label != "active"
        whole = found[0].verdict if same else combine({report.name: report.verdict for report in found})
        return [Report("depth", whole, self._details(), self._numbers()), *found]

    def _details(self) -> dict[str, str]:
        """Return what the diagnostics show of the node besides its cameras."""
        details = {"lifecycle": self._label}
        if self._estimator is not None:
            details |= {"model": self._estimator.name, "scales_of_model": str(self._estimator.scales)}
        return details

    def _numbers(self) -> dict[str, str]:
        memory = resident_mib()
        return {} if memory is None else {"memory_mib": f"{memory:.1f}"}
