"""Potted plants: a pot, stems and many leaves [m, rad]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import textures
from forms import Leaves, Place
from room import Builder

POT_HEIGHT, POT_RADIUS = (0.2, 0.38), (0.3, 0.6)
"""Shares of the plant's height and of its reach."""
HIGHEST_POT = 0.45
GREENS = (2, 6)
"""Of one plant, the upper end excluded."""
ODD = 0.12
"""Chance that a leaf's colour is any, not a green."""


def add_plant(builder: Builder, foot: np.ndarray, height: float, reach: float) -> None:
    """A plant in its pot; ``foot`` is the middle of its base (3,), ``reach`` about how far leaves go sideways."""
    place = Place(builder.s, foot, builder.u(0, 2 * np.pi))
    pot = min(HIGHEST_POT, height * builder.u(*POT_HEIGHT))
    _pot(builder, place, pot, reach * builder.u(*POT_RADIUS))
    grow = builder.choice(GROWN)
    grow(builder, place, pot, height - pot, reach)


def _pot(builder: Builder, place: Place, height: float, radius: float) -> None:
    """A round or square pot, filled with earth."""
    surface, earth = builder.plain(), builder.s.mat(textures.hsv(0.07, builder.u(0.2, 0.6), builder.u(0.06, 0.3)))
    base = radius * builder.u(0.6, 1.0)
    if builder.chance(0.25):
        place.box((0, height / 2, 0), (2 * base, height, 2 * base), surface)
        place.box((0, height, 0), (1.8 * base, 0.006, 1.8 * base), earth)
        return
    place.skin([(0, 0, 0), (0, height, 0)], [base, radius], surface, bulge=0)
    if builder.chance(0.5):
        rim = height * builder.u(0.78, 0.92)
        place.skin([(0, rim, 0), (0, height, 0)], [radius * 1.06, radius * 1.1], surface, bulge=0)
    place.skin([(0, height - 0.002, 0), (0, height + 0.004, 0)], [radius * 0.88, radius * 0.86], earth, bulge=0)


def _greens(builder: Builder, count: int) -> np.ndarray:
    """Materials of so many leaves (N,)."""
    hue, strength, light = builder.u(0.18, 0.4), builder.u(0.25, 0.85), builder.u(0.12, 0.65)
    shades = []
    for _ in range(builder.rng.integers(*GREENS)):
        off = builder.rng.normal(size=3) * (0.025, 0.08, 0.08)
        colour = (
            builder.colour() if builder.chance(ODD) else textures.hsv(hue + off[0], strength + off[1], light + off[2])
        )
        shades.append(builder.s.mat(colour, spec=builder.u(0, 0.06), rough=builder.u(0.1, 0.4)))
    return builder.rng.choice(shades, count)


def _around(builder: Builder, count: int, low: float, high: float) -> np.ndarray:
    """Directions (N, 3) all around, between two elevations."""
    turns = np.arange(count) * 2.4 + builder.rng.normal(size=count) * 0.4
    return _towards(turns, builder.rng.uniform(low, high, count))


def _towards(turns: np.ndarray, elevations: np.ndarray) -> np.ndarray:
    flat = np.cos(elevations)
    return np.stack([flat * np.sin(turns), np.sin(elevations), flat * np.cos(turns)], -1)


def _leaves(
    builder: Builder,
    place: Place,
    bases: np.ndarray,
    directions: np.ndarray,
    length: float,
    shape: tuple[float, float],
) -> None:
    """Leaves of about such a length; the shape is the width as share of it, and where it is widest."""
    count = len(bases)
    lengths = length * builder.rng.uniform(0.6, 1.2, count)
    widths = lengths * shape[0] * builder.rng.uniform(0.85, 1.15, count)
    droop, fold = builder.u(0, 0.5), builder.u(-0.1, 0.5)
    leaves = Leaves(bases, directions, lengths, widths, droop, fold, shape[1])
    place.leaves(leaves, _greens(builder, count))


def _bark(builder: Builder) -> int:
    hue = builder.u(0.05, 0.3)
    return builder.s.mat(textures.hsv(hue, builder.u(0.2, 0.6), builder.u(0.15, 0.5)))


def _bush(builder: Builder, place: Place, pot: float, height: float, reach: float) -> None:
    """Bent stems out of the earth, with leaves all along."""
    rng, bark = builder.rng, _bark(builder)
    stems, length = int(rng.integers(6, 18)), builder.u(0.2, 0.45) * max(reach, 0.4 * height)
    each, shape = int(rng.integers(10, 30)), (builder.u(0.25, 0.85), builder.u(0.35, 0.55))
    out = _around(builder, stems, 0.2, 1.4)
    bases, directions = [], []
    for one in out:
        scale = np.array([reach, height, reach]) * builder.u(0.6, 0.95)
        share = np.linspace(0.02, 1, 6)[:, None]
        line = np.array([0, pot, 0]) + one * scale * np.concatenate([share, share**0.8, share], 1)
        place.skin(line, np.linspace(0.008, 0.003, 6) * (0.5 + height), bark)
        at = rng.uniform(0.2, 1, each)
        bases.append(np.stack([np.interp(at, share[:, 0], line[:, i]) for i in range(3)], 1))
        directions.append(_around(builder, each, -0.3, 1.1))
    _leaves(builder, place, np.vstack(bases), np.vstack(directions), length, shape)


