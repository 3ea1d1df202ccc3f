"""Draws what came out: picture, depth, and the cloud seen from above and from the side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depthart_ros.inputs.conversions import to_rgb
from depthart_ros.outputs.topics import COLOR, POINTS

Picture = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]

PANEL = (384, 288)  # width and height [px]
MARGIN = 24  # of the views of the cloud [px]
CEILING = -0.6  # y [m] above which the view from above leaves points out: they would hide the room
BACKGROUND, GRID, INK = (24, 24, 24), (64, 64, 64), (235, 235, 235)


@dataclass(frozen=True)
class Plane:
    """A plane to draw points on, in metres of the optical frame.

    Attributes:
        title: for the heading.
        right: axis (0 x, 1 y, 2 z) that points to the right.
        down: axis that runs down the picture.
        down_sign: -1 where that axis runs up instead.
        towards: axis and sign along which points are nearer to the viewer, drawn last.
    """

    title: str
    right: int
    down: int
    down_sign: int
    towards: tuple[int, int]


ABOVE = Plane("cloud from above, 1 m grid", right=0, down=2, down_sign=-1, towards=(1, -1))
SIDE = Plane("cloud from the side, 1 m grid", right=2, down=1, down_sign=1, towards=(0, 1))


def sheet(frames: Sequence[Mapping[str, Any]]) -> Picture:
    """Return one row for each frame: picture | depth | cloud from above | cloud from the side, BGR.

    Args:
        frames: messages by topic: image, COLOR, POINTS.
    """
    titles = ["camera", "depth, 0.3 m (warm) to 10 m (cold)", ABOVE.title, SIDE.title]
    heading = np.hstack([_title(title) for title in titles])
    return np.vstack([heading, *(_row(frame) for frame in frames)])


def _row(frame: Mapping[str, Any]) -> Picture:
    points, colors = cloud_arrays(frame[POINTS])
    low = points[:, 1] > CEILING
    pictures = [
        *(_fit(_bgr(frame[topic])) for topic in ("image", COLOR)),
        draw(points[low], colors[low], ABOVE),
        draw(points, colors, SIDE),
    ]
    return np.hstack(pictures)


def _bgr(image: Any) -> npt.NDArray[Any]:
    return cv2.cvtColor(to_rgb(image, max_pixels=image.width * image.height), cv2.COLOR_RGB2BGR)


def cloud_arrays(cloud: Any) -> tuple[Points, Picture]:
    """Return the finite points of a PointCloud2: (N, 3) metres and (N, 3) uint8 BGR."""
    offsets = {field.name: field.offset for field in cloud.fields}
    raw = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_step)
    floats = [raw[:, offsets[axis] : offsets[axis] + 4].copy().view("<f4") for axis in "xyz"]
    points = np.hstack(floats)
    valid = np.isfinite(points).all(axis=1)
    return points[valid], raw[valid, offsets["rgb"] : offsets["rgb"] + 3]


def draw(points: Points, colors: Picture, plane: Plane) -> Picture:
    """Return points (N, 3) [m] in their BGR colours on a plane, with a one-metre grid; a ring marks the camera."""
    flat = points[:, [plane.right, plane.down]] * (1, plane.down_sign)
    picture = np.full((PANEL[1], PANEL[0], 3), BACKGROUND, np.uint8)
    low, high = _bounds(flat)
    pixels_per_metre = float(np.min((np.array(PANEL) - 2 * MARGIN) / (high - low)))
    origin = np.array(PANEL) / 2 - (low + high) / 2 * pixels_per_metre
    _grid(picture, origin, pixels_per_metre)
    axis, sign = plane.towards
    order = np.argsort(sign * points[:, axis])
    places = np.rint(flat[order] * pixels_per_metre + origin).astype(int)
    inside = ((places > 0) & (places < PANEL)).all(axis=1)
    columns, rows = places[inside].T
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):  # two pixels wide, so that far points still make a surface
        picture[rows - down, columns - right] = colors[order][inside]
    cv2.circle(picture, tuple(np.rint(origin).astype(int).tolist()), 5, INK, 2, cv2.LINE_AA)
    return picture


def _bounds(flat: npt.NDArray[np.floating[Any]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return two corners of what to show: nearly all points, and the camera at (0, 0) with half a metre around it."""
    if not len(flat):
        return np.full(2, -1.0), np.full(2, 1.0)
    low = np.minimum(np.percentile(flat, 1, axis=0), -0.5)
    high = np.maximum(np.percentile(flat, 99, axis=0), 0.5)
    return low, high


def _grid(picture: Picture, origin: npt.NDArray[np.float64], pixels_per_metre: float) -> None:
    """Draw lines one metre apart, counted from the camera."""
    for axis, size in enumerate(PANEL):
        first, last = int(-origin[axis] / pixels_per_metre), int((size - origin[axis]) / pixels_per_metre)
        for metre in range(first, last + 1):
            place = round(origin[axis] + metre * pixels_per_metre)
            if axis == 0:
                cv2.line(picture, (place, 0), (place, PANEL[1]), GRID, 1)
            else:
                cv2.line(picture, (0, place), (PANEL[0], place), GRID, 1)


def _fit(picture: npt.NDArray[Any]) -> Picture:
    """Return a picture scaled into a panel, its aspect kept."""
    height, width = picture.shape[:2]
    factor = min(PANEL[0] / width, PANEL[1] / height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    panel = np.full((PANEL[1], PANEL[0], 3), BACKGROUND, np.uint8)
    x, y = (PANEL[0] - size[0]) // 2, (PANEL[1] - size[1]) // 2
    panel[y : y + size[1], x : x + size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return panel


def _title(text: str) -> Picture:
    bar = np.full((28, PANEL[0], 3), BACKGROUND, np.uint8)
    cv2.putText(bar, text, (8, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return bar
