"""What /diagnostics says: the state of the node, the cause where something is missing, and the cure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from depthart_ros.diagnostics.situation import Situation
from depthart_ros.diagnostics.statistics import processed_share
from depthart_ros.inputs.topics import COMPRESSED_SUFFIX, COMPRESSED_TYPE
from depthart_ros.outputs.topics import CONFIDENCE, RELATIVE
from depthart_ros.parameters.settings import Settings

OK, WARN, ERROR, STALE = 0, 1, 2, 3
SEVERITY = (OK, WARN, STALE, ERROR)
"""The levels of diagnostic_msgs, the worst last."""
SILENCE, INTERVALS = 2.0, 3.0
"""An image is missed after so many seconds, and so many of the usual intervals between images."""
SLOW = 1.0
"""Seconds worth a warning: from the arrival of an image to its depth, or from its stamp to its arrival."""
MEASURE = (
    f"measure one distance d [m] along the optical axis, read r there in {RELATIVE}, and set scale to d / r: "
    "`ros2 param set {node} {own}scale VALUE`, or scale:=VALUE with the launch file"
)
NO_CONFIDENCE = "this model does not say how sure it is"
UNFILTERED = f"{NO_CONFIDENCE}, so min_confidence filters nothing"
NO_DEADLINE = (
    "this backend decodes all scales at once, so deadline_ms is ignored",
    "choose a backend that can stop early (backend: torch), or lower max_scales and set deadline_ms to 0",
)
LOSSY = "Fast DDS loses best-effort images above 512 KiB: use local_transport:=true, or a reliable publisher"
OVERLOADED = (
    "set deadline_ms, lower max_scales, choose a faster backend or a smaller model, or let images come more slowly"
)
OLD = "set use_sim_time for a bag with a clock, set the clocks right, or let driver and network take less time"
CURES: Mapping[str, str] = {
    "refused": "start again with a valid value: this parameter cannot be set while the node runs",
    "configuration": "correct it and start again, or run the lifecycle transition `{step}` again",
    "image": "let the camera driver publish what is expected",
    "unforeseen": "see the log; choose another precision, model or device, or a smaller image where memory ran out",
    "camera_info": (
        "calibrate the camera; remap camera_info to the one of this image; let `rectified` say which matrix belongs to "
        "it: P (true) or K (false); or, where both are zero, set camera_info_url or fov_deg"
    ),
    "future": "set use_sim_time for a bag with a clock, or set the clocks of both machines right",
    "waited": f"{OVERLOADED}; or raise max_age",
    "age": f"{OLD}; or raise max_age (0 keeps images of any age, such as a bag without a clock has)",
    "qos": "let both sides agree (parameters image_reliability and qos_overrides)",
    "subscription": "see the log; deactivate and activate the node",
    "camera_info_qos": "let both sides agree (qos_overrides of the topic)",
    "subscriber": "let it ask for less, or let qos_overrides offer more",
    "publish": "use the shared-memory profile (local_transport:=true of the launch file), or subscribe to less",
}


@dataclass(frozen=True)
class Verdict:
    """One line for a person: how bad, what is the state, why, and what to do."""

    level: int
    state: str
    cause: str = ""
    cure: str = ""

    @property
    def sentence(self) -> str:
        """State, cause and cure in one line."""
        return "; ".join(part for part in (self.state, self.cause, self.cure) if part)


def how_to_get_metres(node: str, settings: Settings, *, camera: str, heads: bool) -> str:
    """Return what to do while the scale is unknown.

    Args:
        node: its fully qualified name.
        settings: of the camera.
        camera: its name; "" for the only one.
        heads: whether the model can guess the scale.
    """
    measure = MEASURE.format(node=node, own=f"{camera}." if camera else "")
    if settings.scale_source != "given":
        return f"set scale_source to given, and {measure}"
    return f"{measure}; for a first guess of the model's own, set scale_source to model" if heads else measure


def judge(now: Situation) -> Verdict:
    """Return the verdict: the first thing that keeps depth from coming out, in the order of cure."""
    if now.lifecycle != "active":
        return _judge_lifecycle(now)
    return _judge_input(now) or _judge_frames(now) or _judge_outputs(now) or _judge_load(now) or _judge_depth(now)


def _judge_lifecycle(now: Situation) -> Verdict:
    step = "activate" if now.lifecycle == "inactive" else "configure"
    for kind in ("refused", "configuration"):
        if kind in now.problems:
            return Verdict(ERROR, now.lifecycle, now.problems[kind], CURES[kind].format(step=step))
    if now.lifecycle == "finalized":
        return Verdict(OK, now.lifecycle, "", "start the node again")
    return Verdict(OK, now.lifecycle, "", f"run the lifecycle transition `{step}`")


def _judge_input(now: Situation) -> Verdict | None:
    if not now.clock_runs:
        return Verdict(
            WARN, "no clock", "use_sim_time is set and nothing arrives on /clock", "publish /clock or unset it"
        )
    if "subscription" in now.problems:
        return Verdict(ERROR, "no image", now.problems["subscription"], CURES["subscription"])
    if now.image.publishers == 0:
        return Verdict(STALE if now.ever_received else WARN, "no image", *_why_nobody_publishes(now))
    if now.silence > max(SILENCE, INTERVALS * now.interval):
        cause = f"{now.image.publishers} publisher(s) on {now.image.name}, but no image for {now.silence:.0f} s"
        if "qos" in now.problems:
            return Verdict(ERROR, "no image", f"{cause}: {now.problems['qos']}", CURES["qos"])
        level = STALE if now.ever_received else WARN
        look = f"see whether the camera runs: ros2 topic hz {now.image.name}"
        if now.image.reliability == "best_effort" and "fastrtps" in now.middleware:
            return Verdict(level, "no image", cause, f"{look}; if it does: {LOSSY}" if now.ever_received else LOSSY)
        return Verdict(level, "no image", cause, look)
    return None


def _why_nobody_publishes(now: Situation) -> tuple[str, str]:
    """Cause and cure where no publisher sends images that can be taken."""
    topic, base = now.image.name, now.image.name.removesuffix(COMPRESSED_SUFFIX)
    if now.image.other_types:
        cause = f"{topic} carries {', '.join(now.image.other_types)}, expected {now.image.type}"
        if COMPRESSED_TYPE not in now.image.other_types:
            return cause, "remap image to a topic of that type, or let image_transport say which type it has"
        remap = f"image:={base}" if base != topic else f"image{COMPRESSED_SUFFIX}:={topic}"
        return cause, f"set image_transport to compressed, and remap: -r {_own(now)}{remap}"
    if now.other_transport.endswith(COMPRESSED_SUFFIX) and now.image.type == COMPRESSED_TYPE:
        cure = f"remap: --ros-args -r {_own(now)}image{COMPRESSED_SUFFIX}:={now.other_transport}"
        return f"nothing publishes {topic}, but {now.other_transport} is there", cure
    if now.other_transport:
        other = "compressed" if now.other_transport.endswith(COMPRESSED_SUFFIX) else "raw"
        launch = f"image_transport:={other} with the launch file"
        return (
            f"nothing publishes {topic}, but {now.other_transport} is there",
            f"set image_transport to {other} ({launch})",
        )
    cure = f"start the camera, or remap: --ros-args -r {_own(now)}image:=/its/topic"
    cure += "" if now.camera else " (image:=/its/topic with the launch file)"
    return f"nothing publishes {topic}", cure


def _why_no_camera_info(now: Situation) -> tuple[str, str]:
    """Cause and cure where none came."""
    cure = f"publish it, or remap: --ros-args -r {_own(now)}camera_info:=/its/topic"
    if now.camera_info.other_types:
        why = f"it carries {', '.join(now.camera_info.other_types)}"
    elif not now.camera_info.publishers:
        why, cure = "nothing publishes it", f"{cure}, or set camera_info_url or fov_deg"
    elif "camera_info_qos" in now.problems:
        why, cure = now.problems["camera_info_qos"], CURES["camera_info_qos"]
    else:
        why, cure = (
            f"{now.camera_info.publishers} publisher(s), which sent none",
            "see whether the driver is calibrated, or set camera_info_url or fov_deg",
        )
    return f"no camera_info came on {now.camera_info.name}: {why}", cure


def _why_no_scale(now: Situation) -> tuple[str, str]:
    """Cause and cure where relative depth cannot become metres."""
    cause = "scale is unknown" if now.settings.scale_source == "given" else "this model makes no guess of its scale"
    return cause, how_to_get_metres(now.node, now.settings, camera=now.camera, heads=now.heads)


def _own(now: Situation) -> str:
    """What stands before the names of a camera's topics."""
    return f"{now.camera}/" if now.camera else ""


