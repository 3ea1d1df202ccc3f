"""Named errors besides those of the core: one sentence each, with what was got and what was expected."""

from __future__ import annotations

from depthart_core import DepthartError


class EncodingError(DepthartError):
    """An image encoding or compressed format that is not supported, or compressed data that is damaged."""


class BagError(DepthartError):
    """A bag that cannot be read or written, or does not hold what is asked for."""
