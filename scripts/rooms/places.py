"""Where things may stand: flat tops, free spots on them, and free places on the floor.

Lengths are in metres, angles in radians about the vertical axis, y is the height above the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from room import Builder, Foot, Room
from scene import turn

TRIES = 8
"""Looks for a free spot on a top, or on a wall for a board, before a thing is left out."""
INSET = 0.6
"""Share of its radius by which a thing stays inside the edge."""
OVERLAP = 0.8
"""Share of their radii that two things keep apart."""

Size = tuple[float, float, float]
"""Width, height, depth."""


@dataclass(frozen=True)
class Top:
    """A flat top that things stand on: of a desk, of a table, or a board.

    Its axes begin in the middle: x along the width, z to the front.

    Attributes:
        foot: The floor that it covers.
        angle: 0: the front looks along the room's z.
        size: The height is that of the top above the floor.
        free: Whether cameras may look at it from all around.
    """

    foot: Foot
    angle: float
    size: Size
    free: bool = False

    def at(self, x: float, y: float, z: float) -> np.ndarray:
        """Place in the room, float64 (3,), of one above the top; y is above the floor."""
        along = turn(self.angle) @ np.array([x, 0, z], np.float32)
        return np.array([self.foot.c[0] + along[0], y, self.foot.c[1] + along[2]])


class Spots:
    """Round spots of a top, so that things stand beside each other."""

    def __init__(self, builder: Builder, top: Top) -> None:
        self._builder = builder
        self._width, _, self._depth = top.size
        self._taken: list[tuple[float, float, float]] = []

    def take(self, x: float, z: float, radius: float) -> None:
        """Keep others away."""
        self._taken.append((x, z, radius))

    def some(self, count: int, radius: float, back: float = -0.9, front: float = 0.9) -> Iterator[tuple[float, float]]:
        """Up to ``count`` free spots (x, z), each taken; back and front are shares of half the depth."""
        for _ in range(count):
            spot = self._find(radius, back, front)
            if spot is not None:
                yield spot

    def _find(self, radius: float, back: float, front: float) -> tuple[float, float] | None:
        for _ in range(TRIES):
            x = self._builder.u(-0.92, 0.92) * (self._width / 2 - radius * INSET)
            z = self._builder.u(back, front) * (self._depth / 2 - radius * INSET)
            if all(np.hypot(x - a, z - b) > (radius + other) * OVERLAP for a, b, other in self._taken):
                self.take(x, z, radius)
                return x, z
        return None


def square_on(builder: Builder, spread: float) -> float:
    """An angle along the walls, off by ``spread`` (standard deviation)."""
    return builder.rng.integers(4) * np.pi / 2 + builder.rng.normal() * spread


@dataclass(frozen=True)
class Search:
    """How a free place on the floor is looked for.

    Attributes:
        angle: Draws one.
        from_walls: Of the middle.
        inside: Between corners and walls.
        gap: To all other things.
        tries: Before it is given up.
    """

    angle: Callable[[], float]
    from_walls: float
    inside: float
    gap: float
    tries: int = 15

    def place(self, builder: Builder, room: Room, size: Size) -> tuple[Foot, float] | None:
        """Footprint and angle of a thing that stands free, or None; the footprint is not taken yet."""
        width, height, depth = size
        for _ in range(self.tries):
            x, z = room.random_point(builder.rng, self.from_walls)
            angle = self.angle()
            foot = Foot(x, z, width / 2, depth / 2, angle, 0, height)
            if builder.room_of(room, foot, self.inside) and not builder.taken(foot, self.gap):
                return foot, angle
        return None


@dataclass(frozen=True)
class Chair:
    """A chair before a top.

    Attributes:
        model: Of the furniture.
        scale: Of its size.
        side: Angle from the middle of the top to it.
        sideways: Off the line of that angle.
        away: Between the middle of the top and the nearest edge of the chair.
        facing: Where it looks to.
    """

    model: Any
    scale: float
    side: float
    sideways: float
    away: float
    facing: float

    def put(self, builder: Builder, room: Room, top: Top, skip: Foot | None = None) -> Foot | None:
        """Stand it there if there is room, and what it takes; it may stand below ``skip``, else the top's own foot."""
        width, height, depth = self.model.size * self.scale
        x, _, z = turn(self.side) @ np.array([self.sideways, 0, self.away + depth / 2], np.float32)
        foot = Foot(top.foot.c[0] + x, top.foot.c[1] + z, width / 2, depth / 2, self.facing, 0, height)
        if builder.room_of(room, foot, 0.02) and not builder.taken(foot, 0.01, skip=skip or top.foot):
            builder.put(self.model, foot, self.facing, 0.0, self.scale)
            return foot
        return None
