"""The kinds of rooms, and which views of one are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import render
from busy import BusyPlace
from cameras import View, at_busy_place, at_desk_room, at_thing, in_class, steeply
from classes import ClassRoom
from desks import Desks
from room import Builder
from shares import KINDS
from things import Things

TRIES = 30
"""Cameras that are looked through for each view that is wanted."""
PREVIEW = 48
"""Width and height of the depth that decides [px]."""
BODY = 0.15
"""That a camera keeps from things, and a little less from walls [m]."""
TURN = 1.2
"""Views differ by where they stand, and by this much for a turn of one radian [m]."""


@dataclass(frozen=True)
class Kind:
    """One kind of rooms.

    Attributes:
        build: Makes a room from a seed and the furniture.
        camera: Draws a view, or None where the room has nothing to look at.
        accepts: Whether a view of such depth [m], float32 (H, W), 0 where nothing was hit, is wanted.
        interest: Chance to keep one, for kinds that stand before bare walls as well; None: all are kept.
        apart: Of two views [m].
        entropy: Least of the picture's brightness [bit].
        overexposed: Share of pictures.
    """

    build: Callable[[list[int], Any], Builder]
    camera: Callable[[np.random.Generator, Any], View | None]
    accepts: Callable[[np.ndarray], bool]
    interest: Callable[[np.ndarray], float] | None = None
    apart: float = 0.35
    entropy: float = 2.6
    overexposed: float = 0.0


def near_enough(depth: np.ndarray, median: float = 0.45, close: float = 0.45) -> bool:
    """Whether a view shows enough, and may do so from nearer by than in ordinary rooms.

    Args:
        depth: float32 (H, W) [m].
        median: Least of the depth [m].
        close: Largest share of it below 0.5 m.
    """
    hit = depth > 0
    if (~hit).mean() > 0.02:
        return False
    metres = depth[hit]
    if (metres < 0.22).mean() > 0.04 or (metres < 0.5).mean() > close or np.median(metres) < median:
        return False
    logs = np.log(metres)
    return bool(logs.std() > 0.09 and np.percentile(logs, 95) - np.percentile(logs, 5) > 0.22)


def near_desk(depth: np.ndarray) -> bool:
    """The same for views of desks, from nearer by still."""
    return near_enough(depth, median=0.35, close=0.8)


def _ordinary(rng: np.random.Generator, rooms: Builder) -> View:
    return View(*render.camera(rng, rooms.main))


def _steep_interest(depth: np.ndarray) -> float:
    return max(0.4, render.interest(depth))


def _class_interest(depth: np.ndarray) -> float:
    """Low before bare walls, wherever they are."""
    return float(np.clip((np.log(depth[depth > 0]).std() - 0.08) / 0.3, 0.15, 1))


OF_KIND = {
    "busy": Kind(BusyPlace, at_busy_place, near_enough),
    "desk": Kind(Desks, at_desk_room, near_desk, overexposed=0.4),
    "thing": Kind(Things, at_thing, near_enough, overexposed=0.4),
    "steep": Kind(Builder, steeply, near_enough, _steep_interest),
    "plain": Kind(Builder, _ordinary, render.acceptable, render.interest, apart=0.8, entropy=3.3),
    "class": Kind(ClassRoom, in_class, near_desk, _class_interest, overexposed=0.2),
}
assert tuple(OF_KIND) == KINDS


def pick_views(kind: Kind, rooms: Builder, scene: Any, rng: np.random.Generator, wanted: int) -> list[View]:
    """Up to ``wanted`` views of a room that differ; ``scene`` is the renderer's, finished."""
    views: list[View] = []
    poses: list[np.ndarray] = []
    for _ in range(wanted * TRIES):
        if len(views) == wanted:
            break
        view = kind.camera(rng, rooms)
        if view is None:
            break
        pose = np.array([*view.packed[:3], *(view.packed[9:12] * TURN)])
        if not (_stands_free(rooms, view) and _shows_enough(kind, scene, rng, view)):
            continue
        if all(np.linalg.norm(pose - other) >= kind.apart for other in poses):
            poses.append(pose)
            views.append(view)
    return views


def _stands_free(rooms: Builder, view: View) -> bool:
    """Whether a camera stands inside the room and in no thing."""
    x, y, z = view.packed[:3]
    if not rooms.main.inside(np.array([x, z]), 0.12) or not 0.1 <= y <= rooms.height - 0.25:
        return False
    solid = (foot for foot in rooms.foot if foot.kind == "solid" and foot.y[0] - 0.1 < y < foot.y[1] + 0.1)
    return not any(foot.holds(x, z, BODY) for foot in solid)


def _shows_enough(kind: Kind, scene: Any, rng: np.random.Generator, view: View) -> bool:
    depth = scene.depth(render.small(view.packed, PREVIEW), PREVIEW, PREVIEW)
    return kind.accepts(depth) and (kind.interest is None or rng.random() <= kind.interest(depth))
