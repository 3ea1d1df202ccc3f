"""What lies and stands on desks, tables and counters [m, rad]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import textures
from machines import add_laptop, add_screens
from places import Spots, Top
from plants import add_plant
from printed import WHITE, print_of
from room import Builder
from scene import BOX, CONE, TUBE, turn

BUSY = (0.2, 1.6)
"""A desk's own factor of all that follows."""
LAPTOP = 0.3
"""Chance of one."""
PAPER = (0.21, 0.297)
CABLES = 1.3
"""On average."""
STEP = 0.035
"""Of a cable, from one bend to the next."""
PLANT_HEIGHT = (0.15, 0.6)
"""With its pot."""
PLANT_RADIUS = 0.16
"""That one takes; its leaves reach as far."""
SMALL = 2.5
"""Models of small things on average, on a desk of factor 1."""


def fill_top(builder: Builder, top: Top) -> Spots:
    """Put things on a top of about a desk's size; the spots that they take."""
    spots, rng = Spots(builder, top), builder.rng
    add_screens(builder, top, spots)
    if builder.chance(LAPTOP):
        for x, z in spots.some(1, 0.22, -0.2, 0.8):
            add_laptop(builder, top, x, z)
    busy = builder.u(*BUSY)
    for add, average, radius in LYING:
        for x, z in spots.some(rng.poisson(average * busy), radius):
            add(builder, top, x, z)
    for _ in range(rng.poisson(CABLES)):
        _cable(builder, top)
    for x, z in spots.some(rng.poisson(SMALL * busy), 0.12):
        builder.small_on(top.foot, top.angle, x, z, top.size[1], 0.26, 0.5)
    return spots


def _paper(builder: Builder, top: Top, x: float, z: float) -> None:
    """A sheet, a pile of them or a booklet, with print on it."""
    scene, rng, y = builder.s, builder.rng, top.size[1]
    width, depth = np.array(PAPER) * builder.u(0.6, 1.05)
    thick = builder.u(0.0015, 0.004) if builder.chance(0.7) else builder.u(0.005, 0.03)
    angle = top.angle + rng.normal() * (0.2 if builder.chance(0.6) else 1.0)
    scene.shape(BOX, top.at(x, y + thick / 2, z), (width, thick, depth), angle, scene.mat((0.9,) * 3))
    face = scene.mat(WHITE, print_of(builder, 0.75), spec=0.04 if builder.chance(0.2) else 0)
    rotation = turn(angle)
    corner = top.at(x, y + thick + 0.0004, z) + rotation @ np.array([-width / 2, 0, depth / 2])
    scene.quad(corner, rotation @ np.array([width, 0, 0]), rotation @ np.array([0, 0, -depth]), face)


def _books(builder: Builder, top: Top, x: float, z: float) -> None:
    """A pile of up to five books."""
    y = top.size[1]
    for _ in range(builder.rng.integers(1, 6)):
        thick = builder.u(0.01, 0.05)
        where = top.at(x + builder.u(-0.01, 0.01), y + thick / 2, z + builder.u(-0.01, 0.01))
        size = (builder.u(0.13, 0.22), thick, builder.u(0.18, 0.3))
        builder.s.shape(BOX, where, size, top.angle + builder.rng.normal() * 0.25, builder.plain())
        y += thick


def _vessel(builder: Builder, top: Top, x: float, z: float) -> None:
    """A mug or tin, or a bottle with a neck."""
    scene = builder.s
    radius, height = builder.u(0.03, 0.05), builder.u(0.08, 0.13)
    where = top.at(x, top.size[1] + height / 2, z)
    surface = builder.plain()
    scene.shape(builder.choice([TUBE, TUBE, CONE]), where, (2 * radius, height, 2 * radius), 0, surface)
    if builder.chance(0.3):
        scene.shape(TUBE, where + np.array([0, height / 2 + 0.05, 0]), (radius * 0.8, 0.1, radius * 0.8), 0, surface)


