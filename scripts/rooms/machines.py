"""Screens, keyboards, mice and laptops on a top [m, rad]."""

from __future__ import annotations

import numpy as np
import textures
from places import INSET, Spots, Top
from room import Builder, Foot
from scene import BALL, BOX, turn

SCREENS = (0.2, 0.35, 0.33, 0.12)
"""Chances of 0, 1, 2 and 3 screens side by side."""
RADIUS = 0.2
"""That a screen and a keyboard keep free."""
TOWER_RADIUS = 0.24
"""That a computer keeps free on a desk."""
MOUSE = (0.06, 0.035, 0.1)
KEY = 0.021
"""From one key to the next."""
ROWS = 5


def add_screens(builder: Builder, top: Top, spots: Spots) -> None:
    """Screens in a row at the back, most with a keyboard and a mouse before them."""
    width, height, depth = top.size
    count = int(builder.rng.choice(len(SCREENS), p=SCREENS))
    for i in range(count):
        x = -width / 2 + width * (i + 0.5) / count + builder.u(-0.1, 0.1)
        z = -depth * builder.u(0.1, 0.32)
        spots.take(x, z, RADIUS)
        builder.screen(top.foot, top.angle, x, z, height)
        if not builder.chance(0.8):
            continue
        x, z = x + builder.u(-0.15, 0.15), min(depth / 2 - 0.09, z + builder.u(0.25, 0.45))
        spots.take(x, z, RADIUS)
        _keyboard(builder, top, x, z)
        if builder.chance(0.8):
            where = top.at(x + builder.u(0.26, 0.34), height + 0.014, z + builder.u(-0.05, 0.08))
            builder.s.shape(BALL, where, MOUSE, top.angle + builder.rng.normal() * 0.3, builder.plain())


def _keyboard(builder: Builder, top: Top, x: float, z: float) -> None:
    scene = builder.s
    angle = top.angle + builder.rng.normal() * 0.12
    dark = builder.chance(0.6)
    base = scene.mat((builder.u(0.03, 0.2) if dark else builder.u(0.6, 0.9),) * 3)
    keys = scene.mat((builder.u(0.05, 0.25) if dark else builder.u(0.7, 0.95),) * 3)
    centre, rotation = top.at(x, top.size[1], z), turn(angle)
    width, depth = builder.u(0.28, 0.46), builder.u(0.11, 0.16)
    scene.shape(BOX, centre + np.array([0, 0.008, 0]), (width, 0.016, depth), angle, base)
    columns = int(width / KEY)
    across, down = width * 0.96 / columns, depth * 0.9 / ROWS
    for row in range(ROWS):
        for column in range(columns):
            key = [(column + 0.5) * across - width * 0.48, 0.019, (row + 0.5) * down - depth * 0.45]
            where = centre + rotation @ np.array(key, np.float32)
            scene.shape(BOX, where, (across * 0.8, 0.006, down * 0.8), angle, keys)


def add_tower(builder: Builder, top: Top, spots: Spots, side: int, desk: Foot) -> None:
    """A computer below a desk at that side (-1 or 1) of a part of it, or on that part; none where there is no room."""
    width, height, depth = top.size
    size = np.array([builder.u(0.15, 0.22), builder.u(0.3, 0.46), min(builder.u(0.35, 0.46), depth - 0.1)])
    x, z = side * (width / 2 - size[0] / 2 - builder.u(0.12, 0.2)), (depth - size[2]) / 2 - builder.u(0.03, 0.2)
    z, middle = max(z, (size[2] - depth) / 2 + 0.04), top.at(x, 0, z)
    foot = Foot(middle[0], middle[2], size[0] / 2, size[2] / 2, top.angle, 0, size[1])
    if builder.chance(0.6) and size[1] < height - 0.1 and not builder.taken(foot, 0.02, skip=desk):
        builder.foot.append(foot)
        _tower(builder, top.at(x, 0.01, z), top.angle, size)
        return
    inside = (depth - size[2]) / (depth - 2 * INSET * TOWER_RADIUS)
    for x, z in spots.some(1, TOWER_RADIUS, -inside, inside):
        _tower(builder, top.at(x, height, z), top.angle, size)


def _tower(builder: Builder, foot: np.ndarray, angle: float, size: np.ndarray) -> None:
    """A computer; foot is the middle of its base."""
    dark = builder.chance(0.7)
    body = builder.s.mat((builder.u(0.02, 0.15) if dark else builder.u(0.6, 0.9),) * 3, spec=0.03)
    front = builder.s.mat((builder.u(0.02, 0.3),) * 3, spec=0.06)
    middle = foot + np.array([0, size[1] / 2, 0])
    angle += builder.rng.normal() * 0.03
    face = middle + turn(angle) @ np.array([0, 0, size[2] / 2])
    builder.s.shape(BOX, middle, size, angle, body)
    builder.s.shape(BOX, face, size * (0.8, builder.u(0.4, 0.9), 0.02), angle, front)


def add_laptop(builder: Builder, top: Top, x: float, z: float) -> None:
    """An open laptop, its screen off or showing a picture."""
    scene = builder.s
    angle = top.angle + builder.rng.normal() * 0.3
    body = scene.mat((builder.u(0.05, 0.7),) * 3, spec=0.05)
    centre, rotation = top.at(x, top.size[1], z), turn(angle)
    width, depth = builder.u(0.28, 0.38), builder.u(0.2, 0.26)
    scene.shape(BOX, centre + np.array([0, 0.01, 0]), (width, 0.02, depth), angle, body)
    keys = centre + np.array([0, 0.0215, 0]) + rotation @ np.array([0, 0, -depth * 0.15], np.float32)
    scene.shape(BOX, keys, (width * 0.9, 0.003, depth * 0.5), angle, scene.mat((0.05, 0.05, 0.06)))
    lean = builder.u(0.05, 0.6)
    up = rotation @ np.array([0, np.cos(lean), -np.sin(lean)], np.float32) * depth
    across = rotation @ np.array([width, 0, 0], np.float32)
    corner = centre + np.array([0, 0.02, 0]) + rotation @ np.array([-width / 2, 0, -depth / 2], np.float32)
    scene.quad(corner + rotation @ np.array([0, 0, -0.008], np.float32), across, up, body)
    scene.quad(corner, across, up, _lit(builder), glow=True)


def _lit(builder: Builder) -> int:
    """Material of a screen: dark and reflecting, or a picture that glows."""
    scene, black = builder.s, (0.03, 0.03, 0.03)
    if builder.chance(0.4):
        return scene.mat((0.03, 0.03, 0.035), spec=0.1, rough=0.02)
    picture = scene.texture(textures.picture(builder.rng))
    glow = np.array([1, 1, 1.1]) * builder.u(0.3, 1.5)
    return scene.mat(black, picture, glow=glow, spec=0.04, rough=0.02)
