"""An image and when it came."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from depthart_ros.parameters.settings import Settings

if TYPE_CHECKING:
    from sensor_msgs.msg import CompressedImage, Image


@dataclass(frozen=True)
class Arrival:
    """An image and when it came.

    Attributes:
        image: the message.
        moment: of its arrival, by `time.monotonic`.
        age: seconds from its stamp to its arrival, None where that is unknown.
    """

    image: Image | CompressedImage
    moment: float
    age: float | None = None

    def deadline(self, settings: Settings) -> float | None:
        """Return when its outputs should be published; where all frames queue up, counted from its turn, which is now.

        Args:
            settings: that hold for it.
        """
        if not settings.deadline_ms:
            return None
        start = time.monotonic() if settings.process_all else self.moment
        return start + settings.deadline_ms * 1e-3
