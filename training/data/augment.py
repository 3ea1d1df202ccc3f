"""Random views and random cameras: the augmentation of the training samples.

The view (turn about the optical axis, crop, flip) moves image, depth and intrinsics together; patterns on surfaces (see
``surfaces``) are laid by depth; the appearance (see ``appearance``) touches the colours alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.appearance import change_appearance
from training.data.sample import Sample
from training.data.surfaces import cover_surfaces

SURFACE_SHARE = 0.5
FLIP_SHARE = 0.5
TURN_LIMIT_DEG = 60.0
CROP_SHARE = 0.8
ASPECT_JITTER = 0.12


@dataclass(frozen=True)
class Views:
    """How far views go. What is turned or cropped is also magnified, which what a robot shows is not.

    Attributes:
        smallest_crop: Of the side of the picture, 0 to 1; most pictures are cropped to between this and all.
        turn_share: Of pictures that are turned about the optical axis, by up to `TURN_LIMIT_DEG`.
    """

    smallest_crop: float = 0.6
    turn_share: float = 0.5


USUAL_VIEWS = Views()


@dataclass(frozen=True)
class View:
    """A camera at the same place: what it sees, and how its axes lie in those of the old one.

    Attributes:
        intrinsics: of the new camera.
        turn: (2, 2) orthogonal; new lateral axes = turn @ old ones (a flip has determinant -1).
    """

    intrinsics: Intrinsics
    turn: np.ndarray


def augment(sample: Sample, rng: np.random.Generator, views: Views = USUAL_VIEWS) -> Sample:
    """A random view of the sample through a random camera, at the same size.

    Same ``sample``, ``views`` and state of ``rng``: same result.
    """
    seen = render_view(sample, random_view(sample.intrinsics, rng, views))
    rgb = cover_surfaces(seen, rng) if rng.random() < SURFACE_SHARE else seen.rgb
    rgb = change_appearance(rgb, rng)
    return Sample(seen.name, rgb, seen.depth, seen.intrinsics, seen.meta)


def random_view(camera: Intrinsics, rng: np.random.Generator, views: Views = USUAL_VIEWS) -> View:
    """Turn about the optical axis, crop and flip at random, without looking past the old image."""
    angle_deg = 0.0
    if rng.random() < views.turn_share:
        angle_deg = rng.uniform(-TURN_LIMIT_DEG, TURN_LIMIT_DEG)
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turn = np.array([[cos, -sin], [sin, cos]])
    if rng.random() < FLIP_SHARE:
        turn = np.diag([-1.0, 1.0]) @ turn
    crop = np.ones(2)
    if rng.random() < CROP_SHARE:
        jitter = np.exp(rng.uniform(-ASPECT_JITTER, ASPECT_JITTER) * np.array([0.5, -0.5]))
        crop = np.minimum(rng.uniform(views.smallest_crop, 1.0) * jitter, 1.0)
    return _place(camera, turn, crop, rng.uniform(-1, 1, 2))


def _place(camera: Intrinsics, turn: np.ndarray, crop: np.ndarray, shift: np.ndarray) -> View:
    """Put a window of the relative size ``crop`` into the old image.

    Args:
        camera: the old camera.
        turn: (2, 2), see ``View``.
        crop: width and height of the window over those of the old image.
        shift: x and y in [-1, 1]: where in the room that is left the window lies.
    """
    size = np.array([camera.width, camera.height], np.float64)
    focal = np.array([camera.fx, camera.fy])
    # New pixels = linear @ old pixels + offset, with the window's own focal lengths.
    linear = np.diag(focal / crop) @ turn @ np.diag(1 / focal)
    reach = np.abs(np.linalg.inv(linear)) @ (size / 2)  # half extent of the window in the old image
    shrink = min(1.0, float(np.min(size / 2 / reach)))
    linear, crop, reach = linear / shrink, crop * shrink, reach * shrink
    centre = (size - 1) / 2 + shift * (size / 2 - reach)
    principal = linear @ (np.array([camera.cx, camera.cy]) - centre) + (size - 1) / 2
    intrinsics = Intrinsics(camera.width, camera.height, *(float(v) for v in (*(focal / crop), *principal)))
    return View(intrinsics, turn)


def pixel_map(old: Intrinsics, view: View) -> np.ndarray:
    """(2, 3) affine matrix from pixels (x, y, 1) of the old image to pixels of the view."""
    linear = np.diag([view.intrinsics.fx, view.intrinsics.fy]) @ view.turn @ np.diag([1 / old.fx, 1 / old.fy])
    offset = np.array([view.intrinsics.cx, view.intrinsics.cy]) - linear @ np.array([old.cx, old.cy])
    return np.hstack([linear, offset[:, None]])


def render_view(sample: Sample, view: View) -> Sample:
    """Image, depth and intrinsics as the camera of ``view`` has them.

    The optical axis stays, so depth values do; each pixel takes that of the nearest old one.
    """
    matrix = pixel_map(sample.intrinsics, view)
    size = (view.intrinsics.width, view.intrinsics.height)
    rgb = cv2.warpAffine(sample.rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    depth = cv2.warpAffine(sample.depth, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return Sample(sample.name, rgb, depth, view.intrinsics, sample.meta)
