"""Lived-in places: counters full of things, full walls above them, and tables before them [m, rad]."""

from __future__ import annotations

import numpy as np
import textures
from desk_things import add_standing, fill_top
from living import add_living
from places import Chair, Search, Size, Top, square_on
from printed import WHITE, strong_texture
from room import Builder, Foot, Room
from walls import Stretch, add_backing, add_cable, add_cupboard, add_sheets, add_shelf, free_stretch

DENSE = (0.5, 1.6)
"""A room's own factor of the things on walls and counters."""
WALLS = (1, 4)
"""Full walls of a room, the upper end excluded."""
SHORTEST = 0.9
"""Stretch of a wall that is filled."""
TABLES = (0, 3)
"""Of a room, the upper end excluded."""
OTHER_FURNITURE = (0.2, 0.8)
"""Of what other rooms have."""
STRONG, PICTURED = 0.2, 0.07
"""Chance that a surface, plain elsewhere, has a strong pattern or a picture."""
SCREENS = 0.45
"""Of those that a desk would have."""
COUNTER = 0.75
"""Chance that a full wall has one."""
COUNTER_HEIGHT, COUNTER_DEPTH = (0.7, 1.05), (0.4, 0.68)
PART = 1.1
"""Width of a counter that is filled as a desk is."""
SHEETS = (4, 24)
"""For each metre of a full wall."""
SHELVES = (0.3, 2.0)
"""For each metre of a full wall."""
TABLE_WIDTH, TABLE_HEIGHT, TABLE_DEPTH = (0.8, 2.2), (0.68, 0.8), (0.6, 1.1)
ODD_HEIGHT = (0.35, 1.0)
"""Of one table in five."""
CHAIRS = (0, 6)
"""Tried at a table, the upper end excluded."""


