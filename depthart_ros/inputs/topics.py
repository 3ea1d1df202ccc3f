"""The topics of cameras: of which types they are, and which belong together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

IMAGE_TYPE, COMPRESSED_TYPE, CAMERA_INFO_TYPE = (
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo")
)
PICTURE_TYPES = (IMAGE_TYPE, COMPRESSED_TYPE)
COMPRESSED_SUFFIX = "/compressed"
"""End of the names of topics with compressed images, as image_transport has it."""


@dataclass(frozen=True)
class InputTopic:
    """A topic that the node listens to, and who publishes there.

    Attributes:
        name: resolved.
        type: of the messages that can be heard.
        publishers: how many send those.
        other_types: the types of the other publishers, which cannot be heard.
        reliability: of our subscription; "" without one.
    """

    name: str = ""
    type: str = ""
    publishers: int = 0
    other_types: tuple[str, ...] = ()
    reliability: str = ""


def camera_infos_beside(image: str) -> list[str]:
    """Return where drivers publish the camera_info of an image, the nearest first: beside it, or one level up.

    A compressed image stands one level below the raw one.
    """
    farthest = 3 if image.endswith(COMPRESSED_SUFFIX) else 2
    return [f"{image.rsplit('/', levels)[0]}/camera_info" for levels in range(1, farthest + 1)]


def sounds_raw(image: str) -> bool:
    """Whether the name of a topic says that its pictures are not rectified: drivers call them image_raw."""
    return "raw" in image.removesuffix(COMPRESSED_SUFFIX).rpartition("/")[2]


def without_doubles(images: Collection[str]) -> list[str]:
    """Leave compressed topics out where the same pictures are there raw."""
    raw = {image for image in images if not image.endswith(COMPRESSED_SUFFIX)}
    return [image for image in images if image in raw or image.removesuffix(COMPRESSED_SUFFIX) not in raw]
