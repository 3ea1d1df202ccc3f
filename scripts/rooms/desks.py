"""Offices with desks full of things [m, rad]."""

from __future__ import annotations

import numpy as np
import textures
from desk_things import fill_top
from living import add_living, seat_at
from places import Chair, Search, Size, Top, square_on
from room import Builder, Foot, Room

OFFICE = 0.7
"""Chance that all furniture of the room is that of an office."""
COUNT = (1, 4)
"""Desks of a room, the upper end excluded."""
WIDTH, HEIGHT, DEPTH = (0.9, 2.1), (0.66, 0.8), (0.55, 0.95)
AT_WALL = 0.6
"""Chance that a desk stands with its back to a wall."""
HEADROOM = 1.2
"""Height of a wall that a desk keeps free."""
CHAIR = 0.75
"""Chance of one."""
SITS = 0.12
"""Chance that somebody sits at a desk."""
OTHER_FURNITURE = 0.6
"""Of what a room without desks has."""

Box = tuple[float, float, float, float, float, float, int]
"""Centre x, y, z, size x, y, z, and material, in the axes of a footprint."""


class Desks(Builder):
    """A room with desks.

    Attributes:
        desks: The main room's.
        living: What its plants and people take.
    """

    desks: list[Top]
    living: list[Foot]

    def furnish(self, room: Room, density: float, main: bool) -> None:
        """Desks first, then what the renderer puts into any room; the density is the share of the floor."""
        if main:
            self.theme = "office" if self.chance(OFFICE) else self.theme
            self.desks, self.living = [], []
            for _ in range(self.rng.integers(*COUNT)):
                self._desk(room)
            self.living += add_living(self, room)
            density *= OTHER_FURNITURE
        super().furnish(room, density, main)

    def _desk(self, room: Room) -> None:
        size = (self.u(*WIDTH), self.u(*HEIGHT), self.u(*DEPTH))
        top = self._place(room, size)
        if top is None:
            return
        self._stand(top, self._look(size))
        self.desks.append(top)
        fill_top(self, top)
        self._place_before(room, top)

    def _place(self, room: Room, size: Size) -> Top | None:
        width, height, depth = size
        if not self.chance(AT_WALL):
            search = Search(lambda: square_on(self, 0.1), max(width, depth) * 0.55, inside=0.02, gap=0.3, tries=12)
            found = search.place(self, room, size)
            return Top(*found, size, free=True) if found else None
        spot = self.against(room, (width, HEADROOM, depth), self.u(0.003, 0.05))
        if not spot:
            return None
        wall, begin, foot = spot
        wall.used.append((begin, begin + width, 0, height))
        foot.y = (0, height)  # without the headroom
        return Top(foot, wall.ang, size)

    def _stand(self, top: Top, look: tuple[list[Box], list[Box]]) -> None:
        """A desk of such boxes and drawers, where nobody's knees are."""
        boxes, drawers = look
        self.foot.append(top.foot)
        self.parts(top.foot, top.angle, 0.0, boxes + drawers)
        for x, _, z, width, _, depth, _ in drawers:
            middle = top.at(x, 0, z)
            self.foot.append(Foot(middle[0], middle[2], width / 2, depth / 2, top.angle, 0, top.size[1]))

    def _look(self, size: Size) -> tuple[list[Box], list[Box]]:
        """Top, legs, at times a board behind them; and at times drawers at one side."""
        width, height, depth = size
        surface, leg = self._surface(), self.plain()
        thick, side = self.u(0.018, 0.04), self.u(0.025, 0.07)
        boxes = [(0, height - thick / 2, 0, width, thick, depth, surface)]
        for x in (-1, 1):
            for z in (-1, 1):
                at = (x * (width / 2 - side), (height - thick) / 2, z * (depth / 2 - side))
                boxes.append((*at, side, height - thick, side, leg))
        drawers = []
        if self.chance(0.4):
            x = self.choice([-1, 1]) * (width / 2 - 0.24)
            drawers.append((x, height * 0.45, 0, 0.4, height * 0.85, depth * 0.8, self.plain()))
        if self.chance(0.3):
            boxes.append((0, height * 0.6, -depth / 2 + 0.02, width * 0.95, height * 0.5, 0.015, leg))
        return boxes, drawers

    def _surface(self) -> int:
        """Material of a desk's top: white or light grey, wood, or anything."""
        kind = self.rng.random()
        if kind < 0.4:
            return self.s.mat((self.u(0.75, 0.97),) * 3, spec=self.u(0, 0.06), rough=self.u(0.05, 0.3))
        if kind < 0.7:
            colour = textures.wood_colour(self.rng)
            grain = textures.noise(self.rng, 1.0, 128, 0.15, 1.6) * 0.06
            pattern = self.s.texture(textures.finish(textures.grey((0.95,) * 3, grain)))
            return self.s.mat(colour, pattern, spec=self.u(0, 0.08))
        return self.plain()

    def _place_before(self, room: Room, top: Top) -> None:
        """Somebody, a chair or nothing at the front of a desk."""
        if self.chance(SITS):
            seated = seat_at(self, room, top)
            self.living += [seated] if seated else []
        elif self.chance(CHAIR):
            self._chair(room, top)

    def _chair(self, room: Room, top: Top) -> None:
        model, scale = self.pick_model("seat"), self.u(0.92, 1.1)
        facing = top.angle + np.pi + self.rng.normal() * 0.5
        width, _, depth = top.size
        sideways, gap = self.u(-0.3, 0.3) * width, self.u(-0.15, 0.35)
        Chair(model, scale, top.angle, sideways, depth / 2 + gap, facing).put(self, room, top)
