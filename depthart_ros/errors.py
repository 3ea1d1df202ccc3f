"""Named errors besides those of the core, and how commands print one: as a single line."""

from __future__ import annotations

import re
import sys

from depthart_core import DepthartError

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class EncodingError(DepthartError):
    """An image encoding or compressed format that is not supported, or compressed data that is damaged."""


class BagError(DepthartError):
    """A bag that cannot be read or written, or does not hold what is asked for."""


def tell(sentence: object) -> None:
    """Print a sentence on stderr as one line: control characters, which names of files may have, as Python has them."""
    print(f"depthart: {CONTROL.sub(lambda found: repr(found[0])[1:-1], str(sentence))}", file=sys.stderr)
