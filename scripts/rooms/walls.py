"""What hangs on the walls of lived-in places: tiles, cupboards, shelves, sheets and cables [m, rad]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from desk_things import add_standing
from places import Size, Top
from printed import WHITE, strong_texture, written
from room import Builder, Foot, Wall
from scene import BOX
from textures import picture

STEP = 0.05
"""At which a wall is searched for doors and windows."""
HIGHEST_SHELF = 1.95
SHELF_WIDTH = (0.35, 2.2)
CUPBOARD_WIDTH, CUPBOARD_HEIGHT, CUPBOARD_DEPTH = (0.4, 2.2), (0.35, 0.8), (0.25, 0.4)
BOARD = 0.02
"""Thickness."""
FRAME, BLIND = 0.045, 0.04
"""Depth of a window's frame at the outer end of its reveal, and of a blind before that."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of a wall: u counts along it from its begin, v is the height above the floor."""

    wall: Wall
    begin: float
    length: float

    @property
    def angle(self) -> float:
        """Of what stands with its back to it."""
        return self.wall.ang

    def at(self, u: float, v: float, before: float = 0.0) -> np.ndarray:
        """Place in the room, so far before the wall."""
        return self.wall.at(u + self.begin, v, -before)

    def is_free(self, u: tuple[float, float], v: tuple[float, float], gap: float = 0.04) -> bool:
        """Whether nothing is there, and the stretch goes so far."""
        inside = u[0] > -0.01 and u[1] < self.length + 0.01
        return inside and self.wall.free(u[0] + self.begin, u[1] + self.begin, *v, gap)

    def take(self, u: tuple[float, float], v: tuple[float, float]) -> None:
        """Keep others away."""
        self.wall.used.append((u[0] + self.begin, u[1] + self.begin, *v))

    def foot(self, u: tuple[float, float], v: tuple[float, float], depth: float, gap: float) -> Foot:
        """Footprint of what stands or hangs there, its back ``gap`` before the wall."""
        x, _, z = self.at((u[0] + u[1]) / 2, 0, depth / 2 + gap)
        return Foot(x, z, (u[1] - u[0]) / 2, depth / 2, self.angle, *v)

    def cover(self, u: tuple[float, float], v: tuple[float, float], before: float) -> tuple[np.ndarray, ...]:
        """Corner and both sides of a rectangle on it that faces the room."""
        sides = -self.wall.t3 * (u[1] - u[0]), np.array([0, v[1] - v[0], 0])
        return self.at(u[1], v[0], before), *sides


def free_stretch(wall: Wall) -> Stretch:
    """The longest stretch of a wall without doors and windows; its length may be 0."""
    best, run = (0.0, 0.0), None
    for u in np.arange(0.04, wall.len - 0.04, STEP):
        if not wall.free(u, u + 0.001, 0.05, 1.9, 0.03):
            run = None
            continue
        run = (u, u) if run is None else (run[0], u)
        if run[1] - run[0] > best[1] - best[0]:
            best = run
    return Stretch(wall, best[0], best[1] - best[0])


def add_backing(builder: Builder, stretch: Stretch, top: float) -> None:
    """Tiles, boards or panels above ``top``."""
    u = tuple(sorted(builder.u(0.04, stretch.length - 0.04) for _ in range(2)))
    v = (top + 0.02, min(builder.height - 0.1, top + builder.u(0.4, 1.3)))
    if u[1] - u[0] > 0.4 and stretch.is_free(u, (top + 0.05, v[1])):
        pattern = strong_texture(builder)
        surface = builder.s.mat(WHITE, pattern, spec=builder.u(0, 0.08), rough=builder.u(0.05, 0.3))
        builder.s.quad(*stretch.cover(u, v, 0.003), surface, tile=builder.u(0.25, 1.4))


def add_cupboard(builder: Builder, stretch: Stretch, top: float) -> None:
    """A row of doors at the height of the eyes, above ``top``."""
    width = builder.u(CUPBOARD_WIDTH[0], min(CUPBOARD_WIDTH[1], stretch.length - 0.1))
    height, depth = builder.u(*CUPBOARD_HEIGHT), builder.u(*CUPBOARD_DEPTH)
    low = max(top + 0.35, builder.u(1.3, 1.6))
    left = builder.u(0.04, stretch.length - width - 0.04)
    u, v = (left, left + width), (low, low + height)
    if v[1] > builder.height - 0.04 or not stretch.is_free(u, v):
        return
    stretch.take(u, v)
    foot = stretch.foot(u, v, depth, 0.002)
    body, front = builder.plain(), builder.plain()
    doors = max(1, round(width / builder.u(0.3, 0.6)))
    door = (width / doors - 0.012, height - 0.012, 0.016, front)
    middles = [-width / 2 + width * (i + 0.5) / doors for i in range(doors)]
    boxes = [(0, height / 2, 0, width, height, depth, body)]
    boxes += [(x, height / 2, depth / 2 + 0.008, *door) for x in middles]
    builder.parts(foot, stretch.angle, low, boxes)
    builder.foot.append(foot)


def add_shelf(builder: Builder, stretch: Stretch, top: float) -> None:
    """A board with things on it, above ``top``."""
    width = builder.u(SHELF_WIDTH[0], min(SHELF_WIDTH[1], stretch.length - 0.1))
    depth, above = builder.u(0.08, 0.3), builder.u(0.2, 0.45)
    left, low = builder.u(0.04, stretch.length - width - 0.04), builder.u(top + 0.15, HIGHEST_SHELF)
    u = (left, left + width)
    if low + above > builder.height - 0.05 or not stretch.is_free(u, (low, low + above), 0.02):
        return
    v = (low - 0.02, low + above)
    stretch.take(u, v)
    foot = stretch.foot(u, v, depth, 0.002)
    builder.foot.append(foot)
    builder.parts(foot, stretch.angle, low, [(0, BOARD / 2, 0, width, BOARD, depth, builder.plain())])
    _fill_board(builder, Top(foot, stretch.angle, (width, low + BOARD, depth)), above)


