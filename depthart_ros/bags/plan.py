"""Which outputs a bag gets, and what is said of those it cannot get."""

from __future__ import annotations

import re
from collections.abc import Callable

from depthart_core import ConfigError
from depthart_ros.bags.job import Job
from depthart_ros.diagnostics.verdicts import NO_CONFIDENCE, UNFILTERED
from depthart_ros.errors import BagError
from depthart_ros.inputs.fallback_calibration import has_fallback
from depthart_ros.outputs.scaling import scale_possible
from depthart_ros.outputs.topics import CAMERA_INFO, CONFIDENCE, DEPTH, METRIC, OUTPUTS, POINTS, RELATIVE

TYPES = {topic: f"sensor_msgs/msg/{name}" for topic, name in OUTPUTS.items()}
USUAL = (DEPTH, CAMERA_INFO, POINTS)
NO_SCALE = {
    "given": "the scale is unknown, so there are neither metres nor a cloud; give --scale above 0, or --scale-source "
    "model",
    "model": "this model does not guess its scale, so there are neither metres nor a cloud; give --scale above 0",
}
"""Why there are no metres, by scale_source."""


def choose_outputs(job: Job, *, heads: bool, say: Callable[[str], object]) -> dict[str, str]:
    """Return the topic of each output to make.

    Args:
        job: what is asked for.
        heads: whether the model says confidence and scale.
        say: gets a sentence about usual outputs that cannot be made, and about a filter that filters nothing.

    Raises:
        ConfigError: the namespace is none that ROS takes.
        BagError: one that was asked for cannot be made, or its topic is in the bag already.
    """
    parts = [part for part in job.namespace.split("/") if part]
    if not all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", part) for part in parts):
        raise ConfigError(
            f"--namespace is {job.namespace!r}; expected names of letters, digits and _ that begin with no digit, "
            "with / between them"
        )
    impossible = _impossible(job, heads=heads)
    usual = USUAL if DEPTH not in impossible else (RELATIVE,)
    wanted = [name for name in job.asked or usual if name not in impossible]
    for name in job.asked:
        if name in impossible:
            raise BagError(f"{name} cannot be made: {impossible[name]}")
    missing = [] if job.asked else [name for name in USUAL if name in impossible]
    for reason in dict.fromkeys(impossible[name] for name in missing):
        say(f"without {', '.join(name for name in missing if impossible[name] == reason)}: {reason}")
    if job.settings.min_confidence and not heads and METRIC.intersection(wanted):
        say(UNFILTERED)
    names = {name: "/".join(["", *parts, name]) for name in wanted}
    there = {connection.topic for connection in job.source.connections}
    taken = [topic for topic in names.values() if topic in there]
    if taken:
        raise BagError(
            f"{', '.join(taken)}: in {job.source.path} already; choose another --namespace or other --topics"
        )
    return names


def _impossible(job: Job, *, heads: bool) -> dict[str, str]:
    """Return the outputs that cannot be made, with the reason."""
    settings, reasons = job.settings, dict[str, str]()
    no_info = (
        f"{job.source.path} has no camera_info beside {job.topics.image}; name one with --camera-info, or give "
        "-p fov_deg:=DEGREES or -p camera_info_url:=FILE"
    )
    calibrated = job.topics.info is not None or has_fallback(settings)
    if not calibrated:
        reasons |= dict.fromkeys((CAMERA_INFO, POINTS), no_info)
    if not scale_possible(settings, heads=heads):
        reasons |= dict.fromkeys(USUAL, NO_SCALE[settings.scale_source])
    elif settings.scale_source == "model" and not calibrated:
        reasons[DEPTH] = f"its scale needs a camera_info, and {no_info}"
    if not heads:
        reasons[CONFIDENCE] = NO_CONFIDENCE
    return reasons
