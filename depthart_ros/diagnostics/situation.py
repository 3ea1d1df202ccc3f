"""What the verdict of /diagnostics depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from depthart_ros.outputs.topics import METRIC


@dataclass(frozen=True)
class Situation:
    """Everything that the verdict depends on.

    Attributes:
        lifecycle: label of the lifecycle state, for example "active".
        node: fully qualified name of the node.
        camera: its name; "" for the only one.
        problems: current problems by kind, the keys of CURES.
        image_topic: resolved name of the input.
        image_type: type of its messages.
        publishers: of that topic, with messages of that type.
        strangers: the types of its other publishers, which cannot be heard.
        beside: the topic that has images of the other image_transport; "" where none has.
        reliability: of our subscription to it.
        silence: seconds since the last image, or since it was subscribed to; 0 while it is not, for want of listeners,
            and while images have to wait.
        ever: whether an image ever came.
        interval: seconds from one image to the next, as is usual for the camera; 0 before two came.
        middleware: identifier of the RMW that is in use.
        rates: images received and processed a second.
        falls_behind: whether the age of published depth grows because images come too fast.
        lateness: seconds from the stamp of an image to its depth, beyond what the deadline grants; 0 while every image
            is processed, however late.
        listened: outputs that have a subscriber.
        scale_known: whether relative depth can become metres.
        scale_source: the parameter of that name.
        heads: whether the model says how confident it is.
        needs_camera_info: whether something that is listened to needs one.
        has_camera_info: whether one was received.
        camera_info_topic: resolved name of that input.
        camera_info_publishers: of that topic.
        camera_info_strangers: the types of its other publishers, which cannot be heard.
        rectify: whether the picture should be undistorted.
        min_confidence: the parameter of that name.
        deadline_ignored: whether there is a deadline, and the backend decodes all scales nevertheless.
        clock_runs: false under use_sim_time while /clock is silent.
    """

    lifecycle: str
    node: str
    camera: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    image_topic: str = "/image"
    image_type: str = "sensor_msgs/msg/Image"
    publishers: int = 0
    strangers: tuple[str, ...] = ()
    beside: str = ""
    reliability: str = "reliable"
    silence: float = 0.0
    ever: bool = True
    interval: float = 0.0
    middleware: str = "rmw_fastrtps_cpp"
    rates: Mapping[str, float] = field(default_factory=dict)
    falls_behind: bool = False
    lateness: float = 0.0
    listened: frozenset[str] = frozenset()
    scale_known: bool = False
    scale_source: str = "given"
    heads: bool = True
    needs_camera_info: bool = False
    has_camera_info: bool = False
    camera_info_topic: str = "/camera_info"
    camera_info_publishers: int = 0
    camera_info_strangers: tuple[str, ...] = ()
    rectify: bool = False
    min_confidence: float = 0.0
    deadline_ignored: bool = False
    clock_runs: bool = True

    @property
    def metric_listened(self) -> bool:
        """Whether an output that holds metres has a subscriber."""
        return bool(self.listened & METRIC)