class BusyPlace(Builder):
    """A room that people live and work in.

    Attributes:
        desks: Counters and tables.
        full_walls: Each with the height above which it is full.
        living: What plants and people take.
    """

    desks: list[Top]
    full_walls: list[tuple[Stretch, float]]
    living: list[Foot]

    def plain(self, spec: bool = True) -> int:
        """Material of whatever has one surface."""
        kind = self.rng.random()
        if kind < STRONG:
            return self.s.mat(WHITE, strong_texture(self), spec=self.u(0, 0.06))
        if kind < STRONG + PICTURED:
            return self.s.mat(WHITE, self.s.texture(textures.picture(self.rng)), spec=self.u(0, 0.05))
        return super().plain(spec)

    def screen(self, foot: Foot, angle: float, x: float, z: float, y: float) -> None:
        """A screen at (x, z) of a footprint, at height y; or none."""
        if self.chance(SCREENS):
            super().screen(foot, angle, x, z, y)

    def furnish(self, room: Room, density: float, main: bool) -> None:
        """Full walls and tables in the main room before all else; the density is the share of the floor."""
        if not main:
            super().furnish(room, density, main)
            return
        self.supports, self.desks, self.full_walls = [], [], []  # the renderer goes on with these supports
        stretches = [stretch for stretch in map(free_stretch, room.walls) if stretch.length > SHORTEST]
        stretches.sort(key=lambda stretch: -stretch.length * self.u(0.5, 1))
        self.dense = self.u(*DENSE)
        for stretch in stretches[: self.rng.integers(*WALLS)]:
            self._fill_wall(room, stretch)
        for _ in range(self.rng.integers(*TABLES)):
            self._table(room)
        self.living = add_living(self, room)
        super().furnish(room, density * self.u(*OTHER_FURNITURE), main)
        for wall in room.walls:
            if self.chance(0.6):
                count = self.u(0.5, 3.0) * wall.len
                add_sheets(self, Stretch(wall, 0.0, wall.len), count, (0.2, room.height - 0.1))

    def _fill_wall(self, room: Room, stretch: Stretch) -> None:
        top = self._counter(room, stretch) if self.chance(COUNTER) else self.u(0.1, 0.9)
        self.full_walls.append((stretch, top))
        if self.chance(0.45):
            add_backing(self, stretch, top)
        for _ in range(self.rng.integers(0, 3)):
            add_cupboard(self, stretch, top)
        for _ in range(self.rng.poisson(self.u(*SHELVES) * stretch.length * self.dense)):
            add_shelf(self, stretch, top)
        count = self.u(*SHEETS) * stretch.length * self.dense
        add_sheets(self, stretch, count, (top + 0.05, min(room.height - 0.1, 2.3)))
        for _ in range(self.rng.poisson(1.5)):
            add_cable(self, stretch, top)

    def _counter(self, room: Room, stretch: Stretch) -> float:
        """Height of a counter along a wall; where there is no room for one, that above which the wall is filled."""
        height, depth = self.u(*COUNTER_HEIGHT), self.u(*COUNTER_DEPTH)
        width = (stretch.length - 0.1) * self.u(0.6, 0.98)
        left = self.u(0.04, stretch.length - width - 0.04)
        u, v = (left, left + width), (0, height)
        foot = stretch.foot(u, v, depth, 0.005)
        if not stretch.is_free(u, v, 0.0) or not self.room_of(room, foot, 0.002) or self.taken(foot, 0.01):
            return self.u(0.3, 0.9)
        stretch.take(u, v)
        self.foot.append(foot)
        self._body(foot, stretch.angle, (width, height, depth))
        counter = Top(foot, stretch.angle, (width, height, depth))
        self._fill_counter(counter)
        self.desks.append(counter)
        return height

    def _body(self, foot: Foot, angle: float, size: Size) -> None:
        """Doors or legs, and the board on them."""
        width, height, depth = size
        below = (width, height - 0.03, depth)
        if self.chance(0.75):
            self.cabinet(foot, angle, below)
            self.supports.pop()  # its top is filled here
        else:
            self.made_table(foot, angle, below)
        board = (0, height - 0.015, 0.01, width + 0.02, 0.03, depth + 0.03, self.plain())
        self.parts(foot, angle, 0.0, [board])

    def _fill_counter(self, counter: Top) -> None:
        """Things as on desks, and those that stand."""
        width, height, depth = counter.size
        parts = max(1, int(width / PART))
        part = width / parts
        for i in range(parts):
            x, _, z = counter.at(-width / 2 + part * (i + 0.5), 0, 0)
            top = Top(Foot(x, z, part / 2, depth / 2, counter.angle, 0, height), counter.angle, (part, height, depth))
            fill_top(self, top)
            for _ in range(self.rng.poisson(self.u(1, 9) * self.dense)):
                add_standing(self, top, self.u(-0.45, 0.45) * part, self.u(-0.45, 0.3) * depth, 0.45)

    def _table(self, room: Room) -> None:
        size = (self.u(*TABLE_WIDTH), self.u(*(TABLE_HEIGHT if self.chance(0.8) else ODD_HEIGHT)), self.u(*TABLE_DEPTH))
        found = Search(lambda: square_on(self, 0.15), 0.5, inside=0.02, gap=0.25).place(self, room, size)
        if not found:
            return
        top = Top(*found, size, free=True)
        self.foot.append(top.foot)
        self.made_table(top.foot, top.angle, size)
        self.desks.append(top)
        fill_top(self, top)
        for _ in range(self.rng.integers(*CHAIRS)):
            self._chair(room, top)

    def _chair(self, room: Room, top: Top) -> None:
        """A chair at one of the four sides."""
        model, scale, side = self.pick_model("seat"), self.u(0.92, 1.1), self.rng.integers(4)
        width, _, depth = top.size
        reach, along = (depth / 2, width / 2) if side % 2 == 0 else (width / 2, depth / 2)
        sideways, away = self.u(-0.7, 0.7) * along, reach + self.u(-0.2, 0.3)
        angle = top.angle + side * np.pi / 2
        facing = angle + np.pi + self.rng.normal() * 0.3
        Chair(model, scale, angle, sideways, away, facing).put(self, room, top)