def _judge_frames(now: Situation) -> Verdict | None:
    states = {"image": "frames are dropped", "unforeseen": "frames fail", "age": "frames are too old"}
    states |= {"waited": "frames are too old", "future": "stamps lie in the future"}
    for kind, state in states.items():
        if kind in now.problems:
            level = WARN if kind == "future" or now.rates.get("processed") else ERROR
            return Verdict(level, state, now.problems[kind], CURES[kind])
    return None


def _judge_outputs(now: Situation) -> Verdict | None:
    if "subscriber" in now.problems:
        return Verdict(WARN, "a subscriber gets nothing", now.problems["subscriber"], CURES["subscriber"])
    if not now.subscribed:
        return Verdict(OK, "idle", "nobody subscribes to an output")
    if now.settings.rectify and not now.has_camera_info:
        return Verdict(WARN, "not rectified", *_why_no_camera_info(now))
    if not now.scale_known and now.metric_subscribed:
        return Verdict(WARN, "relative depth only", *_why_no_scale(now))
    without_camera = "no cloud" if now.settings.scale_source == "given" else "relative depth only"
    if now.metric_subscribed and now.needs_camera_info and not now.has_camera_info:
        return Verdict(WARN, without_camera, *_why_no_camera_info(now))
    for kind, state in (("camera_info", without_camera), ("publish", "outputs are lost")):
        if kind in now.problems:
            return Verdict(WARN, state, now.problems[kind], CURES[kind])
    if CONFIDENCE in now.subscribed and not now.heads:
        return Verdict(WARN, "no confidence", NO_CONFIDENCE, "choose one that does: nano")
    if now.settings.min_confidence and now.metric_subscribed and not now.heads:
        return Verdict(WARN, "no confidence", UNFILTERED, "choose a model that does: nano, or set min_confidence to 0")
    return Verdict(WARN, "no deadline", *NO_DEADLINE) if now.deadline_ignored else None


