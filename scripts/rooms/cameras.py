"""Where cameras of each kind of room stand and look [m, rad]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from busy import BusyPlace
from classes import ClassRoom
from desks import Desks
from places import Top
from render import SIZE
from room import Builder, Foot
from things import Things

WIDE, USUAL = (48, 95), (52, 75)
"""Horizontal fields of view [deg]."""
WIDE_SHARE = 0.35
ASPECTS = (4 / 3, 16 / 9, 1.0)
"""Of the views, all of which become square pictures."""
ASPECT_SHARES = (0.7, 0.2, 0.1)
DESK_DISTANCE, DESK_ELEVATION = (0.35, 2.0), (-4, 62)
"""Of a camera from a spot on the desk [m], and above it [deg]."""
LOW, OVER_DESK = 12, (0.08, 0.35)
"""Elevation below which a camera looks at what stands on a desk [deg], and how high above the desk."""
DESK_SIDE = 75
"""Farthest from the front of a desk at a wall [deg]."""
LIVING_SHARE = 0.3
"""Of the views of desks and of busy places, those that look at a plant or at somebody, where there is one."""
LIVING_DISTANCE, THING_DISTANCE = (0.6, 3.8), (0.8, 3.8)
AROUND_HEIGHT = (0.4, 1.8)
"""Of a camera that looks at a plant, somebody or a thing."""
CLASS_HEIGHT, CLASS_YAW, CLASS_PITCH = (1.0, 2.2), 32, (-12, 8)
"""Of those who look along a class room: the angle's standard deviation, and mean and deviation of the pitch [deg]."""
CLASS_CLOSE, CLASS_LOW = (0.35, 1.0), (-4, 25)
"""Distance and elevation of those who look from near by at what stands on a desk, the room behind it."""
STEEP_HEIGHT = (0.9, 1.9)
STEEP_PITCH = (-32, 16)
"""Mean and standard deviation [deg]."""
WALL_DISTANCE, WALL_HEIGHT = (0.9, 3.6), (0.9, 1.9)
WALL_SIDE = (35, 72)
"""Standard deviation and limit of the angle to the wall's normal [deg]."""


@dataclass(frozen=True)
class View:
    """A camera.

    Attributes:
        packed: float32 (16,), as the renderer takes it: eye, right, down, forward, fx, fy, cx, cy [px] of SIZE x SIZE.
        description: What the sample's JSON says of it.
    """

    packed: np.ndarray
    description: dict[str, float | int | str]


def framed(rng: np.random.Generator, eye: np.ndarray, yaw: float, pitch: float, roll: float) -> View:
    """A view of a random field of view and aspect; pitch is positive upwards."""
    field = np.radians(rng.uniform(*(WIDE if rng.random() < WIDE_SHARE else USUAL)))
    aspect = rng.choice(ASPECTS, p=ASPECT_SHARES)
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    level = np.cross(forward, [0, 1, 0])
    level /= np.linalg.norm(level)
    below = np.cross(forward, level)
    right = level * np.cos(roll) + below * np.sin(roll)
    down = below * np.cos(roll) - level * np.sin(roll)
    fx = SIZE / 2 / np.tan(field / 2)
    packed = np.array([*eye, *right, *down, *forward, fx, fx * aspect, SIZE / 2, SIZE / 2], np.float32)
    description = {
        "fx": round(float(fx), 3),
        "fy": round(float(fx * aspect), 3),
        "cx": SIZE / 2,
        "cy": SIZE / 2,
        "aspect": round(float(aspect), 4),
        "camera_height": round(float(eye[1]), 3),
        "pitch_deg": round(float(np.degrees(pitch)), 2),
        "roll_deg": round(float(np.degrees(roll)), 2),
    }
    return View(packed, description)


def aimed(rng: np.random.Generator, eye: np.ndarray, target: np.ndarray, roll_deg: float, aim_deg: float) -> View:
    """A view of about a target; both angles are standard deviations."""
    x, y, z = target - eye
    yaw = np.arctan2(x, z) + np.radians(rng.normal(0, aim_deg))
    pitch = np.arctan2(y, np.hypot(x, z)) + np.radians(rng.normal(0, aim_deg))
    return framed(rng, eye, yaw, pitch, np.radians(np.clip(rng.normal(0, roll_deg), -45, 45)))


def at_desk(rng: np.random.Generator, rooms: Desks | BusyPlace) -> View | None:
    """A look at a desk from near by, from the front where it stands at a wall; None where there is no desk."""
    return _close(rng, rooms.desks, DESK_DISTANCE, DESK_ELEVATION) if rooms.desks else None


def _close(
    rng: np.random.Generator, tops: list[Top], distances: tuple[float, float], elevations: tuple[float, float]
) -> View:
    """A look at one of these tops, or at what stands on it."""
    top = tops[rng.integers(len(tops))]
    width, height, depth = top.size
    elevation = rng.uniform(*elevations)
    x, y = rng.uniform(-0.4, 0.4) * width, height + rng.uniform(*(OVER_DESK if elevation < LOW else (-0.05, 0.25)))
    target = top.at(x, y, rng.uniform(-0.4, 0.4) * depth)
    distance = np.exp(rng.uniform(*np.log(distances)))
    up = np.radians(elevation)
    around = rng.uniform(0, 2 * np.pi) if top.free else np.radians(rng.uniform(-DESK_SIDE, DESK_SIDE))
    side = top.angle + around
    away = np.array([np.sin(side) * np.cos(up), np.sin(up), np.cos(side) * np.cos(up)])
    return aimed(rng, target + distance * away, target, 14, 7)


