"""Round and bent forms that the renderer's shapes cannot make: skins over rings, and leaves [m, rad]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scene import BALL, BOX, Scene, turn

AROUND = 12
"""Corners of a ring of a skin."""
RINGS = 5
"""Of a leaf, from its stalk to its tip."""
CLOTH = 0.35
"""Length and girth that one repeat of a texture covers."""
UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Place:
    """Axes of a thing in the room, in which its forms are given: x to its left, y up, z to its front.

    Attributes:
        scene: That takes the forms.
        origin: In the room, (3,).
        angle: 0: the front looks along the room's z.
    """

    scene: Scene
    origin: np.ndarray
    angle: float

    def skin(self, points: np.ndarray, radii: np.ndarray, surface: int, bulge: float = 0.6) -> None:
        """A closed skin over elliptic rings.

        Args:
            points: Middles of the rings (N, 3), N >= 2.
            radii: Of each to the sides and to front and back (N, 2), or (N,) for circles.
            surface: Material.
            bulge: How far the ends are rounded, as share of their radius; 0: flat.
        """
        points, radii = np.asarray(points, float), np.asarray(radii, float)
        radii = np.stack([radii, radii], 1) if radii.ndim == 1 else radii
        ends = _directions(points)[[0, -1]] * radii[[0, -1]].mean(1)[:, None] * bulge
        points = np.vstack([points[0] - ends[0], points[0] - ends[0] * 0.7, points, points[-1] + ends[1] * 0.7])
        points = np.vstack([points, points[-1] + ends[1] * 0.3])
        share = 0.7 if bulge else 1.0
        radii = np.vstack([radii[0] * 0, radii[0] * share, radii, radii[-1] * share, radii[-1] * 0])
        self._add(*_tube(points, radii), surface)

    def ball(self, centre: np.ndarray, size: np.ndarray, surface: int) -> None:
        """An ellipsoid of such diameters (3,)."""
        vertices, faces, uv = BALL
        self._add(vertices * np.asarray(size) + np.asarray(centre), faces, uv, surface)

    def box(self, centre: np.ndarray, size: np.ndarray, surface: int) -> None:
        """A box of such sides (3,)."""
        vertices, faces, uv = BOX
        self._add(vertices * np.asarray(size) + np.asarray(centre), faces, uv, surface)

    def leaves(self, leaves: Leaves, surfaces: np.ndarray) -> None:
        """Leaves, each of its material (N,)."""
        vertices, faces, uv = leaves.mesh()
        self._add(vertices, faces, uv, np.repeat(surfaces, len(faces) // len(surfaces)))

    def at(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of these axes, in the room's."""
        return points @ turn(self.angle).T + self.origin

    def _add(self, vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray, surface: int | np.ndarray) -> None:
        self.scene.add(self.at(vertices), faces, uv, surface)


def _directions(points: np.ndarray) -> np.ndarray:
    """Of a line of points at each, of length 1 (N, 3); points that are one have the direction of the nearest other."""
    steps = np.diff(points, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True) + 1e-9
    along = np.vstack([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    known = np.flatnonzero(np.linalg.norm(along, axis=1) > 0.5)
    return along[known[abs(np.arange(len(along))[:, None] - known).argmin(1)]]


def _tube(points: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces and texture coordinates of rings (N, 3) joined to each other."""
    count, along = len(points), _directions(points)
    along[[0, -1]] = along[[1, -2]]
    side = np.array([1.0, 0, 0]) if abs(along[:, 0]).max() < 0.95 else np.array([0, 0, 1.0])
    across = side - along * (along @ side)[:, None]
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    third = np.cross(across, along)
    turns = np.linspace(0, 2 * np.pi, AROUND + 1)
    rings = across[:, None] * (radii[:, :1] * np.cos(turns))[..., None]
    rings = rings + third[:, None] * (radii[:, 1:] * np.sin(turns))[..., None] + points[:, None]
    first = (np.arange(count - 1)[:, None] * (AROUND + 1) + np.arange(AROUND)).ravel()
    over = first + AROUND + 1
    faces = np.concatenate([np.stack([first, first + 1, over + 1], 1), np.stack([first, over + 1, over], 1)])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    girth = 2 * np.pi * radii.max() * np.linspace(0, 1, AROUND + 1)
    uv = np.stack(np.broadcast_arrays(girth, length[:, None]), -1).reshape(-1, 2) / CLOTH
    return rings.reshape(-1, 3), faces, uv[faces]


@dataclass(frozen=True)
class Leaves:
    """Bent and folded blades, N of them.

    Attributes:
        bases: Where they begin (N, 3).
        directions: Of length 1 (N, 3); none straight up.
        lengths, widths: (N,).
        droop: Share of its length by which a tip hangs below its line.
        fold: Height of both edges over the middle, as share of half the width.
        widest: Share of the length where they are widest.
    """

    bases: np.ndarray
    directions: np.ndarray
    lengths: np.ndarray
    widths: np.ndarray
    droop: float
    fold: float
    widest: float

    def mesh(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertices, faces and texture coordinates; each leaf has as many."""
        count, t = len(self.bases), np.linspace(0, 1, RINGS)
        line = self.directions[:, None] * t[:, None] - UP * (self.droop * t**2)[:, None]
        middle = self.bases[:, None] + line * self.lengths[:, None, None]
        side = np.cross(self.directions, UP)
        side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
        over = np.cross(side, self.directions)
        profile = np.sin(np.pi * t ** (np.log(0.5) / np.log(self.widest))).clip(0) + 0.03
        half = (self.widths[:, None] * profile / 2)[..., None]
        edges = [middle + half * (sign * side + self.fold * over)[:, None] for sign in (-1, 1)]
        vertices = np.stack([edges[0], middle, edges[1]], 2).reshape(-1, 3)
        corner = (np.arange(RINGS - 1)[:, None] * 3 + np.arange(2)).ravel()
        two = [np.stack([corner, corner + 1, corner + 4], 1), np.stack([corner, corner + 4, corner + 3], 1)]
        one = np.concatenate(two)
        faces = (np.arange(count)[:, None, None] * (RINGS * 3) + one).reshape(-1, 3)
        uv = np.stack(np.meshgrid([0, 0.5, 1], t), -1).reshape(-1, 2)
        return vertices, faces, np.tile(uv[one], (count, 1, 1))
