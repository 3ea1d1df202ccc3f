"""People of simple forms, standing, walking and sitting [m, rad]; lengths of bodies are shares of their height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import textures
from forms import Place
from printed import WHITE
from room import Builder, Foot

THIGH, SHIN, ANKLE = 0.24, 0.245, 0.045
UPPER_ARM, FOREARM, HAND = 0.17, 0.15, 0.08
SPINE = (-0.01, 0.03, 0.11, 0.2, 0.265, 0.3)
"""Rings of the trunk, from the hips up."""
BREADTH = (0.1, 0.1, 0.086, 0.108, 0.1, 0.04)
THICKNESS = (0.074, 0.075, 0.062, 0.07, 0.052, 0.038)
HIPS = ((-0.05, 0.05, 0.05), (-0.02, 0.094, 0.07), (0.03, 0.096, 0.072))
"""Along the spine, breadth and thickness."""
SHOULDER = (0.105, 0.262)
"""To the side of the spine, and along it."""
PATTERNS = ((textures.stripes, 2.0), (textures.ornament, 1.0), (textures.carpet, 1.0), (textures.picture, 0.5))
SEAT = (0.42, 0.05, 0.42)
BACKLESS = 0.15
"""Chance that a chair has no back."""
TRIES = 20
"""Turns of an arm that are looked through before it hangs down."""
HANGING = (0.0, 0.12, 0.1, 0.0)
"""Turns of such an arm."""
OVER_DESK = 0.04
"""That the axis of an arm keeps from a desk."""


@dataclass(frozen=True)
class Person:
    """Somebody's materials and build.

    Attributes:
        place: Between the feet, or below the hips of those who sit.
        height: Standing.
        bulk: Factor of all breadths.
        skin, hair, upper, lower, shoes: Materials.
        sleeves, trousers: Whether they are long.
    """

    place: Place
    height: float
    bulk: float
    skin: int
    hair: int
    upper: int
    lower: int
    shoes: int
    sleeves: bool
    trousers: bool

    def limb(self, points: list, radii: list[float], surface: int) -> None:
        """Part of an arm or leg; shares of the height."""
        self.place.skin(np.array(points) * self.height, np.array(radii) * self.height * self.bulk, surface)

    def ball(self, centre: np.ndarray, size: tuple[float, float, float], surface: int) -> None:
        """Shares of the height."""
        self.place.ball(np.asarray(centre) * self.height, np.array(size) * self.height, surface)


def draw_person(builder: Builder, place: Place) -> Person:
    """Somebody, not in the room yet."""
    rng, mat = builder.rng, builder.s.mat
    tone = textures.hsv(builder.u(0.03, 0.09), builder.u(0.2, 0.65), builder.u(0.2, 0.97))
    hair = textures.hsv(builder.u(0.04, 0.12), builder.u(0.1, 0.6), rng.choice([0.05, 0.12, 0.3, 0.6, 0.8]))
    jeans = textures.hsv(builder.u(0.55, 0.65), builder.u(0.2, 0.7), builder.u(0.1, 0.5))
    lower = mat(jeans) if builder.chance(0.5) else _cloth(builder)
    shoes = mat((builder.u(0.02, 0.2),) * 3) if builder.chance(0.6) else mat(builder.colour())
    build = builder.u(1.45, 1.95), builder.u(0.9, 1.3)
    surfaces = mat(tone, spec=0.02), mat(hair), _cloth(builder), lower, shoes
    return Person(place, *build, *surfaces, builder.chance(0.6), builder.chance(0.85))


def _cloth(builder: Builder) -> int:
    """Material of clothes: plain or patterned."""
    if builder.chance(0.7):
        return builder.s.mat(builder.colour())
    return builder.s.mat(WHITE, builder.s.texture(textures.pick(builder.rng, PATTERNS)[1]))


def add_upright(builder: Builder, place: Place) -> None:
    """Somebody who stands or walks."""
    person = draw_person(builder, place)
    swing = builder.u(0.2, 0.5) if builder.chance(0.35) else builder.u(0, 0.08)
    thighs, bends = (swing, -swing * 0.8), (swing * 0.3, swing * builder.u(0.5, 1.6))
    drop = [THIGH * np.cos(a) + SHIN * np.cos(a - b) for a, b in zip(thighs, bends, strict=True)]
    hip = np.array([0, max(drop) + ANKLE, 0])
    for side, thigh, bend in zip((-1, 1), thighs, bends, strict=True):
        _leg(person, hip, (side, builder.u(0, 0.08)), thigh, bend)
    lean = builder.u(-0.05, 0.15)
    _trunk(builder, person, hip, lean)
    both = builder.chance(0.4), builder.u(0, 0.6), builder.u(0.3, 1.9)
    for side in (-1, 1):
        forward, bend = both[1:] if both[0] else (builder.u(-0.3, 0.6), builder.u(0.05, 1.2))
        turns = forward + side * swing * 0.7, builder.u(0.06, 0.35), bend, builder.u(0, 0.5)
        _arm(person, _joints(_shoulder(person, hip, side, lean), side, turns))


def add_sitting(builder: Builder, place: Place, desk: Foot | None = None) -> None:
    """Somebody on a chair, both made here, whose arms keep out of the desk before them."""
    person = draw_person(builder, place)
    slope = builder.u(-0.06, 0.1)
    hip = np.array([0, SHIN + ANKLE + THIGH * np.sin(slope) * 0.5, 0])
    for side in (-1, 1):
        thigh = np.pi / 2 - slope + builder.rng.normal() * 0.04
        _leg(person, hip, (side, builder.u(0, 0.2)), thigh, thigh + builder.u(-0.2, 0.4))
    lean = builder.u(-0.08, 0.4)
    _trunk(builder, person, hip, lean)
    for side in (-1, 1):
        _arm(person, _seated_arm(builder, person, _shoulder(person, hip, side, lean), side, desk))
    _chair(builder, place, (hip[1] - 0.05 * person.bulk) * person.height)


def _trunk(builder: Builder, person: Person, hip: np.ndarray, lean: float) -> None:
    """Trunk, neck and head, leaning forward so far."""
    along, bulk = np.array([0, np.cos(lean), np.sin(lean)]), np.array([person.bulk, person.bulk])
    rings = hip + np.array(SPINE)[:, None] * along
    widths = np.stack([BREADTH, THICKNESS], 1) * bulk
    person.place.skin(rings * person.height, widths * person.height, person.upper, bulge=0.15)
    hips = np.array(HIPS)
    person.place.skin((hip + hips[:, :1] * along) * person.height, hips[:, 1:] * bulk * person.height, person.lower)
    nod = lean * 0.4 + builder.rng.normal() * 0.12
    up = np.array([builder.rng.normal() * 0.08, np.cos(nod), np.sin(nod)])
    neck = hip + 0.29 * along
    head = neck + 0.1 * up + np.array([0, 0, 0.008])
    person.limb([neck, head], [0.033, 0.03], person.skin)
    person.ball(head, (0.09, 0.128, 0.108), person.skin)
    person.ball(head + np.array([0, -0.008, 0.055]), (0.016, 0.026, 0.022), person.skin)
    if builder.chance(0.93):
        person.ball(head + np.array([0, 0.018, -0.014]), (0.1, 0.12, 0.108), person.hair)
    if builder.chance(0.4):
        person.ball(head + np.array([0, -0.045, -0.042]), (0.105, 0.18, 0.07), person.hair)


def _leg(person: Person, hip: np.ndarray, side: tuple[float, float], thigh: float, bend: float) -> None:
    """A leg; the side is -1 or 1 and how far it is spread, thigh and bend turn it forward and back."""
    sign, spread = side
    top = hip + np.array([sign * 0.05, 0, 0])
    knee = top + THIGH * _down(thigh, sign * spread)
    ankle = knee + SHIN * _down(thigh - bend, 0)
    person.limb([top, (top + knee) / 2, knee], [0.056, 0.048, 0.036], person.lower)
    shin = person.lower if person.trousers else person.skin
    person.limb([knee, knee * 0.65 + ankle * 0.35, ankle], [0.034, 0.034, 0.022], shin)
    toe = ankle + np.array([sign * 0.015, -0.02, 0.085])
    person.limb([ankle + np.array([0, -0.015, -0.015]), toe], [0.028, 0.022], person.shoes)


def _shoulder(person: Person, hip: np.ndarray, side: int, lean: float) -> np.ndarray:
    """Where an arm begins (3,)."""
    beside, above = SHOULDER
    return hip + np.array([side * beside * person.bulk, above * np.cos(lean), above * np.sin(lean)])


def _joints(shoulder: np.ndarray, side: int, turns: tuple[float, float, float, float]) -> np.ndarray:
    """Shoulder, elbow, wrist and finger tips (4, 3) of an arm turned forward, outwards, at the elbow and inwards."""
    forward, out, bend, inwards = turns
    elbow = shoulder + UPPER_ARM * _down(forward, side * out)
    along = _down(forward + bend, -side * inwards)
    wrist = elbow + FOREARM * along
    return np.stack([shoulder, elbow, wrist, wrist + HAND * 0.8 * along])


def _seated_arm(builder: Builder, person: Person, shoulder: np.ndarray, side: int, desk: Foot | None) -> np.ndarray:
    """Joints of an arm that lies or reaches forward, above a desk or behind its edge."""
    for _ in range(TRIES):
        turns = builder.u(0.05, 0.95), builder.u(0.05, 0.4), builder.u(0.6, 1.3), builder.u(0, 0.5)
        joints = _joints(shoulder, side, turns)
        if desk is None or not _meets(person, joints, desk):
            return joints
    return _joints(shoulder, side, HANGING)


def _meets(person: Person, joints: np.ndarray, desk: Foot) -> bool:
    """Whether an arm is in a desk or below it."""
    at = np.linspace(0, 3, 25)
    axis = np.stack([np.interp(at, range(4), column) for column in joints.T], 1)
    room = person.place.at(axis * person.height)
    return any(y < desk.y[1] + OVER_DESK and desk.holds(x, z, OVER_DESK) for x, y, z in room)


def _arm(person: Person, joints: np.ndarray) -> None:
    """An arm of such joints (4, 3)."""
    shoulder, elbow, wrist, tips = joints
    person.limb([shoulder, (shoulder + elbow) / 2, elbow], [0.033, 0.03, 0.026], person.upper)
    forearm = person.upper if person.sleeves else person.skin
    person.limb([elbow, wrist], [0.026, 0.017], forearm)
    person.limb([wrist, tips], [0.018, 0.016], person.skin)


def _down(forward: float, out: float) -> np.ndarray:
    """Direction of a limb that hangs down, turned forward and sideways."""
    return np.array([np.sin(out), -np.cos(out) * np.cos(forward), np.cos(out) * np.sin(forward)])


def _chair(builder: Builder, place: Place, seat: float) -> None:
    """A chair whose seat is so high, on four legs or on one foot."""
    surface, leg = builder.plain(), builder.plain()
    width, thick, depth = SEAT
    place.box((0, seat - thick / 2, 0.03), SEAT, surface)
    if not builder.chance(BACKLESS):
        low, high = builder.u(0.05, 0.2), builder.u(0.35, 0.6)
        place.box((0, seat + (low + high) / 2, -depth / 2), (width * 0.95, high - low, 0.04), surface)
        place.box((0, seat + low / 2, -depth / 2), (0.06, low + 0.1, 0.025), leg)
    if builder.chance(0.5):
        for x in (-1, 1):
            for z in (-1, 1):
                place.box(
                    (x * width * 0.44, (seat - thick) / 2, 0.03 + z * depth * 0.44), (0.03, seat - thick, 0.03), leg
                )
        return
    place.skin([(0, 0.08, 0), (0, seat - thick, 0)], [0.03, 0.03], leg, bulge=0)
    for turns in np.arange(5) * 2 * np.pi / 5:
        end = 0.27 * np.array([np.sin(turns), 0, np.cos(turns)])
        place.skin([(0, 0.09, 0), end + np.array([0, 0.05, 0])], [0.025, 0.02], leg)
