"""Pairs of pictures and depth maps that were taken at about the same time."""

from __future__ import annotations

import numpy as np


def pair_stamps(first: np.ndarray, second: np.ndarray, tolerance: float) -> list[tuple[int, int]]:
    """Pair two lists of times; the closest pairs are made first, and each entry is used once.

    Args:
        first: (N,) times in any order.
        second: (M,) times in any order, of the same unit.
        tolerance: the largest difference of a pair.

    Returns:
        Places (in first, in second), by time of the first.
    """
    order = np.argsort(second, kind="stable")
    starts = np.searchsorted(second[order], first - tolerance, side="left")
    ends = np.searchsorted(second[order], first + tolerance, side="right")
    close = [(i, int(j)) for i in range(len(first)) for j in order[starts[i] : ends[i]]]
    close.sort(key=lambda pair: (abs(first[pair[0]] - second[pair[1]]), pair))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in close:
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return sorted(pairs.items(), key=lambda pair: (first[pair[0]], pair))


def closest(first: np.ndarray, second: np.ndarray) -> int:
    """Smallest difference between a time of ``first`` (N,) and one of ``second`` (M,), neither of which is empty."""
    times = np.sort(second)
    after = np.searchsorted(times, first)
    sides = (times[np.clip(after - side, 0, len(times) - 1)] for side in (0, 1))
    return int(min(np.abs(first - side).min() for side in sides))
