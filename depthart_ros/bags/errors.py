"""The named error of bags."""

from __future__ import annotations

from depthart_core import DepthartError


class BagError(DepthartError):
    """A bag that cannot be read or written, or does not hold what is asked for."""
