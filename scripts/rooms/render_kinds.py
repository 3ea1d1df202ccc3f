"""Render rooms of several kinds to shards: ``python scripts/rooms/render_kinds.py --renderer DIR --lib FILE ...``.

Every room becomes one file OUT/NNNNNN.tar; those that are there are left alone, so that a run can be stopped at any
time and started again. README.md beside this file says what is needed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from renderer import Renderer, open_renderer
from shares import KINDS, RoomsError, read_shares

LEAST = {"first": 0, "step": 1, "rooms": 1, "samples": 1}
"""Of the options that are whole numbers."""
FAILURES = 5
"""Rooms in a row after which something else is wrong than the room."""


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="render_kinds.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--renderer", type=Path, required=True, help="folder of room.py, render.py, ...")
    parser.add_argument("--lib", type=Path, required=True, help="librooms.so, which the renderer's build.sh makes")
    parser.add_argument("--pack", type=Path, help="folder of the furniture (default: pack/ of the renderer)")
    parser.add_argument("--out", type=Path, required=True, help="gets the shards")
    parser.add_argument("--first", type=int, required=True, help="number of the first room")
    parser.add_argument("--step", type=int, default=1, help="to the next one: the number of processes")
    parser.add_argument("--rooms", type=int, help="how many (default: until it is stopped)")
    parser.add_argument("--samples", type=int, default=4, help="paths of light per pixel")
    parser.add_argument(
        "--shares", nargs="+", required=True, metavar="KIND=SHARE", help=f"of rooms; kinds: {', '.join(KINDS)}"
    )
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Render room after room.

    Raises:
        RoomsError: An argument names what is not there or cannot be used, `FAILURES` rooms failed in a row, or any
            of a limited number did.
    """
    for option, least in LEAST.items():
        number = getattr(args, option)
        if number is not None and number < least:
            raise RoomsError(f"--{option} {number}: expected {least} or more")
    shares = read_shares(args.shares)
    _expect_writable(args.out)
    renderer = open_renderer(args.renderer, args.lib, args.pack or args.renderer / "pack")
    in_a_row, left_out = 0, []
    for number in itertools.islice(itertools.count(args.first, args.step), args.rooms):
        failed = _render(number, args, shares, renderer)
        in_a_row = in_a_row + 1 if failed else 0
        left_out += [str(number)] if failed else []
        if in_a_row == FAILURES:
            raise RoomsError(f"{FAILURES} rooms failed in a row, the last, {number}, with {failed}")
    if left_out:
        raise RoomsError(f"left out: {', '.join(left_out)}")


def _render(number: int, args: argparse.Namespace, shares: list[float], renderer: Renderer) -> str:
    """Render one room if it is not there; returns why it could not be built, "" otherwise."""
    from samples import render_room, shard_of, write_shard  # imports the renderer

    shard, begin = shard_of(number, args.out), time.monotonic()
    if shard.exists():
        return ""
    try:
        kind, samples = render_room(number, shares, renderer, args.samples)
    except Exception as error:  # one room in thousands must not end a night's work
        print(f"{number} left out: {error!r}", file=sys.stderr, flush=True)
        return repr(error)
    write_shard(shard, samples)
    print(f"{number} {kind}: {len(samples)} pictures in {time.monotonic() - begin:.1f} s", flush=True)
    return ""


def _expect_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RoomsError(f"--out {folder} cannot be written ({error.strerror}), expected a folder") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all rooms are there, 1 with one sentence when it cannot go on."""
    try:
        run(parse_arguments(arguments))
    except (RoomsError, OSError) as error:
        print(f"render_kinds.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
