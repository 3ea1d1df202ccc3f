"""The camera_infos of one camera, found again by the stamp of an image."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from sensor_msgs.msg import CameraInfo

KEPT = 8
KEPT_OF_ALL = 4096  # where images queue up, their camera_infos come long before them


class CameraInfoBuffer:
    """The newest camera_infos; one thread adds while another looks.

    Args:
        keep_all: whether images may wait for long.
    """

    def __init__(self, *, keep_all: bool = False) -> None:
        self._kept = KEPT_OF_ALL if keep_all else KEPT
        self._lock = threading.Lock()
        self._infos: OrderedDict[tuple[int, int], CameraInfo] = OrderedDict()

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._infos)

    def add(self, info: CameraInfo) -> None:
        """Keep a camera_info, and forget the oldest one where there are too many."""
        stamp = (info.header.stamp.sec, info.header.stamp.nanosec)
        with self._lock:
            self._infos[stamp] = info
            self._infos.move_to_end(stamp)
            while len(self._infos) > self._kept:
                self._infos.popitem(last=False)

    def of(self, stamp: Time) -> CameraInfo | None:
        """Return the one with the stamp of an image (a zoom lens changes it), else the latest, else None."""
        with self._lock:
            same = self._infos.get((stamp.sec, stamp.nanosec))
            return same or (next(reversed(self._infos.values())) if self._infos else None)