def _tree(builder: Builder, place: Place, pot: float, height: float, reach: float) -> None:
    """A trunk with a crown of leaves."""
    rng, bark = builder.rng, _bark(builder)
    low = builder.u(0.15, 0.5) * height
    bend = rng.normal(size=2) * reach * 0.1
    top = np.array([bend[0], pot + (low + height) / 2, bend[1]])
    line = np.array([[0, pot - 0.01, 0], [-bend[0], pot + low / 2, bend[1]], top])
    place.skin(line, np.linspace(0.022, 0.01, 3) * (0.4 + 0.6 * height), bark)
    count = int(rng.integers(150, 600))
    out = _around(builder, count, -1.2, 1.4)
    size = np.array([reach, (height - low) / 2, reach]) * 0.85
    bases = top + out * size * rng.uniform(0.25, 1, count)[:, None] ** 0.6
    for tip in bases[: rng.integers(4, 12)]:
        place.skin([line[1] * 0.4 + top * 0.6, tip], [0.008, 0.003], bark)
    turns = np.arctan2(out[:, 0], out[:, 2]) + rng.normal(size=count) * 0.7
    directions = _towards(turns, rng.uniform(-0.6, 0.9, count))
    length = builder.u(0.2, 0.4) * max(reach, 0.3 * height)
    _leaves(builder, place, bases, directions, length, (builder.u(0.3, 0.7), builder.u(0.35, 0.55)))


def _fan(builder: Builder, place: Place, pot: float, height: float, reach: float) -> None:
    """Long, narrow leaves from one head, on a trunk or on the earth."""
    rng = builder.rng
    trunk = height * builder.u(0.3, 0.6) if builder.chance(0.5) else 0.0
    if trunk:
        line = [(0, pot - 0.01, 0), (rng.normal() * 0.02, pot + trunk / 2, 0), (0, pot + trunk, 0)]
        place.skin(line, np.array([0.03, 0.025, 0.02]) * (0.4 + 0.6 * height), _bark(builder))
    count = int(rng.integers(14, 60))
    heads = np.array([0, pot + trunk, 0]) + rng.normal(size=(count, 3)) * (0.02, 0.01, 0.02)
    length = min(1.2 * reach, 1.1 * (height - trunk))
    shape = (builder.u(0.06, 0.2), builder.u(0.3, 0.5))
    _leaves(builder, place, heads, _around(builder, count, 0.0, 1.35), length, shape)


def _upright(builder: Builder, place: Place, pot: float, height: float, reach: float) -> None:
    """Stiff blades that stand in the earth."""
    rng = builder.rng
    count = int(rng.integers(6, 22))
    bases = rng.uniform(-0.35, 0.35, (count, 3)) * reach * (1, 0, 1) + np.array([0, pot - 0.005, 0])
    shape = (builder.u(0.1, 0.2), builder.u(0.35, 0.6))
    _leaves(builder, place, bases, _around(builder, count, 1.1, 1.45), height * 0.85, shape)


def _large(builder: Builder, place: Place, pot: float, height: float, reach: float) -> None:
    """Long stalks, each with one large leaf."""
    rng, bark = builder.rng, _bark(builder)
    count = int(rng.integers(7, 26))
    out = _around(builder, count, 0.3, 1.45)
    size = np.array([reach * 0.8, height * 0.85, reach * 0.8]) * rng.uniform(0.55, 1, count)[:, None]
    tips = np.array([0, pot, 0]) + out * size
    for tip in tips:
        middle = np.array([tip[0] * 0.3, (tip[1] + pot) / 2 + 0.1 * height, tip[2] * 0.3])
        place.skin([(0, pot - 0.005, 0), middle, tip], np.full(3, 0.004 + 0.003 * height), bark)
    turns = np.arctan2(out[:, 0], out[:, 2])
    directions = _towards(turns, rng.uniform(-0.8, 0.4, count))
    length = builder.u(0.35, 0.6) * max(reach, 0.4 * height)
    _leaves(builder, place, tips, directions, length, (builder.u(0.5, 0.95), builder.u(0.3, 0.5)))


GROWN: tuple[Callable[[Builder, Place, float, float, float], None], ...] = (
    _bush,
    _bush,
    _tree,
    _tree,
    _fan,
    _upright,
    _large,
)
"""What grows out of a pot of such a height, that high above it and so far sideways."""
