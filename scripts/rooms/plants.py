"""Potted plants: a pot, stems and many leaves [m, rad]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import textures
from forms import Leaves, Place
from room import Builder
from scene import Scene

POT_HEIGHT, POT_RADIUS = (0.2, 0.38), (0.3, 0.6)
"""Shares of the plant's height and of its reach."""
HIGHEST_POT = 0.45
GREENS = (2, 6)
"""Of one plant, the upper end excluded."""
ODD = 0.12
"""Chance that a leaf's colour is any, not a green."""
LYING = 0.002
"""Height of leaves that lie on the floor."""


@dataclass(frozen=True)
class Pot:
    """A pot's height, and the radius of the earth in it."""

    height: float
    radius: float


@dataclass(frozen=True)
class Shape:
    """Of leaves.

    Attributes:
        length: About that of all.
        width: As share of the length.
        widest: Share of the length where they are widest.
    """

    length: float
    width: float
    widest: float


def add_plant(builder: Builder, foot: np.ndarray, height: float, reach: float) -> None:
    """A plant in its pot; ``foot`` is the middle of its base (3,), no leaf is higher or goes farther sideways."""
    place = Place(builder.s, foot, builder.u(0, 2 * np.pi))
    high = min(HIGHEST_POT, height * builder.u(*POT_HEIGHT))
    pot = Pot(high, _pot(builder, place, high, reach * builder.u(*POT_RADIUS)))
    grow, grown = builder.choice(GROWN), Scene()
    grow(builder, Place(grown, np.zeros(3), 0.0), pot, height - high, reach)
    _squeeze(grown, high, height, reach)
    for vertices, faces, uv, surfaces in grown.parts[0]:
        builder.s.add(place.at(vertices), faces, uv, surfaces)


def _squeeze(grown: Scene, low: float, height: float, reach: float) -> None:
    """Make what grows out of a pot so high as narrow and as low as it has to be."""
    every = np.concatenate([part[0] for part in grown.parts[0]])
    aside = min(1.0, reach / np.hypot(every[:, 0], every[:, 2]).max())
    up = min(1.0, (height - low) / (every[:, 1].max() - low))
    for vertices, *_ in grown.parts[0]:
        vertices *= aside, up, aside
        vertices[:, 1] = np.maximum(vertices[:, 1] + low * (1 - up), LYING)


def _pot(builder: Builder, place: Place, height: float, radius: float) -> float:
    """A round or square pot, filled with earth; the radius of that."""
    surface, earth = builder.plain(), builder.s.mat(textures.hsv(0.07, builder.u(0.2, 0.6), builder.u(0.06, 0.3)))
    base = radius * builder.u(0.6, 1.0)
    if builder.chance(0.25):
        place.box((0, height / 2, 0), (2 * base, height, 2 * base), surface)
        place.box((0, height, 0), (1.8 * base, 0.006, 1.8 * base), earth)
        return 0.9 * base
    place.skin([(0, 0, 0), (0, height, 0)], [base, radius], surface, bulge=0)
    if builder.chance(0.5):
        rim = height * builder.u(0.78, 0.92)
        place.skin([(0, rim, 0), (0, height, 0)], [radius * 1.06, radius * 1.1], surface, bulge=0)
    place.skin([(0, height - 0.002, 0), (0, height + 0.004, 0)], [radius * 0.88, radius * 0.86], earth, bulge=0)
    return radius * 0.86


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


def _leaves(builder: Builder, place: Place, bases: np.ndarray, directions: np.ndarray, shape: Shape) -> None:
    """Leaves from such bases (N, 3) in such directions (N, 3)."""
    count = len(bases)
    lengths = shape.length * builder.rng.uniform(0.6, 1.2, count)
    widths = lengths * shape.width * builder.rng.uniform(0.85, 1.15, count)
    droop, fold = builder.u(0, 0.5), builder.u(-0.1, 0.5)
    leaves = Leaves(bases, directions, lengths, widths, droop, fold, shape.widest)
    place.leaves(leaves, _greens(builder, count))


def _bark(builder: Builder) -> int:
    hue = builder.u(0.05, 0.3)
    return builder.s.mat(textures.hsv(hue, builder.u(0.2, 0.6), builder.u(0.15, 0.5)))


