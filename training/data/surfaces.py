"""Patterns on the surfaces of a scene, as a printer or a tiler would have put them there, in perspective by true depth.

Where `detail` breaks up the picture, this gives flat surfaces a texture that grows finer with distance, which real ones
have and rendered ones mostly lack.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from depthart_core.geometry import point_cloud
from training.data.detail import PATTERNS, laid
from training.data.sample import Sample

MOST_SURFACES = 3
NEIGHBOUR_PX = 4  # of the point where a surface is looked for: the points that it is first fitted to
LEAST_FITTED, MOST_FITTED = 20, 1000
THICKNESS = 0.012  # of a surface, over its distance
TEXTURE_SIDE = 256
MOST_BLUR = 12.0  # of a texture [px of it], where a surface is far
REPEAT_M = (0.15, 2.5)  # how much of a surface the texture covers before it comes again, mirrored
SHEET_SHARE = 0.5  # of patterns that end as a sheet of paper does; the others cover the whole surface
SHEET_M = (0.1, 1.0)


@dataclass(frozen=True)
class Surface:
    """A plane in a picture.

    Attributes:
        on: (H, W) bool: the pixels that lie on it.
        places: (H, W, 2) float32 [m]: where on it, from a point of its own; arbitrary off it.
    """

    on: np.ndarray
    places: np.ndarray


def cover_surfaces(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """Uint8 (H, W, 3): the picture with patterns on up to `MOST_SURFACES` of its flat surfaces."""
    rgb, points = sample.rgb, point_cloud(sample.depth, sample.intrinsics)
    for _ in range(rng.integers(1, MOST_SURFACES, endpoint=True)):
        surface = find_surface(points, rng)
        if surface is not None:
            rgb = _covered(rgb, surface, rng)
    return rgb


def find_surface(points: np.ndarray, rng: np.random.Generator) -> Surface | None:
    """The plane through a random one of the (H, W, 3) points [m] and its neighbours; None where there is none."""
    height, width = points.shape[:2]
    if min(height, width) <= 2 * NEIGHBOUR_PX:
        return None
    row, column = (rng.integers(NEIGHBOUR_PX, side - NEIGHBOUR_PX) for side in (height, width))
    near = points[row - NEIGHBOUR_PX : row + NEIGHBOUR_PX + 1, column - NEIGHBOUR_PX : column + NEIGHBOUR_PX + 1]
    near = near.reshape(-1, 3)
    for thickness in (3 * THICKNESS, THICKNESS):
        plane = _fitted(near)
        if plane is None:
            return None
        relative = cv2.transform(points, plane)
        on = np.abs(relative[..., 0]) < np.float32(thickness) * points[..., 2]
        near = points[on][:: max(1, int(on.sum()) // MOST_FITTED)]
    return Surface(on, np.where(on[..., None], relative[..., 1:], 0)) if on.any() else None


def _fitted(points: np.ndarray) -> np.ndarray | None:
    """(3, 4) from a point [m] to its height above the plane that fits the points (N, 3), and where on it; or None."""
    if len(points) < LEAST_FITTED or not np.isfinite(points).all():
        return None
    centre = points.mean(0)
    axes = np.linalg.svd(points - centre, full_matrices=False)[2][::-1]
    return np.hstack([axes, -axes @ centre[:, None]])


def _covered(rgb: np.ndarray, surface: Surface, rng: np.random.Generator) -> np.ndarray:
    """The picture with one pattern on the surface, or on a sheet that lies on it."""
    repeat, angle = np.exp(rng.uniform(*np.log(REPEAT_M))), rng.uniform(0, 2 * np.pi)
    texture = PATTERNS[rng.integers(len(PATTERNS))](rgb, (TEXTURE_SIDE, TEXTURE_SIDE), rng)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    texels = cv2.transform(surface.places, turn * TEXTURE_SIDE / repeat)
    mirrored = np.abs((texels + TEXTURE_SIDE) % (2 * TEXTURE_SIDE) - TEXTURE_SIDE)
    soft = _softened(texture, texels, surface.on)
    pattern = cv2.remap(soft, mirrored, None, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    seen = surface.on
    if rng.random() < SHEET_SHARE:
        middle = rng.choice(surface.places[surface.on])
        seen = seen & (np.abs(surface.places - middle) < rng.uniform(*SHEET_M, 2) / 2).all(-1)
    return laid(rgb, pattern, seen, rng)


def _softened(texture: np.ndarray, texels: np.ndarray, on: np.ndarray) -> np.ndarray:
    """The texture without what is finer than half of the surface's pixels, which would flicker."""
    spread = 0.0
    for axis, inside in ((0, on[1:] & on[:-1]), (1, on[:, 1:] & on[:, :-1])):
        if inside.any():
            steps = np.linalg.norm(np.diff(texels, axis=axis)[inside], axis=-1)
            spread = max(spread, float(np.median(steps)) / 2)
    return cv2.GaussianBlur(texture, (0, 0), min(spread, MOST_BLUR)) if spread > 0.5 else texture
