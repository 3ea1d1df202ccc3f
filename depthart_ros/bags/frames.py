"""The frames of a bag, one after the other through the node's pipeline."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from depthart_core import DepthartError, DepthEstimator
from depthart_ros.bags.job import Job
from depthart_ros.bags.message_types import deserialize, message_types, serialize
from depthart_ros.bags.source import Source, Stored
from depthart_ros.bags.target import Target
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.errors import BagError
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import Frame, Pipeline


class CollectedOutputs:
    """The pipeline's outputs (see pipeline.Outputs), serialised and kept until the bag has them.

    Args:
        wanted: names of the outputs.

    Attributes:
        messages: name and CDR bytes of each.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self.types = message_types()
        self.messages: list[tuple[str, bytes]] = []
        self._wanted = wanted

    def subscribed(self) -> frozenset[str]:
        """See pipeline.Outputs."""
        return self._wanted

    def publish(self, topic: str, message: Any) -> str:
        """See pipeline.Outputs."""
        self.messages.append((topic, bytes(serialize(message))))
        return ""


class BagCameraInfos:
    """The camera_infos of a bag.

    Args:
        source: to read from.
        topic: of them; None where there are none.
        warn: gets a sentence about those that are damaged, which are left out.
    """

    def __init__(self, source: Source, topic: str | None, warn: Callable[[str], None]) -> None:
        self._received: list[int] = []
        self._infos: list[Any] = []
        damaged, why = 0, ""
        for message in source.messages([topic]) if topic else ():
            try:
                self._infos.append(deserialize(message.content, message.connection.msgtype))
                self._received.append(message.received)
            except Exception as error:  # rosbags lets errors of struct and numpy through
                damaged, why = damaged + 1, str(error) or type(error).__name__
        if damaged:
            warn(f"{topic}: {damaged} damaged messages are left out ({why})")
        self._by_stamp = {_stamp(info): info for info in self._infos}

    def find(self, image: Any, received: int) -> Any:
        """Return that of an image's stamp, else the latest one before it, else the first one, else None."""
        same = self._by_stamp.get(_stamp(image))
        if same is not None or not self._infos:
            return same
        return self._infos[max(bisect_right(self._received, received) - 1, 0)]


@dataclass
class Tally:
    """What became of the frames.

    Attributes:
        done: frames with an output; those that the cloud's own rate leaves out are neither done nor failed.
        failed: frames without, by reason.
        kept: messages of the source that were copied.
        added: messages that were added, by topic.
        unfit: why the camera_info could not be used for the last image, "" where it could.
    """

    done: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    added: Counter[str] = field(default_factory=Counter)
    unfit: str = ""

    @property
    def frames(self) -> int:
        """How many there were, done or failed."""
        return self.done + self.failed.total()


def add_outputs(
    job: Job,
    names: Mapping[str, str],
    target: Target,
    estimator: DepthEstimator,
    *,
    warn: Callable[[str], None],
    on_frame: Callable[[], object],
) -> Tally:
    """Copy a bag and put behind each image what the node would publish for it.

    Args:
        job: what is asked for.
        names: output of the node -> topic in the target.
        target: to write to.
        estimator: picture to relative depth.
        warn: gets a sentence about what is not as it should be.
        on_frame: called after each image.

    Raises:
        BagError: the source is damaged, or the target or the model's answers cannot be written.
    """
    outputs, problems = CollectedOutputs(frozenset(names)), Problems(warn)
    pipeline = Pipeline(estimator, outputs, problems, Statistics())
    infos, tally = BagCameraInfos(job.source, job.topics.info, warn), Tally()
    for message in job.source.messages():
        target.copy(message)
        tally.kept += 1
        if message.connection.topic != job.topics.image:
            continue
        outputs.messages.clear()
        reason = _process(message, pipeline, infos, job.settings)
        if reason:
            problems.report("image", reason)
            tally.failed[reason] += 1
        elif not pipeline.skipped:
            tally.done += 1
        for name, content in outputs.messages:
            target.add(names[name], message.received, content)
            tally.added[names[name]] += 1
        on_frame()
    tally.unfit = problems.current().get("camera_info", "")
    return tally


def _process(message: Stored, pipeline: Pipeline, infos: BagCameraInfos, settings: Settings) -> str:
    """Send one image through the pipeline; returns why nothing comes of it, else "".

    Raises:
        BagError: the model's answer cannot be kept.
    """
    try:
        image = deserialize(message.content, message.connection.msgtype)
    except Exception as error:  # rosbags lets errors of struct and numpy through
        return f"image: the message is damaged ({str(error) or type(error).__name__})"
    try:
        info = infos.find(image, message.received)
        made = pipeline.process(Frame(image, info, settings, topic=message.connection.topic))
    except BagError:  # answers cannot be kept
        raise
    except DepthartError as error:
        return str(error)
    return "" if made or pipeline.skipped else "the camera_info does not fit, so nothing that was asked for can be made"


def _stamp(message: Any) -> tuple[int, int]:
    """Return seconds and nanoseconds of a message's header."""
    stamp = message.header.stamp
    return stamp.sec, stamp.nanosec
