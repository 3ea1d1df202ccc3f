"""How a data set is scored: which pixels count (nearest and farthest depth, the crop), and at which size.

Caps of NYUv2, TUM RGB-D, iBims-1 and ETH3D are those of the DepthART paper; the others those in common use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.data.sample import Sample

NEAREST = 1e-3


@dataclass(frozen=True)
class Box:
    """A part of the picture as shares of its height and width, so that it fits any size; ``name`` is for tables."""

    name: str
    top: float
    bottom: float
    left: float
    right: float

    def __call__(self, height: int, width: int) -> np.ndarray:
        """(H, W) bool: inside; edges are cut by int() as in the published evaluations."""
        edges = ((self.top, height), (self.bottom, height), (self.left, width), (self.right, width))
        # Garg's shares are decimals that end just below a pixel for some sizes: no more may be added than binary costs.
        top, bottom, left, right = (int(share * size + 1e-9) for share, size in edges)
        inside = np.zeros((height, width), bool)
        inside[top:bottom, left:right] = True
        return inside


@dataclass(frozen=True)
class Protocol:
    """The pixels that count, and the size; the defaults are for data without a protocol of their own.

    Attributes:
        cap: farthest true depth that counts [m].
        nearest: nearest true depth that counts [m].
        crop: where pixels count, at the data set's own size; everywhere without.
        size: side [px] to which image and depth are resized, the aspect not kept; None: as the truth is.
    """

    cap: float = 10.0
    nearest: float = NEAREST
    crop: Box | None = None
    size: int | None = 256

    @property
    def crop_name(self) -> str:
        """Name of the crop for tables, "-" without one."""
        return "-" if self.crop is None else self.crop.name

    def counted(self, depth: np.ndarray) -> np.ndarray:
        """(H, W) bool: known depth within the limits and the crop."""
        inside = True if self.crop is None else self.crop(*depth.shape)
        with np.errstate(invalid="ignore"):
            return inside & np.isfinite(depth) & (depth >= self.nearest) & (depth <= self.cap)

    def restrict(self, sample: Sample) -> Sample:
        """The sample with unknown depth (NaN) wherever it does not count; apply it before any resize."""
        return replace(sample, depth=np.where(self.counted(sample.depth), sample.depth, np.float32(np.nan)))


EIGEN = Box("eigen", 45 / 480, 471 / 480, 41 / 640, 601 / 640)
"""Of NYUv2: Eigen et al. 2014, rows 45 to 471 and columns 41 to 601 of 480x640."""
GARG = Box("garg", 0.40810811, 0.99189189, 0.03594771, 0.96405229)
"""Of KITTI: Garg et al. 2016."""
