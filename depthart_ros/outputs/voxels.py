"""A cloud with one point for each cube that holds any: their mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
Colors = npt.NDArray[np.uint8]


def average_voxels(points: Points, colors: Colors | None, size: float) -> tuple[Points, Colors | None]:
    """Average the points, and their colours, within each cube of a grid that begins at the origin.

    Args:
        points: (N, 3) [m], finite.
        colors: (N, 3), or None.
        size: side of a cube [m].

    Returns:
        (M, 3) points, M <= N, and their colours (M, 3), rounded, or None; ordered by x, then y, then z of the cube.
    """
    if not len(points):
        return points, colors
    order, first = _grouped(np.floor(points.astype(np.float64) / size).astype(np.int64))
    counts = np.diff(np.append(first, len(points)))[:, None]
    # float64: a cube may hold very many points
    means = np.add.reduceat(points[order].astype(np.float64), first, axis=0) / counts
    if colors is None:
        return means.astype(np.float32), None
    sums = np.add.reduceat(colors[order].astype(np.uint32), first, axis=0)
    return means.astype(np.float32), ((sums + counts // 2) // counts).astype(np.uint8)


def _grouped(cells: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return an order of (N, 3) cells that puts equal ones together, and where each group begins in it."""
    cells = cells - cells.min(axis=0)
    extents = [int(side) + 1 for side in cells.max(axis=0)]
    index_bits = len(cells).bit_length()
    if np.prod(extents, dtype=object) < 1 << (63 - index_bits):
        # cell and index in one number: sorting numbers is several times as fast as sorting indices by them
        keys = (cells[:, 0] * extents[1] + cells[:, 1]) * extents[2] + cells[:, 2]
        packed = np.sort(keys << index_bits | np.arange(len(cells)))
        order, keys = packed & ((1 << index_bits) - 1), packed >> index_bits
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
    else:  # cubes far too small for such a scene
        order = np.lexsort(cells.T[::-1])
        starts = np.flatnonzero(np.append(True, np.diff(cells[order], axis=0).any(axis=1)))
    return order, starts
