"""The service ~/save_snapshot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.executors import Executor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Future
from rclpy.time import Time as RosTime
from sensor_msgs.msg import CameraInfo
from std_srvs.srv import Trigger

from depthart_core import ConfigError
from depthart_ros.outputs.depth_frame import DepthFrame
from depthart_ros.outputs.snapshot import save_snapshot, snapshot_folder

PATIENCE = 5.0  # seconds in which a frame has to come where depth was not made lately, as nobody subscribes
CALIBRATION = 1.0  # of these, the seconds in which its camera_info has to come
LOOK = 0.05  # seconds from one look for frames to the next
OLD = 5.0  # seconds after which a frame is not the newest any more, and its age is worth a word
INACTIVE = "the node is not active, so there is no frame; run its lifecycle transitions configure and activate"
NO_FRAME = f"no frame came within {PATIENCE:g} s; call again where the model is slower, else /diagnostics says why"
NO_METRES = "relative depth only, because the scale is unknown"

Result = TypeVar("Result")


class SnapshotCamera(Protocol):
    """A camera as far as snapshots need it."""

    name: str

    @property
    def newest_frame(self) -> DepthFrame | None:
        """The newest frame with its depth, None before the first."""
        ...

    def request_frame(self, *, wanted: bool) -> None:
        """Let depth be made though nobody subscribes, or no longer."""
        ...


def offer_snapshots(node: Node, active: Callable[[], Collection[SnapshotCamera]]) -> None:
    """Offer the service.

    Args:
        node: that offers it.
        active: the cameras that take frames; it is called in another thread.
    """

    async def save(request: Any, response: Any) -> Any:
        del request
        answers = await _in_a_thread(node.executor, lambda: _save_all(active, node.get_clock()))
        response.success = bool(answers) and all(well for well, _ in answers)
        response.message = "; ".join(sentence for _, sentence in answers) or INACTIVE
        if not response.success:
            node.get_logger().warning(f"save_snapshot: {response.message}")
        return response

    # A group of its own: while one call is at work the node goes on, and another call waits for its turn.
    node.create_service(Trigger, "~/save_snapshot", save, callback_group=MutuallyExclusiveCallbackGroup())


async def _in_a_thread(executor: Executor | None, work: Callable[[], Result]) -> Result:
    """Return or raise what `work` does in a thread of its own, which ends with it; the executor goes on meanwhile."""
    done = Future(executor=executor)

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:  # raised by the await below
            done.set_exception(error)
        if executor is not None:
            with suppress(rclpy_implementation.InvalidHandle):  # it is being shut down
                executor.wake()

    threading.Thread(target=run, name="depthart_snapshot").start()
    return cast(Result, await done)


def _save_all(active: Callable[[], Collection[SnapshotCamera]], clock: Clock) -> list[tuple[bool, str]]:
    """Save the newest frame of each camera; returns whether that went well, and a sentence, for each."""
    frames = _newest_frames(active)
    cameras = active()  # none, if the node was deactivated meanwhile
    return [_save(camera.name, frames.get(camera), clock.now()) for camera in cameras]


def _newest_frames(active: Callable[[], Collection[SnapshotCamera]]) -> dict[SnapshotCamera, DepthFrame | None]:
    """Return the newest frame of each camera; one that made none lately makes one, for as long as `PATIENCE` says."""
    begin = time.monotonic()
    frames = {camera: camera.newest_frame for camera in active()}
    stale = {camera: frame for camera, frame in frames.items() if frame is None or begin - frame.made > OLD}

    def all_came() -> bool:
        waited = time.monotonic() - begin
        frames.update({camera: frame for camera in stale if (frame := camera.newest_frame) is not None})
        return waited > PATIENCE or all(
            _is_complete(frames[camera], before, waited) for camera, before in stale.items()
        )

    while active() and not all_came():
        for camera in stale:
            camera.request_frame(wanted=True)  # again, as it may have been deactivated and activated meanwhile
        time.sleep(LOOK)
    for camera in stale:
        camera.request_frame(wanted=False)
    return frames


def _is_complete(frame: DepthFrame | None, before: DepthFrame | None, waited: float) -> bool:
    """Whether a frame came, and its calibration or the time in which that should have come."""
    return frame is not None and frame is not before and (frame.picture.intrinsics is not None or waited > CALIBRATION)


def _save(camera: str, frame: DepthFrame | None, now: RosTime) -> tuple[bool, str]:
    """Save the frame of one camera; returns whether that went well, and a sentence."""
    named = f"{camera}: " if camera else ""
    if frame is None:
        return False, named + NO_FRAME
    try:
        folder = save_snapshot(frame, snapshot_folder(frame.settings.snapshot_dir), CameraInfo, camera=camera)
    except ConfigError as error:
        return False, named + str(error)
    stamp = frame.header.stamp
    age = now.nanoseconds * 1e-9 - (stamp.sec + stamp.nanosec * 1e-9)
    remarks = [NO_METRES] * (frame.scale is None) + [f"its frame is {age:.0f} s old"] * (age > OLD and stamp.sec > 0)
    return True, f"{named}saved {folder}" + (f" ({'; '.join(remarks)})" if remarks else "")
