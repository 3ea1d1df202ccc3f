"""The messages of a frame with its depth, one kind for each output, in memory that is kept between frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from depthart_ros.outputs.colors import colorize, palette
from depthart_ros.outputs.depth_frame import DepthFrame
from depthart_ros.outputs.legend import draw_legend
from depthart_ros.outputs.messages import (
    CloudMessage,
    ImageMessage,
    MessageTypes,
    cloud_message,
    fill_cloud,
    image_message,
    to_millimetres,
    voxel_cloud,
)
from depthart_ros.outputs.topics import CAMERA_INFO, COLOR, CONFIDENCE, DEPTH, POINTS, RELATIVE


class MessageBuilder:
    """Makes the messages of a frame; the memory of the next one of the same size is used again.

    Args:
        types: the classes of the messages.

    Attributes:
        memory: messages by topic.
    """

    def __init__(self, types: MessageTypes) -> None:
        self._types = types
        self._makers: dict[str, Callable[[DepthFrame], Any]] = {
            CAMERA_INFO: self._camera_info,  # before the depth that it belongs to
            RELATIVE: self._relative,
            CONFIDENCE: self._confidence,
            DEPTH: self._depth,
            COLOR: self._color,
            POINTS: self._points,
        }
        self.memory: dict[str, Any] = {}

    def messages(self, frame: DepthFrame, wanted: frozenset[str]) -> Iterator[tuple[str, Any]]:
        """Make topic and message of every wanted output, all of them possible; each is valid until the next frame."""
        for topic, make in self._makers.items():
            if topic in wanted:
                message = make(frame)
                message.header = frame.header
                yield topic, message

    def _relative(self, frame: DepthFrame) -> Any:
        return self._values(RELATIVE, frame.relative.values)

    def _depth(self, frame: DepthFrame) -> Any:
        if frame.settings.depth_encoding == "32FC1":
            return self._values(DEPTH, frame.depth)
        image = self._image(DEPTH, frame.depth.shape, "16UC1")
        np.copyto(image.pixels, to_millimetres(frame.depth))
        return image.message

    def _confidence(self, frame: DepthFrame) -> Any:
        assert frame.relative.confidence is not None
        return self._values(CONFIDENCE, frame.relative.confidence)

    def _camera_info(self, frame: DepthFrame) -> Any:
        return frame.fill_camera_info(self._types.camera_info())

    def _color(self, frame: DepthFrame) -> Any:
        settings = frame.settings
        if frame.scale is None:
            depth, limits, unit = frame.filtered, (settings.color_relative_min, settings.color_relative_max), ""
        else:
            depth, limits, unit = frame.depth, (settings.color_min, settings.color_max), "m"
        image = self._image(COLOR, depth.shape, "rgb8")
        colorize(depth, limits, palette(settings.color_map), out=image.pixels)
        if settings.color_legend:
            height, width = depth.shape
            legend = _legend((height, width), limits, settings.color_map, unit)
            if legend is not None:
                image.pixels[:, -legend.shape[1] :] = legend
        return image.message

    def _points(self, frame: DepthFrame) -> Any:
        intrinsics, settings, rgb = frame.picture.intrinsics, frame.settings, frame.picture.rgb
        assert intrinsics is not None
        depth, stride, color = frame.points_depth, settings.points_stride, settings.points_color
        if settings.points_voxel_size:
            size = settings.points_voxel_size
            colors = rgb if color else None
            return voxel_cloud(self._types, depth, colors, intrinsics=intrinsics, stride=stride, size=size)
        height, width = (-(-side // stride) for side in depth.shape)
        cloud = self.memory.get(POINTS)
        if not isinstance(cloud, CloudMessage) or cloud.points.shape != (height, width, 4 if color else 3):
            cloud = self.memory[POINTS] = cloud_message(self._types, height, width, color=color)
        fill_cloud(cloud, depth, rgb, intrinsics=intrinsics, stride=stride)
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


@lru_cache(maxsize=8)
def _legend(
    shape: tuple[int, int], limits: tuple[float, float], color_map: str, unit: str
) -> npt.NDArray[np.uint8] | None:
    """See `draw_legend`; it changes as seldom as the parameters."""
    return draw_legend(shape, limits, palette(color_map), unit=unit)