def _bush(builder: Builder, place: Place, pot: Pot, height: float, reach: float) -> None:
    """Bent stems out of the earth, with leaves all along."""
    rng, bark = builder.rng, _bark(builder)
    stems, length = int(rng.integers(6, 18)), builder.u(0.2, 0.45) * max(reach, 0.4 * height)
    each, shape = int(rng.integers(10, 30)), Shape(length, builder.u(0.25, 0.85), builder.u(0.35, 0.55))
    out = _around(builder, stems, 0.2, 1.4)
    bases, directions = [], []
    for one in out:
        scale = np.array([reach, height, reach]) * builder.u(0.6, 0.95)
        share = np.linspace(0.02, 1, 6)[:, None]
        line = np.array([0, pot.height, 0]) + one * scale * np.concatenate([share, share**0.8, share], 1)
        place.skin(line, np.linspace(0.008, 0.003, 6) * (0.5 + height), bark)
        at = rng.uniform(0.2, 1, each)
        bases.append(np.stack([np.interp(at, share[:, 0], line[:, i]) for i in range(3)], 1))
        directions.append(_around(builder, each, -0.3, 1.1))
    _leaves(builder, place, np.vstack(bases), np.vstack(directions), shape)


def _tree(builder: Builder, place: Place, pot: Pot, height: float, reach: float) -> None:
    """A trunk with a crown of leaves."""
    rng, bark = builder.rng, _bark(builder)
    low = builder.u(0.15, 0.5) * height
    bend = rng.normal(size=2) * reach * 0.1
    top = np.array([bend[0], pot.height + (low + height) / 2, bend[1]])
    line = np.array([[0, pot.height - 0.01, 0], [-bend[0], pot.height + low / 2, bend[1]], top])
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
    _leaves(builder, place, bases, directions, Shape(length, builder.u(0.3, 0.7), builder.u(0.35, 0.55)))


def _fan(builder: Builder, place: Place, pot: Pot, height: float, reach: float) -> None:
    """Long, narrow leaves from one head, on a trunk or on the earth."""
    rng = builder.rng
    trunk = height * builder.u(0.3, 0.6) if builder.chance(0.5) else 0.0
    if trunk:
        low, middle, top = (pot.height + share * trunk for share in (0, 0.5, 1))
        line = [(0, low - 0.01, 0), (rng.normal() * 0.02, middle, 0), (0, top, 0)]
        place.skin(line, np.array([0.03, 0.025, 0.02]) * (0.4 + 0.6 * height), _bark(builder))
    count = int(rng.integers(14, 60))
    heads = np.array([0, pot.height + trunk, 0]) + rng.normal(size=(count, 3)) * (0.02, 0.01, 0.02)
    length = min(1.2 * reach, 1.1 * (height - trunk))
    shape = Shape(length, builder.u(0.06, 0.2), builder.u(0.3, 0.5))
    _leaves(builder, place, heads, _around(builder, count, 0.0, 1.35), shape)


def _upright(builder: Builder, place: Place, pot: Pot, height: float, reach: float) -> None:
    """Stiff blades that stand in the earth."""
    rng = builder.rng
    count = int(rng.integers(6, 22))
    turns, away = rng.uniform(0, 2 * np.pi, count), pot.radius * 0.8 * rng.uniform(0, 1, count) ** 0.5
    bases = np.stack([away * np.sin(turns), np.full(count, pot.height - 0.005), away * np.cos(turns)], 1)
    shape = Shape(min(height * 0.85, 3 * reach), builder.u(0.1, 0.2), builder.u(0.35, 0.6))
    _leaves(builder, place, bases, _around(builder, count, 1.1, 1.45), shape)


def _large(builder: Builder, place: Place, pot: Pot, height: float, reach: float) -> None:
    """Long stalks, each with one large leaf."""
    rng, bark = builder.rng, _bark(builder)
    count = int(rng.integers(7, 26))
    out = _around(builder, count, 0.3, 1.45)
    size = np.array([reach * 0.8, height * 0.85, reach * 0.8]) * rng.uniform(0.55, 1, count)[:, None]
    tips = np.array([0, pot.height, 0]) + out * size
    for tip in tips:
        middle = np.array([tip[0] * 0.3, (tip[1] + pot.height) / 2 + 0.1 * height, tip[2] * 0.3])
        place.skin([(0, pot.height - 0.005, 0), middle, tip], np.full(3, 0.004 + 0.003 * height), bark)
    turns = np.arctan2(out[:, 0], out[:, 2])
    directions = _towards(turns, rng.uniform(-0.8, 0.4, count))
    length = builder.u(0.35, 0.6) * max(reach, 0.4 * height)
    _leaves(builder, place, tips, directions, Shape(length, builder.u(0.5, 0.95), builder.u(0.3, 0.5)))


GROWN: tuple[Callable[[Builder, Place, Pot, float, float], None], ...] = (
    _bush,
    _bush,
    _tree,
    _tree,
    _fan,
    _upright,
    _large,
)
"""What grows out of a pot of such a height, that high above it and so far sideways."""
