"""Class rooms and laboratories: rows of desks with computers, full walls, blinds before windows [m, rad]."""

from __future__ import annotations

from typing import Any

import numpy as np
import textures
from desk_things import fill_top
from desks import Box, Desks
from living import add_living, seat_at
from machines import add_tower
from places import TRIES, Chair, Size, Top
from printed import WHITE, print_of
from room import Foot, Room, Wall, rect_outline
from scene import BOX
from walls import Stretch, add_blind, add_sheets

LENGTH, WIDTH, HEIGHT = (5, 12), (4, 9), (2.5, 3.6)
"""Of the room."""
WINDOWS = 0.7
"""Chance that a long wall is full of windows."""
PANE, SILL, LINTEL, DEEP = (0.8, 1.8), (0.75, 1.1), (1.9, 2.6), (0.08, 0.25)
BLINDS = 0.5
"""Of the rooms."""
BLIND = (0.3, 1.0)
"""Of the windows of such a room, those that are deep enough."""
ALONG = 0.75
"""Chance that the rows stand one behind the other along the room."""
FIRST, PITCH, LAST = (1.2, 2.4), (1.35, 2.1), 1.1
"""From the front wall to the first row, from row to row, and from the last to the back wall."""
DESK_HEIGHT, DESK_DEPTH = (0.68, 0.8), (0.55, 0.85)
AISLE = (0.6, 1.1)
"""At both sides and between the desks of a row."""
BLOCKS = (0.45, 0.45, 0.1)
"""Chances of 1, 2 and 3 desks in a row."""
PART = (1.0, 1.7)
"""Width that one of those who sit there has."""
FILLED = (0.5, 1.0)
"""Share of those that are not empty."""
SITTING = (0, 0.4)
"""Share of those where somebody sits, in half of the rooms."""
TOWERS = (0, 0.7)
"""Share of those with a computer that stands beside the knees or on the desk."""
BOARD_WIDTH, BOARD_HEIGHT = (1.6, 4.0), (0.9, 1.4)
SHEETS = (0.3, 5.0)
"""For each metre of a wall."""
OTHER_FURNITURE = (0, 0.35)
"""Of what other rooms have."""


