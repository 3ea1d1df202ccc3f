"""What is right and wrong about a ROS graph that was listened to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import QoSCompatibility, qos_check_compatible

from depthart_core import IntrinsicsError
from depthart_ros.doctor.findings import Finding
from depthart_ros.doctor.listening import UNHEARD, Graph, Topic, endpoint_name, reliability_of
from depthart_ros.inputs.camera_model import intrinsics_of, window_of
from depthart_ros.inputs.encodings import holds_depth
from depthart_ros.inputs.topics import (
    CAMERA_INFO_TYPE,
    COMPRESSED_SUFFIX,
    IMAGE_TYPE,
    PICTURE_TYPES,
    camera_infos_beside,
    sounds_raw,
    without_doubles,
)

LAUNCH = "ros2 launch depthart_ros depth.launch.py"


def check_graph(graph: Graph) -> Iterator[Finding]:
    """Yield the topics, cameras and depth nodes of a graph."""
    yield Finding("middleware", graph.middleware)
    for topic in sorted(graph.topics.values(), key=lambda topic: topic.name):
        yield _describe(topic, graph)
        yield from _check_qos(topic)
    cameras, served = _cameras(graph), _served(graph)
    for image in cameras:
        if image.name in served:
            yield Finding("cameras", f"{image.name}: taken by {served[image.name]}")
        else:
            yield from _check_camera(image, graph)
    if not cameras:
        yield Finding("cameras", "none: start the driver, or for a try: ros2 run depthart_ros depthart camera")
    yield from _check_nodes(graph)


def _describe(topic: Topic, graph: Graph) -> Finding:
    """Return type, QoS and rate of a topic; silence is wrong where messages are due."""
    count = f"{len(topic.publishers)} publisher(s), {len(topic.subscribers)} subscriber(s)"
    if not topic.publishers:
        return Finding("topics", f"{topic.name} ({topic.kind}): {count}")
    said = f"{topic.name} ({topic.kind}): {reliability_of(topic.publishers)}, {count}"
    if not topic.heard:
        return Finding("topics", f"{said}, nobody listens")
    if topic.times or topic.kind not in (*PICTURE_TYPES, CAMERA_INFO_TYPE):
        return Finding("topics", f"{said}, {topic.rate:.1f}/s")
    cure = f"see whether the camera runs: ros2 topic hz {topic.name}"
    if topic.is_published_by(graph.depth_nodes):
        return Finding("topics", f"{said}, silent")  # why, the node says itself
    if reliability_of(topic.publishers) == "best_effort" and "fastrtps" in graph.middleware:
        cure = "Fast DDS loses best-effort images above 512 KiB: local_transport:=true at launch, for the camera too"
    return Finding("topics", f"{said}, but no message in {graph.seconds:g} s", cure)


def _check_qos(topic: Topic) -> Iterator[Finding]:
    """Yield each pair of a publisher and a subscriber that cannot hear each other."""
    for publisher in topic.publishers:
        for subscriber in topic.subscribers:
            if publisher.topic_type != subscriber.topic_type:
                yield Finding(
                    "types",
                    f"{endpoint_name(publisher)} sends {publisher.topic_type} on {topic.name}, where "
                    f"{endpoint_name(subscriber)} expects {subscriber.topic_type}: nothing comes",
                    "remap one of them; for depth_node see its parameter image_transport",
                )
                continue
            compatibility, reason = qos_check_compatible(publisher.qos_profile, subscriber.qos_profile)
            if compatibility == QoSCompatibility.ERROR:
                yield Finding(
                    "QoS",
                    f"{endpoint_name(subscriber)} gets nothing from {endpoint_name(publisher)} on {topic.name}: "
                    + reason.replace("ERROR: ", "").strip(";"),
                    "let both agree; depth_node follows the publishers of images with image_reliability:=auto, "
                    "and qos_overrides change what it offers",
                )


def _cameras(graph: Graph) -> list[Topic]:
    """Return the topics of colour or grey pictures of other nodes; raw before compressed ones."""
    pictures = [name for name, topic in graph.topics.items() if topic.kind in PICTURE_TYPES and topic.publishers]
    return [
        topic
        for topic in map(graph.topics.__getitem__, without_doubles(pictures))
        if not (_is_depth(topic) or topic.is_published_by(graph.depth_nodes))
    ]


def _is_depth(topic: Topic) -> bool:
    return topic.name.endswith(UNHEARD) or (topic.first is not None and holds_depth(topic.first))


def reports(graph: Graph) -> dict[str, tuple[bool, dict[str, str]]]:
    """Return what depth nodes say on /diagnostics: whether something is wrong, and the values, by name."""
    topic = graph.topics.get("/diagnostics")
    told = {
        name: (status.level != DiagnosticStatus.OK, {pair.key: pair.value for pair in status.values})
        for name, status in sorted(topic.statuses.items() if topic else ())
    }
    return {name: report for name, report in told.items() if {"state", "cure"} <= report[1].keys()}  # else another's


def _served(graph: Graph) -> dict[str, str]:
    """Return which depth node takes the images of a topic, once somebody listens to it."""
    told = {values.get("image_topic", ""): name.partition(": ")[0] for name, (_, values) in reports(graph).items()}
    return told | {
        topic.name: endpoint_name(subscriber)
        for topic in graph.topics.values()
        for subscriber in topic.subscribers
        if endpoint_name(subscriber) in graph.depth_nodes
    }


def _check_camera(image: Topic, graph: Graph) -> Iterator[Finding]:
    """Yield the line that starts the node for a camera, and what is wrong with its calibration."""
    base = image.name.removesuffix(COMPRESSED_SUFFIX)
    infos = {name: topic for name, topic in graph.topics.items() if topic.kind == CAMERA_INFO_TYPE and topic.publishers}
    beside = next((infos[name] for name in camera_infos_beside(image.name) if name in infos), None)
    line = f"{LAUNCH} image:={base}" + ("" if base == image.name else " image_transport:=compressed")
    if beside is None:
        yield Finding("cameras", f"{image.name} has no camera_info, so no cloud: {line} scale:=VALUE")
        return
    info, rectified = beside.first, True
    if info is not None:
        rectified = any(info.p) and not sounds_raw(base)
        try:
            # a compressed image does not say its size: then that of the calibration has to do
            size = image.first if image.kind == IMAGE_TYPE and image.first else window_of(info)
            intrinsics_of(info, size.width, size.height, rectified=rectified)
        except IntrinsicsError as error:
            yield Finding(
                "cameras", f"{beside.name}: {error}", "calibrate it: ros2 run camera_calibration cameracalibrator"
            )
    raw = "" if rectified else " rectified:=false"
    yield Finding("cameras", f"{image.name}: {line} camera_info:={beside.name}{raw} scale_source:=model")


def _check_nodes(graph: Graph) -> Iterator[Finding]:
    """Yield what each depth node says of itself on /diagnostics."""
    if not graph.depth_nodes:
        yield Finding("depth node", "none runs")
    for name, (wrong, values) in reports(graph).items():
        text = "; ".join(filter(None, (values["state"], values.get("cause"), _scale(values))))
        yield Finding("depth node", f"{name}: {text}", (values["cure"] or "see its log") if wrong else "")


def _scale(values: Mapping[str, str]) -> str:
    """Return where a camera's metres come from; "" where the status is not on a camera, or none come."""
    scale, source = values.get("scale", "0"), values.get("scale_source", "")
    if source == "model":
        return "scale_source model" + (f", which guesses {scale} m per unit now" if scale != "0" else "")
    return f"scale {scale}" if scale != "0" else ""
