"""Plants and people in a room: how many, and where [m, rad]."""

from __future__ import annotations

import numpy as np
from forms import Place
from people import add_sitting, add_upright
from places import Search, Size, Top, square_on
from plants import add_plant
from room import Builder, Foot, Room
from scene import turn

PLANTS, PEOPLE = 0.4, 0.3
"""Chance that a room has plants on its floor, and people; some find no room."""
PLANT_COUNT, PEOPLE_COUNT = (1, 4), (1, 3)
"""Where there are any, the upper end excluded."""
PLANT_HEIGHT, PLANT_REACH = (0.4, 2.0), (0.2, 0.42)
"""On floors; the reach as share of the height."""
WIDEST_PLANT = 0.65
AT_WALL = 0.5
"""Chance that a plant stands before a wall."""
TALLEST = 1.95
UPRIGHT: Size = (0.8, TALLEST, 1.2)
"""Room that somebody who stands takes."""
SITTING: Size = (0.8, 1.5, 1.2)
SEATED = 0.3
"""Chance that somebody in a room sits away from a desk."""
FORWARD = 0.25
"""From the middle of the room that a sitting person takes back to the hips."""
BELOW_DESK = (0.35, 0.6)
"""Of that room."""
TRIES = 6
"""Places at a desk that are looked through for somebody."""


def add_living(builder: Builder, room: Room) -> list[Foot]:
    """Plants and people on the floor, where there is room; what they take, with their heights."""
    feet: list[Foot | None] = []
    if builder.chance(PLANTS):
        feet += [_plant(builder, room) for _ in range(builder.rng.integers(*PLANT_COUNT))]
    if builder.chance(PEOPLE):
        feet += [add_person(builder, room) for _ in range(builder.rng.integers(*PEOPLE_COUNT))]
    return [foot for foot in feet if foot is not None]


def _plant(builder: Builder, room: Room) -> Foot | None:
    height = np.exp(builder.u(*np.log(PLANT_HEIGHT)))
    height = min(height, builder.height - 0.3)
    reach = min(WIDEST_PLANT, height * builder.u(*PLANT_REACH))
    size = (2 * reach, height, 2 * reach)
    spot = builder.against(room, size, 0.02) if builder.chance(AT_WALL) else None
    if spot:
        wall, begin, foot = spot
        wall.used.append((begin, begin + size[0], 0, height))
    else:
        found = Search(lambda: 0.0, reach + 0.05, inside=0.02, gap=0.03).place(builder, room, size)
        if not found:
            return None
        foot, _ = found
    builder.foot.append(foot)
    add_plant(builder, np.array([foot.c[0], 0, foot.c[1]]), height, reach)
    return foot


def add_person(builder: Builder, room: Room) -> Foot | None:
    """Somebody on the floor who stands, walks or sits, and what they take; None where there is no room."""
    sits = builder.chance(SEATED)
    angle = (lambda: square_on(builder, 0.3)) if sits else (lambda: builder.u(0, 2 * np.pi))
    found = Search(angle, 0.4, inside=0.02, gap=0.05).place(builder, room, SITTING if sits else UPRIGHT)
    if not found:
        return None
    foot, facing = found
    (_sit if sits else _stand)(builder, foot, facing)
    return foot


def seat_at(builder: Builder, room: Room, top: Top, skip: Foot | None = None) -> Foot | None:
    """Somebody who sits at the front of a desk, and what they take; None where there is no room.

    Their knees may be below ``skip``, which is the desk's own foot unless given.
    """
    width, _, depth = top.size
    desk = skip or top.foot
    for _ in range(TRIES):
        facing = top.angle + np.pi + builder.rng.normal() * 0.2
        below = builder.u(BELOW_DESK[0], min(BELOW_DESK[1], depth - 0.05))
        x, _, z = top.at(builder.u(-0.25, 0.25) * width, 0, (depth + SITTING[2]) / 2 - below)
        foot = Foot(x, z, SITTING[0] / 2, SITTING[2] / 2, facing, 0, SITTING[1])
        if builder.room_of(room, foot, 0.02) and not builder.taken(foot, 0.0, skip=desk):
            _sit(builder, foot, facing, desk)
            return foot
    return None


def _sit(builder: Builder, foot: Foot, facing: float, desk: Foot | None = None) -> None:
    builder.foot.append(foot)
    hips = turn(facing) @ np.array([0, 0, -FORWARD], np.float32) + np.array([foot.c[0], 0, foot.c[1]])
    add_sitting(builder, Place(builder.s, hips, facing), desk)


def _stand(builder: Builder, foot: Foot, facing: float) -> None:
    builder.foot.append(foot)
    add_upright(builder, Place(builder.s, np.array([foot.c[0], 0, foot.c[1]]), facing))