class ClassRoom(Desks):
    """A large room with rows of long desks.

    Attributes:
        desks: Each part of one.
        floor: The whole floor, its front at the back of the room.
        facing: Of all desks.
        look: Boxes and drawers of each long desk.
        seat, scale: Model of all chairs and its factor.
        filled, towers, sitting: Shares of the parts with things, with a computer, and with somebody.
    """

    floor: Top
    facing: float
    look: tuple[list[Box], list[Box]]
    seat: Any
    scale: float
    filled: float
    towers: float
    sitting: float

    def openings(self, main: Room) -> None:
        """Make the room as large and put windows into a wall of it, before the renderer adds doors and others."""
        size = self.u(*WIDTH), self.u(*LENGTH)
        width, length = size if self.chance(0.5) else size[::-1]
        self.style, self.theme, self.height = "hall", "office", self.u(*HEIGHT)
        outline = rect_outline(0, 0, width, length)
        main.__init__([(0, 0, width, length)], outline, self.height)  # type: ignore[misc]
        if self.chance(WINDOWS):
            self._windows(max(main.walls, key=lambda wall: wall.len * self.u(0.8, 1)))
        super().openings(main)

    def _windows(self, wall: Wall) -> None:
        """A row of windows of one size."""
        low, high = self.u(*SILL), min(self.u(*LINTEL), self.height - 0.15)
        width, gap, depth = self.u(*PANE), self.u(0.15, 0.8), self.u(*DEEP)
        begin = self.u(0.2, 0.8)
        while begin + width < wall.len - 0.2:
            u = (begin, begin + width)
            wall.holes.append({"kind": "window", "u": u, "v": (low, high), "depth": depth})
            wall.used.append((u[0] - 0.05, u[1] + 0.05, low - 0.05, high + 0.05))
            begin += width + gap

    def furnish(self, room: Room, density: float, main: bool) -> None:
        """Rows of desks in the main room, and what hangs on its walls; the density is the share of the floor."""
        if not main:
            super(Desks, self).furnish(room, density, main)
            return
        self.supports, self.desks, self.living = [], [], []
        self._rows(room)
        self._board(room)
        self._blinds(room)
        self.living += add_living(self, room)
        super(Desks, self).furnish(room, density * self.u(*OTHER_FURNITURE), main)
        for wall in room.walls:
            count = self.u(*SHEETS) * wall.len
            add_sheets(self, Stretch(wall, 0.0, wall.len), count, (self.u(0.5, 1.2), room.height - 0.2))

    def _rows(self, room: Room) -> None:
        """All desks, then seats; desks look away from the front wall, and people there look at it."""
        _, _, width, length = room.rects[0]
        along_z = (length >= width) == self.chance(ALONG)
        self.facing = self.choice([0.0, np.pi] if along_z else [np.pi / 2, -np.pi / 2])
        across, along = (width, length) if along_z else (length, width)
        foot = Foot(width / 2, length / 2, across / 2, along / 2, self.facing)
        self.floor = Top(foot, self.facing, (across, 0, along))
        middles, wide = self._blocks(across)
        size = (wide, self.u(*DESK_HEIGHT), self.u(*DESK_DEPTH))
        self.look = self._look(size)
        self.seat, self.scale = self.pick_model("seat"), self.u(0.92, 1.1)
        self.filled, self.towers = self.u(*FILLED), self.u(*TOWERS)
        self.sitting = self.u(*SITTING) if self.chance(0.5) else 0.0
        rows = np.arange(-along / 2 + self.u(*FIRST), along / 2 - LAST, self.u(*PITCH))
        found = [self._long_desk(room, self.floor.at(x, 0, z), size) for z in rows for x in middles]
        for whole in filter(None, found):
            for top in self._divided(whole):
                self.desks.append(top)
                self._use(room, top, whole.foot)

    def _blocks(self, across: float) -> tuple[list[float], float]:
        """Middles of the desks of a row, and how wide each is."""
        count, aisle = 1 + int(self.rng.choice(len(BLOCKS), p=BLOCKS)), self.u(*AISLE)
        while count > 1 and (across - aisle * (count + 1)) / count < 2 * PART[0]:
            count -= 1
        wide = (across - aisle * (count + 1)) / count
        return [(i - (count - 1) / 2) * (wide + aisle) for i in range(count)], wide

    def _long_desk(self, room: Room, middle: np.ndarray, size: Size) -> Top | None:
        """A desk for several people, if there is room for it."""
        width, height, depth = size
        whole = Top(Foot(middle[0], middle[2], width / 2, depth / 2, self.facing, 0, height), self.facing, size)
        if not self.room_of(room, whole.foot, 0.02) or self.taken(whole.foot, 0.02):
            return None
        self._stand(whole, self.look)
        return whole

    def _divided(self, whole: Top) -> list[Top]:
        """A long desk's parts, one for each who sits there."""
        width, height, depth = whole.size
        parts = max(1, round(width / self.u(*PART)))
        part = width / parts
        middles = [whole.at(-width / 2 + part * (i + 0.5), 0, 0) for i in range(parts)]
        feet = [Foot(x, z, part / 2, depth / 2, self.facing, 0, height) for x, _, z in middles]
        return [Top(foot, self.facing, (part, height, depth), free=True) for foot in feet]

    def _use(self, room: Room, top: Top, whole: Foot) -> None:
        """What is before and on a part of a desk."""
        seat = self._seat(room, top, whole)
        if not self.chance(self.filled):
            return
        spots = fill_top(self, top)
        if self.chance(self.towers):
            aside = (seat.c - top.foot.c) @ top.foot.ax[0] if seat else self.rng.normal()
            add_tower(self, top, spots, -1 if aside > 0 else 1, whole)

    def _seat(self, room: Room, top: Top, whole: Foot) -> Foot | None:
        """Somebody, a chair or nothing before a part of a desk."""
        if self.chance(self.sitting):
            seated = seat_at(self, room, top, whole)
            self.living += [seated] if seated else []
            return seated
        if not self.chance(0.85):
            return None
        sideways, away = self.u(-0.25, 0.25) * top.size[0], self.u(-0.25, 0.2)
        facing = top.angle + np.pi + self.rng.normal() * 0.35
        chair = Chair(self.seat, self.scale, top.angle, sideways, top.size[2] / 2 + away, facing)
        return chair.put(self, room, top, whole)

    def _board(self, room: Room) -> None:
        """A board or a screen to project on, on the wall that people look at."""
        wall = max(room.walls, key=lambda wall: wall.n3 @ (self.floor.at(0, 0, 1) - self.floor.at(0, 0, 0)))
        stretch = Stretch(wall, 0.0, wall.len)
        for _ in range(TRIES):
            width, height = min(self.u(*BOARD_WIDTH), wall.len - 0.4), self.u(*BOARD_HEIGHT)
            left, low = self.u(0.2, wall.len - width - 0.2), self.u(0.75, 1.1)
            u, v = (left, left + width), (low, min(low + height, room.height - 0.1))
            if stretch.is_free(u, v):
                self._hang_board(stretch, u, v)
                return

    def _hang_board(self, stretch: Stretch, u: tuple[float, float], v: tuple[float, float]) -> None:
        """A board with a frame, of such sides."""
        stretch.take(u, v)
        frame = self.s.mat((self.u(0.1, 0.8),) * 3)
        size = (u[1] - u[0], v[1] - v[0], 0.03)
        self.s.shape(BOX, stretch.at(sum(u) / 2, sum(v) / 2, 0.015), size, stretch.angle, frame)
        inside = (u[0] + 0.03, u[1] - 0.03), (v[0] + 0.03, v[1] - 0.03)
        self.s.quad(*stretch.cover(*inside, 0.032), self._board_face())

    def _board_face(self) -> int:
        """Material of a board: white, green or dark, at times with something on it."""
        kind = self.rng.random()
        if kind < 0.3:
            return self.s.mat(WHITE, print_of(self, 0.6), spec=0.03)
        if kind < 0.7:
            return self.s.mat((self.u(0.85, 0.97),) * 3, spec=0.05, rough=0.1)
        return self.s.mat(textures.hsv(self.u(0.3, 0.5), self.u(0, 0.5), self.u(0.1, 0.3)))

    def _blinds(self, room: Room) -> None:
        """Blinds of one kind before windows, if the room has any."""
        if not self.chance(BLINDS):
            return
        slats, share = self.chance(0.6), self.u(*BLIND)
        surface = self.s.mat(self.colour() if self.chance(0.3) else (self.u(0.6, 0.95),) * 3)
        for wall in room.walls:
            for hole in wall.holes:
                if hole["kind"] == "window" and self.chance(share):
                    add_blind(self, wall, hole, slats, surface)
