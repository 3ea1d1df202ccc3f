"""Which kinds of rooms there are, and how many of each; needs nothing but Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

KINDS = ("busy", "desk", "thing", "steep", "plain", "class")
"""Lived-in places, desks, plain things, views down, rooms as the renderer makes them, and class rooms."""


class RoomsError(Exception):
    """Rooms that cannot be rendered; one sentence says why."""


def read_shares(items: Sequence[str]) -> list[float]:
    """Chance of each of `KINDS`, from KIND=SHARE arguments of any sum; 0 for those that are not named.

    Raises:
        RoomsError: An unknown kind, one that is named twice, a share that is no number from 0 on, or nothing above 0.
    """
    shares = dict.fromkeys(KINDS, 0.0)
    named = [item.partition("=")[0] for item in items]
    for item in items:
        kind, _, share = item.partition("=")
        if kind not in KINDS:
            raise RoomsError(f"--shares {item}: {kind!r} is no kind of room, expected one of {', '.join(KINDS)}")
        if named.count(kind) > 1:
            raise RoomsError(f"--shares {item}: {kind} is named {named.count(kind)} times, expected once")
        shares[kind] = _number(item, share)
    total = sum(shares.values())
    if not total:
        raise RoomsError(f"--shares {' '.join(items)}: expected a share above 0")
    return [share / total for share in shares.values()]


def _number(item: str, share: str) -> float:
    try:
        number = float(share)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise RoomsError(f"--shares {item}: expected KIND=SHARE with a share from 0 on, as desk=0.1")
    return number
