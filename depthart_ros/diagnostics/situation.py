"""What the verdict of /diagnostics depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from depthart_ros.inputs.topics import InputTopic
from depthart_ros.outputs.scaling import scale_possible
from depthart_ros.outputs.topics import METRIC
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import needs_calibration


@dataclass(frozen=True)
class Situation:
    """Everything that the verdict depends on; from `settings` on it counts only while the node is active.

    Attributes:
        lifecycle: label of the lifecycle state, for example "active".
        node: fully qualified name of the node.
        camera: its name; "" for the only one.
        problems: current problems by kind, the keys of CURES.
        rates: images received, processed and left idle a second.
        settings: of the camera.
        image: its pictures.
        camera_info: its calibration.
        other_transport: the topic that has images of the other image_transport; "" where none has.
        silence: seconds since the last image, or since it was subscribed to; 0 while it is not, for want of listeners,
            and while images have to wait.
        ever_received: whether an image ever came.
        interval: seconds from one image to the next, as is usual for the camera; 0 before two came.
        middleware: identifier of the RMW that is in use.
        falls_behind: whether the age of published depth grows because images come too fast.
        latency: seconds from the arrival of an image to its depth.
        age: seconds from the stamp of an image to its arrival; 0 where that is unknown.
        subscribed: outputs that have a subscriber.
        heads: whether the model says how confident it is.
        has_camera_info: whether one was received, or parameters stand in for it.
        deadline_ignored: whether there is a deadline, and the backend decodes all scales nevertheless.
        clock_runs: false under use_sim_time while /clock is silent.
    """

    lifecycle: str
    node: str
    camera: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    image: InputTopic = field(default_factory=InputTopic)
    camera_info: InputTopic = field(default_factory=InputTopic)
    other_transport: str = ""
    silence: float = 0.0
    ever_received: bool = True
    interval: float = 0.0
    middleware: str = "rmw_fastrtps_cpp"
    falls_behind: bool = False
    latency: float = 0.0
    age: float = 0.0
    subscribed: frozenset[str] = frozenset()
    heads: bool = True
    has_camera_info: bool = False
    deadline_ignored: bool = False
    clock_runs: bool = True

    @property
    def metric_subscribed(self) -> bool:
        """Whether an output that holds metres has a subscriber."""
        return bool(self.subscribed & METRIC)

    @property
    def scale_known(self) -> bool:
        """Whether relative depth can become metres."""
        return scale_possible(self.settings, heads=self.heads)

    @property
    def needs_camera_info(self) -> bool:
        """Whether something that is listened to needs one."""
        return needs_calibration(self.settings, self.subscribed)

    @property
    def lateness(self) -> float:
        """The latency where it is more than the deadline grants; 0 while every image is processed, however late."""
        late = not self.settings.process_all and self.latency > self.settings.deadline_ms * 1e-3
        return self.latency if late else 0.0
