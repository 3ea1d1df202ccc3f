"""Which pixels hold no depth worth believing: edges, low confidence, and what no picture shows."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import RelativeDepth
from depthart_ros.inputs.rectification import Mask


def find_edges(depth: npt.NDArray[np.float32], share: float) -> Mask:
    """Find both sides of every step in depth, and the flying pixels between them.

    Args:
        depth: (H, W), finite and above 0, in any unit.
        share: of depth, by which the farthest of 3x3 neighbours has to be beyond the nearest.

    Returns:
        (H, W), true there.
    """
    kernel = np.ones((3, 3), np.uint8)
    nearest = np.multiply(cv2.erode(depth, kernel), np.float32(1 + share))
    return np.asarray(cv2.dilate(depth, kernel) > nearest, np.bool_)


def find_invalid(
    relative: RelativeDepth, *, edge_share: float, min_confidence: float, outside: Mask | None = None
) -> Mask | None:
    """Return where depth is to be NaN, None where it is nowhere.

    Args:
        relative: depth (H, W), with the model's confidence if it says any.
        edge_share: see `find_edges`; 0 finds none.
        min_confidence: 0..1; less counts as invalid.
        outside: (H, W), true where the picture shows nothing.
    """
    found = [] if outside is None else [outside]
    if edge_share > 0:
        found.append(find_edges(relative.values, edge_share))
    if min_confidence > 0 and relative.confidence is not None:
        found.append(relative.confidence < min_confidence)
    return np.asarray(np.logical_or.reduce(found), np.bool_) if found else None