def _flat(builder: Builder, top: Top, x: float, z: float) -> None:
    """A pen, a phone or a ruler."""
    if builder.chance(0.6):
        size = (builder.u(0.006, 0.012), 0.008, 0.14)
    elif builder.chance(0.5):
        size = (0.07, 0.009, 0.145)
    else:
        size = (0.035, 0.003, 0.3)
    where = top.at(x, top.size[1] + size[1] / 2, z)
    builder.s.shape(BOX, where, size, builder.u(0, 2 * np.pi), builder.plain())


def _plant(builder: Builder, top: Top, x: float, z: float) -> None:
    """A small plant in its pot."""
    height = builder.u(*PLANT_HEIGHT)
    reach = min(PLANT_RADIUS, height * builder.u(0.25, 0.5))
    add_plant(builder, top.at(x, top.size[1], max(z, reach - top.size[2] / 2)), height, reach)


LYING: tuple[tuple[Callable[[Builder, Top, float, float], None], float, float], ...] = (
    (_paper, 3.0, 0.12),
    (_books, 1.2, 0.14),
    (_vessel, 1.2, 0.05),
    (_flat, 1.5, 0.03),
    (_plant, 0.2, PLANT_RADIUS),
)
"""What adds it, how many on average on a desk of factor 1, and the radius that one takes."""


def _cable(builder: Builder, top: Top) -> None:
    """A cable that winds over the top, up to its edge."""
    scene, rng = builder.s, builder.rng
    width, height, depth = top.size
    x, z, angle = builder.u(-0.45, 0.45) * width, builder.u(-0.45, 0.45) * depth, builder.u(0, 2 * np.pi)
    colour = (builder.u(0.02, 0.15),) * 3 if builder.chance(0.7) else builder.colour()
    surface, radius = scene.mat(colour), builder.u(0.002, 0.004)
    bend = rng.normal() * 0.15
    for _ in range(rng.integers(8, 30)):
        end = x + STEP * np.sin(angle), z + STEP * np.cos(angle)
        if abs(end[0]) > width / 2 - 0.01 or abs(end[1]) > depth / 2 - 0.01:
            break
        where = top.at((x + end[0]) / 2, height + radius, (z + end[1]) / 2)
        scene.shape(BOX, where, (2 * radius, 2 * radius, STEP + 0.005), top.angle + angle, surface)
        (x, z), angle = end, angle + bend + rng.normal() * 0.2


def add_standing(builder: Builder, top: Top, x: float, z: float, most: float) -> None:
    """A packet, a card that leans, a tin, or a small model, up to ``most`` high."""
    kind = builder.rng.random()
    angle = top.angle + builder.rng.normal() * 0.35
    y = top.size[1]
    if kind < 0.35:
        size = (builder.u(0.05, 0.25), builder.u(0.06, min(0.35, most)), builder.u(0.03, 0.14))
        face = builder.s.texture(textures.picture(builder.rng))
        surface = builder.s.mat(WHITE, face, spec=builder.u(0, 0.06))
        builder.s.shape(BOX, top.at(x, y + size[1] / 2, z), size, angle, surface)
    elif kind < 0.65:
        _card(builder, top.at(x, y, z), angle, most)
    elif kind < 0.8:
        radius, height = builder.u(0.025, 0.07), builder.u(0.06, min(0.3, most))
        form, where = builder.choice([TUBE, CONE]), top.at(x, y + height / 2, z)
        builder.s.shape(form, where, (2 * radius, height, 2 * radius), 0, builder.plain())
    else:
        builder.small_on(top.foot, top.angle, x, z, y, 0.3, most)


def _card(builder: Builder, foot: np.ndarray, angle: float, most: float) -> None:
    """A card, booklet or tablet that leans back; foot is the middle of its lower edge."""
    scene, rotation = builder.s, turn(angle)
    width, height = builder.u(0.08, 0.24), builder.u(0.1, min(0.32, most))
    lean = builder.u(0.05, 0.4)
    up = rotation @ np.array([0, np.cos(lean), -np.sin(lean)]) * height
    across = rotation @ np.array([width, 0, 0])
    corner = foot + rotation @ np.array([-width / 2, 0, 0])
    scene.quad(corner, across, up, scene.mat(WHITE, print_of(builder, 0.6)))
    back = scene.mat((builder.u(0.5, 0.95),) * 3)
    scene.quad(corner + rotation @ np.array([0, 0, -0.004]), across, up, back)
