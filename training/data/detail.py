"""Patches of fine patterns on a picture: posters, tiles, lines of text, clutter.

Rendered surfaces are plain, and what is finely structured in rendered rooms is far away; real ones are fine everywhere.
A model that sees rendered rooms alone takes fine structure for distance.
"""

from __future__ import annotations

import cv2
import numpy as np

MOST_PATCHES = 4
SIDE = (0.08, 0.6)  # of a patch over that of the picture
STRENGTH = (0.25, 1.0)
CORNER_SHIFT = 0.3  # of a patch's side, inwards or outwards
SKEWED_SHARE = 0.7
OPAQUE_SHARE = 0.4  # the others are multiplied with what they lie on
GRAIN_PX = (1.0, 7.0)
GRAIN_SPREAD = (15.0, 70.0)
TILE_PX = (3.0, 20.0)
LINE_PX = (3, 12)
REDUCTION = (1.5, 5.0)
MIDDLE = 128.0

Shape = tuple[int, int]


def add_detail(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uint8 (H, W, 3) RGB with one to `MOST_PATCHES` patches of a pattern each; depth has no part in where they lie."""
    result, (height, width) = rgb.copy(), rgb.shape[:2]
    for _ in range(rng.integers(1, MOST_PATCHES, endpoint=True)):
        h, w = (max(2, int(side * rng.uniform(*SIDE))) for side in (height, width))
        top, left = rng.integers(height - h), rng.integers(width - w)
        patch = result[top : top + h, left : left + w]
        pattern = PATTERNS[rng.integers(len(PATTERNS))](rgb, (h, w), rng)
        patch[:] = laid(patch, pattern, _mask((h, w), rng), rng)
    return result


def laid(rgb: np.ndarray, pattern: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uint8 (h, w, 3): a pattern on the picture where the mask (h, w) is not 0, more or less strongly."""
    old = rgb.astype(np.float32)
    new = pattern if rng.random() < OPAQUE_SHARE else old * pattern / np.float32(MIDDLE)
    strength = np.float32(rng.uniform(*STRENGTH)) * mask[..., None]
    return np.clip(old + strength * (new - old), 0, 255).astype(np.uint8)


def _mask(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """(h, w) float32, 1 where a pattern is seen: a rectangle, or a quadrangle as of something seen askew."""
    h, w = shape
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    if rng.random() < SKEWED_SHARE:
        corners += rng.uniform(-CORNER_SHIFT, CORNER_SHIFT, (4, 2))
    mask = np.zeros((h, w), np.float32)
    outline = np.rint(corners * [w, h]).astype(np.int32)
    cv2.fillConvexPoly(mask, outline, 1.0)
    return mask


def _grains(rgb: np.ndarray, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Grey or coloured grains."""
    del rgb
    (h, w), size, channels = shape, rng.uniform(*GRAIN_PX), 3 if rng.random() < 0.3 else 1
    coarse = rng.normal(MIDDLE, rng.uniform(*GRAIN_SPREAD), (int(h / size) + 2, int(w / size) + 2, channels))
    grains = cv2.resize(coarse.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    return np.broadcast_to(grains.reshape(h, w, channels), (h, w, 3))


def _tiles(rgb: np.ndarray, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Stripes, or tiles with joints, in two colours."""
    del rgb
    y, x = np.indices(shape, dtype=np.float32)
    angle, period, share = rng.uniform(0, np.pi), rng.uniform(*TILE_PX), rng.uniform(0.1, 0.9)
    drawn = (x * np.cos(angle) + y * np.sin(angle)) % period < share * period
    if rng.random() < 0.6:
        other = period * rng.uniform(0.5, 2.0)
        drawn |= (y * np.cos(angle) - x * np.sin(angle)) % other < share * period
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    return np.where(drawn[..., None], first, second)


def _text(rgb: np.ndarray, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Lines of dashes on a brighter page."""
    del rgb
    h, w = shape
    page = np.full((h, w, 3), rng.uniform(120, 255), np.float32)
    distance, ink = int(rng.integers(*LINE_PX)), rng.uniform(0, 130, 3)
    for row in range(1, h - 1, distance):
        words = rng.random(w // 2 + 1).repeat(2)[:w] < rng.uniform(0.3, 0.9)
        page[row : row + max(1, distance // 2), words] = ink
    return page


def _reduced(rgb: np.ndarray, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """The picture itself made small, again and again."""
    factor = 1.0 / rng.uniform(*REDUCTION)
    small = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    times = [have // need + 1 for have, need in zip(shape, small.shape, strict=False)]
    return np.tile(small, (*times, 1))[: shape[0], : shape[1]].astype(np.float32)


PATTERNS = (_grains, _tiles, _text, _reduced)
