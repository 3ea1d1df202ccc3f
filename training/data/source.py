"""Open a data set by its path alone, or as the kind it is said to be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from training.data import bag, diode, eth3d, folder, hypersim, ibims1, kitti, nyuv2, rooms, selection, tum
from training.data.frames import Frames
from training.data.protocol import EIGEN, GARG, Protocol
from training.data.sample import NAMED, DataError, Sample, listed


@dataclass(frozen=True)
class Kind:
    """One layout.

    Attributes:
        matches: whether a path that exists has this layout.
        open: reads it.
        layout: what it looks like, for messages.
        protocol: how it is scored.
        options: names that ``PATH?name=value&...`` may give to ``open``.
        choice: the option, as ``split=train``, without which test data may be among what is read; "" where none is.
        scored: whether that is so of a path.
    """

    matches: Callable[[Path], bool]
    open: Callable[..., Sequence[Sample]]
    layout: str
    protocol: Protocol = field(default_factory=Protocol)
    options: tuple[str, ...] = ()
    choice: str = ""
    scored: Callable[[Path], bool] = lambda _: True

    def holds_test_data(self, path: Path, options: Collection[str]) -> bool:
        """Whether a path may be read with pictures that models are scored on, and no option says that it should."""
        return bool(self.choice) and self.choice.partition("=")[0] not in options and self.scored(path)


@dataclass(frozen=True)
class DataSet:
    """What a NAME=PATH argument stands for.

    Attributes:
        name: for tables and files.
        kind: key of ``KINDS``.
        samples: read at each access.
    """

    name: str
    kind: str
    samples: Sequence[Sample]

    @property
    def protocol(self) -> Protocol:
        """How it is scored, as all of its kind."""
        return KINDS[self.kind].protocol


def _own(read: Callable[..., Frames]) -> Callable[..., Frames]:
    """A reader of one's own recordings, which takes the options of `selection` as well."""

    def open_own(path: Path, **options: str) -> Frames:
        chosen = {name: options.pop(name) for name in selection.OPTIONS if name in options}
        frames = read(path, **options)
        try:
            return selection.select(frames, **chosen)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error

    return open_own


KINDS = {
    "rooms": Kind(rooms.matches, rooms.open_rooms, rooms.LAYOUT),
    "bag": Kind(
        bag.matches,
        _own(bag.open_bag),
        bag.LAYOUT,
        options=("image", "depth", "info", "camera", "tolerance", "rectified", *selection.OPTIONS),
    ),
    "nyuv2": Kind(
        nyuv2.matches,
        nyuv2.open_nyuv2,
        nyuv2.LAYOUT,
        Protocol(10.0, crop=EIGEN),
        options=("split", "depth"),
        choice="split=train",
    ),
    "tum": Kind(tum.matches, tum.open_tum, tum.LAYOUT, options=("camera", "every")),
    "ibims1": Kind(ibims1.matches, ibims1.open_ibims1, ibims1.LAYOUT, Protocol(50.0, size=None)),
    "eth3d": Kind(eth3d.matches, eth3d.open_eth3d, eth3d.LAYOUT, Protocol(72.0)),
    # Outdoor scans reach 300 m; 50 m is the longest that the indoor ones hold, and the laser's nearest is 0.6 m.
    "diode": Kind(
        diode.matches,
        diode.open_diode,
        diode.LAYOUT,
        Protocol(50.0, nearest=0.6),
        options=("split",),
        choice="split=train",
        scored=diode.holds_val,
    ),
    "hypersim": Kind(
        hypersim.matches,
        hypersim.open_hypersim,
        hypersim.LAYOUT,
        Protocol(65.0),
        options=("split", "color"),
        choice="split=train",
        scored=hypersim.has_splits,
    ),
    # These pictures are cut already.
    "kitti_selection": Kind(kitti.is_selection, kitti.open_selection, kitti.SELECTION_LAYOUT, Protocol(80.0)),
    "kitti": Kind(
        kitti.matches,
        kitti.open_kitti,
        kitti.LAYOUT,
        Protocol(80.0, crop=GARG),
        options=("list",),
        choice="list=FILE",
        scored=lambda path: not kitti.is_list(path),
    ),
    "folder": Kind(folder.matches, _own(folder.read_folder), folder.LAYOUT, options=selection.OPTIONS),
}
"""Tried in this order when recognising: the folders of TUM RGB-D and iBims-1 hold ``rgb`` and ``depth`` too."""