def at_living(rng: np.random.Generator, rooms: Desks | BusyPlace) -> View | None:
    """A look at a plant or at somebody from anywhere around; None where there is nobody, and most times."""
    if not rooms.living or rng.random() > LIVING_SHARE:
        return None
    foot = rooms.living[rng.integers(len(rooms.living))]
    distance = np.exp(rng.uniform(*np.log(LIVING_DISTANCE)))
    return _around(rng, foot, foot.y[1], distance, lowest=0.2)


def _around(rng: np.random.Generator, foot: Foot, height: float, distance: float, *, lowest: float) -> View:
    """A look from any side at what stands on the floor, from ``lowest`` of its height up."""
    side = rng.uniform(0, 2 * np.pi)
    x, z = foot.c + distance * np.array([np.sin(side), np.cos(side)])
    eye = np.array([x, rng.uniform(*AROUND_HEIGHT), z])
    target = np.array([foot.c[0], rng.uniform(lowest, 0.9) * height, foot.c[1]])
    return aimed(rng, eye, target, 8, 9)


def at_desk_room(rng: np.random.Generator, rooms: Desks) -> View | None:
    """A look at a desk, or at a plant or somebody."""
    return at_living(rng, rooms) or at_desk(rng, rooms)


def at_thing(rng: np.random.Generator, rooms: Things) -> View | None:
    """A look at a bulky thing from anywhere around it; None where there is none."""
    if not rooms.bulky:
        return None
    foot, height = rooms.bulky[rng.integers(len(rooms.bulky))]
    return _around(rng, foot, height, rng.uniform(*THING_DISTANCE), lowest=0.1)


def steeply(rng: np.random.Generator, rooms: Builder) -> View:
    """A look down from anywhere in the room."""
    x, z = rooms.main.random_point(rng, 0.2)
    eye = np.array([x, rng.uniform(*STEEP_HEIGHT), z])
    yaw = rng.uniform(0, 2 * np.pi)
    pitch = np.clip(rng.normal(*STEEP_PITCH), -75, 5)
    return framed(rng, eye, yaw, np.radians(pitch), np.radians(np.clip(rng.normal(0, 9), -30, 30)))


def at_busy_place(rng: np.random.Generator, rooms: BusyPlace) -> View | None:
    """A look at a plant or somebody, a counter, a table, a full wall, or one across a table; None where nothing is."""
    view = at_living(rng, rooms)
    if view:
        return view
    if not rooms.full_walls or (rooms.desks and rng.random() < 0.3):
        return at_desk(rng, rooms)
    stretch, top = rooms.full_walls[rng.integers(len(rooms.full_walls))]
    tables = [table for table in rooms.desks if table.free]
    if tables and rng.random() < 0.5:
        table = tables[rng.integers(len(tables))].foot.c
        target = stretch.at(rng.uniform(0.1, 0.9) * stretch.length, rng.uniform(0.5, 1.5))
        away = table - target[[0, 2]]
        x, z = table + away / np.hypot(*away) * rng.uniform(0.3, 1.4) + rng.normal(0, 0.15, 2)
        return aimed(rng, np.array([x, rng.uniform(1.0, 1.9), z]), target, 9, 9)
    target = stretch.at(rng.uniform(0.05, 0.95) * stretch.length, rng.uniform(top - 0.3, top + 0.75))
    distance = np.exp(rng.uniform(*np.log(WALL_DISTANCE)))
    spread, limit = WALL_SIDE
    side = np.radians(np.clip(rng.normal(0, spread), -limit, limit))
    eye = target + (stretch.wall.n3 * np.cos(side) + stretch.wall.t3 * np.sin(side)) * distance
    eye[1] = rng.uniform(*WALL_HEIGHT)
    return aimed(rng, eye, target, 9, 10)


def in_class(rng: np.random.Generator, rooms: ClassRoom) -> View | None:
    """A look along the rows or from a wall, from near by at what is on a desk, or at a desk, a plant or somebody."""
    kind = rng.random()
    if kind < 0.2 and rooms.desks:
        return _close(rng, rooms.desks, CLASS_CLOSE, CLASS_LOW)
    if kind < 0.35:
        return at_desk_room(rng, rooms)
    if kind < 0.6:
        wall = rooms.main.walls[rng.integers(4)]
        eye = wall.at(rng.uniform(0.05, 0.95) * wall.len, 0, -rng.uniform(0.2, 0.7))
        yaw = wall.ang
    else:
        turned = rng.choice([0, np.pi, np.pi / 2, -np.pi / 2], p=[0.25, 0.45, 0.15, 0.15])
        ahead, sideways = np.array([np.sin(turned), np.cos(turned)]), np.array([np.cos(turned), -np.sin(turned)])
        x, z = (rng.uniform(-0.47, 0.1) * ahead + rng.uniform(-0.45, 0.45) * sideways) * rooms.floor.size[::2]
        eye, yaw = rooms.floor.at(x, 0, z), rooms.facing + turned
    eye[1] = rng.uniform(*CLASS_HEIGHT)
    yaw += np.radians(rng.normal(0, CLASS_YAW))
    pitch = np.radians(np.clip(rng.normal(*CLASS_PITCH), -45, 15))
    return framed(rng, eye, yaw, pitch, np.radians(np.clip(rng.normal(0, 7), -25, 25)))
