"""Named errors of the node: one sentence each, with what was got and what was expected."""

from __future__ import annotations

from depthart_core import DepthartError


class EncodingError(DepthartError):
    """An image encoding or compressed format that is not supported, or compressed data that is damaged."""