def open_data(path: Path, kind: str | None = None, *, learning: bool = False) -> Sequence[Sample]:
    """Open a data set; samples are read at each access.

    Args:
        path: may end in ``?name=value&name=value``, the options of its kind.
        kind: key of ``KINDS``; by default the layout decides.
        learning: refuse what may hold test data, unless an option says what to read.

    Raises:
        DataError: the path is not there or has another layout, an option is unknown, or one is missing for learning.
    """
    location, options = split_options(path)
    chosen = kind or recognise(location)
    if chosen not in KINDS:
        raise DataError(f"{chosen} is no kind of data set, expected one of {', '.join(KINDS)}")
    reader = KINDS[chosen]
    if not location.exists():
        raise DataError(f"{location} is not there, expected {reader.layout}")
    for name in options:
        if name not in reader.options:
            known = ", ".join(reader.options) or "none"
            raise DataError(f"{path}: {name} is no option of {chosen}, expected {known}")
    if learning and reader.holds_test_data(location, options):
        raise DataError(
            f"{path} may hold pictures that models are scored on, expected an option that says what to learn from, as "
            f"{path}{'&' if options else '?'}{reader.choice}"
        )
    return reader.open(location, **options)


def open_named(item: str, *, learning: bool = False, option: str = "--data") -> DataSet:
    """Open what a NAME=PATH argument names; a NAME that is a kind decides how it is read.

    Args:
        item: the argument.
        learning: see ``open_data``.
        option: where the argument stands, for messages.

    Raises:
        DataError: it has another form, or the path is no data set, or see ``learning``.
    """
    name, separator, path = item.partition("=")
    if not (name and separator and path):
        raise DataError(f"{option} {item}: expected NAME=PATH")
    if not name.isprintable() or set(name) & set("/|$"):  # of files, and in tables and figures
        raise DataError(f"{option} {item!r}: expected a NAME of printable characters other than / | $")
    kind = name if name in KINDS else recognise(split_options(Path(path))[0])
    return DataSet(name, kind, open_data(Path(path), kind, learning=learning))


def recognise(path: Path) -> str:
    """Kind of a data set by its layout.

    Raises:
        DataError: it is not there, or none is like it; tells what all look like.
    """
    if not path.exists():
        raise DataError(f"{path} is not there, expected a .tar shard or a folder of a data set")
    for name, kind in KINDS.items():
        if kind.matches(path):
            return name
    below = sorted(child for child in path.iterdir() if child.is_dir())[:NAMED] if path.is_dir() else []
    near = [place for place in (path.parent, *below) if folder.matches(place) or bag.matches(place)]
    layouts = "; ".join(f"{name}: {kind.layout}" for name, kind in KINDS.items())
    known = f", as {listed(near, ', ')}" if near else ""
    raise DataError(f"{path} is no data set that is known, expected one of these{known}. {layouts}")


def split_options(path: Path) -> tuple[Path, dict[str, str]]:
    """Path and options of ``PATH?name=value&name=value``; a file with a question mark in its name is itself.

    Raises:
        DataError: the options have another form.
    """
    location, mark, query = str(path).partition("?")
    if not mark or path.exists():
        return path, {}
    try:
        return Path(location), dict(parse_qsl(query, strict_parsing=True))
    except ValueError as error:
        raise DataError(f"{path}: {error}, expected PATH?name=value&name=value") from error
