"""A few bulky, plain things on floors and before walls with little texture [m, rad]."""

from __future__ import annotations

import numpy as np
import textures
from living import add_living
from places import Search, Size
from room import Builder, Foot, Room
from scene import BALL, BOX, CONE, TUBE

PLAIN = 0.7
"""Chance that a wall or floor has one of the quiet surfaces."""
QUIET = [(textures.paint, 3), (textures.concrete, 1), (textures.carpet, 1)]
COUNT = (1, 5)
"""Things of a room, the upper end excluded."""
WIDTH, HEIGHT, DEPTH = (0.4, 1.6), (0.4, 1.7), (0.35, 0.9)
OTHER_FURNITURE = (0, 0.4)
"""Of what other rooms have."""


class Things(Builder):
    """A room with a few bulky things.

    Attributes:
        bulky: Footprint and height of each, and of plants and people.
    """

    bulky: list[tuple[Foot, float]]

    def surface(self, table: list, spec: float = 0.0) -> int:
        """Material of a wall or floor from a table of textures."""
        if (table is textures.FLOORS or table is textures.WALLS) and self.chance(PLAIN):
            table = QUIET
        return super().surface(table, spec)

    def furnish(self, room: Room, density: float, main: bool) -> None:
        """Bulky things in the main room, and little besides; the density is the share of the floor."""
        if main:
            self.supports, self.bulky = [], []  # the renderer goes on with the supports that are there
            for _ in range(self.rng.integers(*COUNT)):
                self._thing(room)
            self.bulky += [(foot, foot.y[1]) for foot in add_living(self, room)]
            density *= self.u(*OTHER_FURNITURE)
        super().furnish(room, density, main)

    def _thing(self, room: Room) -> None:
        kind = self.rng.random()
        size = (self.u(*WIDTH), self.u(*HEIGHT), self.u(*DEPTH))
        found = Search(lambda: self.u(0, 2 * np.pi), 0.5, inside=0.05, gap=0.1).place(self, room, size)
        if found:
            self.foot.append(found[0])
            self._make(kind, *found, size)
            self.bulky.append((found[0], size[1]))

    def _make(self, kind: float, foot: Foot, angle: float, size: Size) -> None:
        """A cabinet, a shelf, a block, or a tube, cone or ball."""
        if kind < 0.5:
            self.cabinet(foot, angle, size)
        elif kind < 0.7:
            self.shelf(foot, angle, size)
        elif kind < 0.9:
            self.s.shape(BOX, (foot.c[0], size[1] / 2, foot.c[1]), size, angle, self.plain())
            self.supports.append(("flat", size, foot, angle, size[1]))
        else:
            centre = (foot.c[0], size[0] / 2, foot.c[1])
            self.s.shape(self.choice([TUBE, CONE, BALL]), centre, (size[0],) * 3, angle, self.plain())
