"""The messages of a view, one kind for each output, in memory that is kept between frames. Imports no ROS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from depthart_ros.colors import colorize, palette
from depthart_ros.messages import CloudMessage, ImageMessage, MessageTypes, cloud_message, fill_cloud, image_message
from depthart_ros.topics import CAMERA_INFO, COLOR, CONFIDENCE, DEPTH, POINTS, RELATIVE
from depthart_ros.view import View


class Outgoing:
    """Makes the messages of a view; the memory of the next one of the same size is used again.

    Args:
        types: the classes of the messages.

    Attributes:
        memory: messages by topic.
    """

    def __init__(self, types: MessageTypes) -> None:
        self._types = types
        self._makers: dict[str, Callable[[View], Any]] = {
            RELATIVE: self._relative,
            CONFIDENCE: self._confidence,
            CAMERA_INFO: self._camera_info,  # before the depth that it belongs to
            DEPTH: self._depth,
            COLOR: self._color,
            POINTS: self._points,
        }
        self.memory: dict[str, Any] = {}

    def messages(self, view: View, wanted: frozenset[str]) -> Iterator[tuple[str, Any]]:
        """Make topic and message of every wanted output, all of them possible; each is valid until the next view."""
        for topic, make in self._makers.items():
            if topic in wanted:
                message = make(view)
                message.header = view.header
                yield topic, message

    def _relative(self, view: View) -> Any:
        return self._values(RELATIVE, view.relative.values)

    def _depth(self, view: View) -> Any:
        return self._values(DEPTH, view.depth)

    def _confidence(self, view: View) -> Any:
        assert view.relative.confidence is not None
        return self._values(CONFIDENCE, view.relative.confidence)

    def _camera_info(self, view: View) -> Any:
        return view.fill_camera_info(self._types.camera_info())

    def _color(self, view: View) -> Any:
        settings = view.settings
        if view.scale is None:
            depth, limits = view.relative.values, (settings.color_relative_min, settings.color_relative_max)
        else:
            depth, limits = view.depth, (settings.color_min, settings.color_max)
        image = self._image(COLOR, depth.shape, "rgb8")
        colorize(depth, limits, palette(settings.color_map), out=image.pixels)
        return image.message

    def _points(self, view: View) -> Any:
        assert view.sight.intrinsics is not None
        stride = view.settings.points_stride
        height, width = (-(-side // stride) for side in view.depth.shape)
        cloud = self.memory.get(POINTS)
        if not isinstance(cloud, CloudMessage) or cloud.points.shape[:2] != (height, width):
            cloud = self.memory[POINTS] = cloud_message(self._types, height, width)
        fill_cloud(cloud, view.depth, view.sight.rgb, intrinsics=view.sight.intrinsics, stride=stride)
        return cloud.message

    def _values(self, topic: str, values: npt.NDArray[np.float32]) -> Any:
        image = self._image(topic, values.shape, "32FC1")
        np.copyto(image.pixels, values)
        return image.message

    def _image(self, topic: str, shape: tuple[int, ...], encoding: str) -> ImageMessage:
        """Return the memory of a topic: that of the frame before if it was of this kind."""
        image = self.memory.get(topic)
        if isinstance(image, ImageMessage) and (image.pixels.shape[:2], image.message.encoding) == (shape, encoding):
            return image
        height, width = shape
        made = self.memory[topic] = image_message(self._types, height, width, encoding)
        return made
