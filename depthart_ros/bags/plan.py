"""Which outputs a bag gets, and what is said of those it cannot get."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from depthart_ros.bags.source import Source, Topics
from depthart_ros.diagnostics.verdicts import NO_CONFIDENCE, UNFILTERED
from depthart_ros.errors import BagError
from depthart_ros.inputs.fallback import has_fallback
from depthart_ros.outputs.scaling import scale_possible
from depthart_ros.outputs.topics import CAMERA_INFO, CONFIDENCE, DEPTH, METRIC, OUTPUTS, POINTS, RELATIVE
from depthart_ros.parameters.settings import Settings

TYPES = {topic: f"sensor_msgs/msg/{name}" for topic, name in OUTPUTS.items()}
USUAL = (DEPTH, CAMERA_INFO, POINTS)
NO_SCALE = {
    "given": "the scale is unknown; give --scale, or --scale-source model",
    "model": "this model does not guess its scale; give --scale",
}
"""Why there are no metres, by scale_source."""


def choose_outputs(
    source: Source,
    topics: Topics,
    settings: Settings,
    *,
    heads: bool,
    asked: Sequence[str],
    namespace: str,
    say: Callable[[str], object],
) -> dict[str, str]:
    """Return the topic of each output to make.

    Args:
        source: the bag.
        topics: of the camera in it.
        settings: of the node.
        heads: whether the model says confidence and scale.
        asked: outputs to make; none: what can be made of metres, else relative depth.
        namespace: before the names of the topics.
        say: gets a sentence about each usual output that cannot be made, and about a filter that filters nothing.

    Raises:
        BagError: one that was asked for cannot be made, or its topic is in the bag already.
    """
    impossible = _impossible(source, topics, settings, heads=heads)
    usual = USUAL if DEPTH not in impossible else (RELATIVE,)
    wanted = [name for name in asked or usual if name not in impossible]
    for name in asked or USUAL:
        if name not in impossible:
            continue
        if asked:
            raise BagError(f"{name} cannot be made: {impossible[name]}")
        say(f"without {name}: {impossible[name]}")
    if settings.min_confidence and not heads and METRIC.intersection(wanted):
        say(UNFILTERED)
    names = {name: "/".join(["", *filter(None, namespace.split("/")), name]) for name in wanted}
    there = {connection.topic for connection in source.connections}
    taken = [topic for topic in names.values() if topic in there]
    if taken:
        raise BagError(f"{', '.join(taken)}: in {source.path} already; choose another --namespace or other --topics")
    return names


def _impossible(source: Source, topics: Topics, settings: Settings, *, heads: bool) -> dict[str, str]:
    """Return the outputs that cannot be made, with the reason."""
    reasons: dict[str, str] = {}
    no_info = (
        f"{source.path} has no camera_info beside {topics.image}; name one with --camera-info, or give "
        "-p fov_deg:=DEGREES or -p camera_info_url:=FILE"
    )
    calibrated = topics.info is not None or has_fallback(settings)
    if not calibrated:
        reasons |= dict.fromkeys((CAMERA_INFO, POINTS), no_info)
    if not scale_possible(settings, heads=heads):
        reasons |= dict.fromkeys(USUAL, NO_SCALE[settings.scale_source])
    elif settings.scale_source == "model" and not calibrated:
        reasons[DEPTH] = f"its scale needs a camera_info, and {no_info}"
    if not heads:
        reasons[CONFIDENCE] = NO_CONFIDENCE
    return reasons