def _fill_board(builder: Builder, board: Top, above: float) -> None:
    """Books and single things from left to right."""
    width, y, depth = board.size
    fill, x = builder.u(0.4, 1.0), -width / 2 + 0.06
    while x < width / 2 - 0.06:
        if builder.chance(fill):
            if builder.chance(0.25):
                end = min(width / 2, x + builder.u(0.1, 0.5))
                builder.books(board.foot, board.angle, y, x, end, -depth / 2 + 0.005, depth, above)
                x = end
            else:
                add_standing(builder, board, x, builder.u(-0.3, 0.2) * depth, above - 0.03)
        x += builder.u(0.08, 0.26)


def add_cable(builder: Builder, stretch: Stretch, top: float) -> None:
    """A cable, duct or pipe from top to bottom."""
    u, surface = builder.u(0.05, stretch.length - 0.05), builder.s.mat((builder.u(0.02, 0.9),) * 3)
    radius = builder.u(0.003, 0.02)
    v = (builder.u(0, top + 0.3), builder.u(top + 0.3, builder.height))
    if stretch.is_free((u - radius, u + radius), v, 0.0):
        centre, size = stretch.at(u, sum(v) / 2, radius), (2 * radius, v[1] - v[0], 2 * radius)
        builder.s.shape(BOX, centre, size, stretch.angle, surface)


def add_blind(builder: Builder, wall: Wall, window: dict[str, Any], slats: bool, surface: int) -> None:
    """A blind of slats or cloth, let down so far in the reveal of a window (a hole of the wall) if that is deep enough.

    Before the wall it would go through curtains and window boards.
    """
    (left, right), (low, high), out = window["u"], window["v"], window["depth"] - FRAME - BLIND / 2
    if out < BLIND / 2:
        return
    width, middle, top = right - left - 0.02, (left + right) / 2, high - BLIND / 2
    bottom = top - (top - low - 0.03) * builder.u(0.15, 1.0)
    builder.s.shape(BOX, wall.at(middle, top, out), (width, BLIND * 0.9, BLIND * 0.9), wall.ang, surface)
    if not slats:
        size = (width, top - bottom, 0.004)
        builder.s.shape(BOX, wall.at(middle, (top + bottom) / 2, out), size, wall.ang, surface)
        return
    step, thick = builder.u(0.025, 0.05), builder.u(0.003, 0.02)
    for y in np.arange(bottom, top, step):
        builder.s.shape(BOX, wall.at(middle, y, out), (width, thick, step * 0.7), wall.ang, surface)


def add_sheets(builder: Builder, stretch: Stretch, count: float, v: tuple[float, float]) -> None:
    """About ``count`` times a sheet, card, poster or plate, or rows of them, between two heights."""
    for _ in range(builder.rng.poisson(count)):
        kind = builder.rng.random()
        large = kind >= 0.7
        size = (builder.u(0.3, 1.1), builder.u(0.3, 1.0)) if large else (builder.u(0.07, 0.3), builder.u(0.07, 0.4))
        rows = (int(builder.rng.integers(1, 6)), int(builder.rng.integers(1, 3))) if kind < 0.25 else (1, 1)
        gaps = builder.u(0.005, 0.1), builder.u(0.005, 0.1)
        width, height = (n * one + (n - 1) * gap for n, one, gap in zip(rows, size, gaps, strict=True))
        if width > stretch.length - 0.15 or height > v[1] - v[0] - 0.02:
            continue
        left, low = builder.u(0.05, stretch.length - width - 0.05), builder.u(v[0], v[1] - height)
        if stretch.is_free((left, left + width), (low, low + height), 0.003):
            stretch.take((left, left + width), (low, low + height))
            _hang(builder, stretch, (left, low, *size), (*rows, *gaps))


def _hang(
    builder: Builder,
    stretch: Stretch,
    first: tuple[float, float, float, float],
    grid: tuple[int, int, float, float],
) -> None:
    """Sheets in rows.

    Args:
        builder: Of the room.
        stretch: Where.
        first: u, v, width and height of the lower left one.
        grid: Number along u and along v, gaps along both.
    """
    left, low, width, height = first
    columns, rows, *gaps = grid
    alike, thick = _face(builder), builder.u(0.001, 0.02)
    for i in range(columns):
        for j in range(rows):
            face = alike if columns * rows > 6 or builder.chance(0.3) else _face(builder)
            u, v = left + i * (width + gaps[0]), low + j * (height + gaps[1])
            size: Size = (width, height, thick)
            edge = builder.s.mat((builder.u(0.1, 0.95),) * 3)
            builder.s.shape(BOX, stretch.at(u + width / 2, v + height / 2, thick / 2), size, stretch.angle, edge)
            builder.s.quad(*stretch.cover((u, u + width), (v, v + height), thick + 0.001), face)


def _face(builder: Builder) -> int:
    """Material of a sheet: text, a picture, or plain."""
    kind, scene = builder.rng.random(), builder.s
    if kind < 0.45:
        return scene.mat(WHITE, scene.texture(written(builder.rng)), spec=0.04 if builder.chance(0.15) else 0)
    if kind < 0.85:
        return scene.mat(WHITE, scene.texture(picture(builder.rng)), spec=0.05 if builder.chance(0.2) else 0)
    return builder.plain()