def _judge_load(now: Situation) -> Verdict | None:
    share = _share(now)
    if now.falls_behind:
        return Verdict(WARN, "overloaded", f"depth comes later and later: {share or 'images wait'}", OVERLOADED)
    if now.lateness > SLOW:
        late = f"depth comes {now.lateness:.1f} s after its image"
        return Verdict(WARN, "slow", f"{late}; {share}" if share else late, OVERLOADED)
    return Verdict(WARN, "images come late", _age(now), OLD) if _age(now) and now.settings.max_age else None


def _judge_depth(now: Situation) -> Verdict:
    """Return what kind of depth comes where nothing that is listened to is missing."""
    if not now.scale_known:
        return Verdict(OK, "relative depth only", *_why_no_scale(now))
    if now.settings.scale_source == "model" and not now.has_camera_info:
        return Verdict(OK, "relative depth only", *_why_no_camera_info(now))
    return Verdict(OK, "running", "; ".join(filter(None, (_share(now), _age(now)))))


def _share(now: Situation) -> str:
    """How many of the images are processed, "" where it is most of them or as many as are wanted."""
    received, processed = (now.rates.get(name, 0.0) for name in ("received", "processed"))
    return f"{processed:.1f} of {received:.1f} images/s are processed" if processed_share(now.rates) < 0.9 else ""


def _age(now: Situation) -> str:
    """How old images are when they arrive, "" where they are young enough, or wait in order until they are taken."""
    late = now.age > SLOW and not now.settings.process_all
    return f"images are {now.age:.1f} s old when they arrive" if late else ""


def combine(verdicts: Mapping[str, Verdict]) -> Verdict:
    """Return one verdict on several cameras: that of the worst, with its name."""
    worst = max(verdicts, key=lambda name: SEVERITY.index(verdicts[name].level))
    found = verdicts[worst]
    well = sum(verdict.level == OK for verdict in verdicts.values())
    if found.level == OK:
        states = sorted({verdict.state for verdict in verdicts.values()})
        return Verdict(OK, " and ".join(states), f"{len(verdicts)} cameras")
    return Verdict(
        found.level, f"{well} of {len(verdicts)} cameras are well", f"{worst}: {found.state}: {found.cause}", found.cure
    )
