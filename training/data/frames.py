"""Data sets that are read at each access: what a reader returns, and several of them in a row."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Sequence
from typing import Any, overload

from training.data.files import parsing
from training.data.sample import Sample


class Frames(Sequence[Sample]):
    """Samples read one by one: a key for each, and the one way to read it."""

    def __init__(self, keys: Sequence[Any], read: Callable[[Any], Sample]) -> None:
        """Hold ``keys`` in their order; both arguments can be pickled, so that worker processes can read too."""
        self._keys = keys
        self._read = read

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Frames: ...

    def __getitem__(self, index: int | slice) -> Sample | Frames:
        """Read one frame, or select several without reading.

        Raises:
            DataError: when a file of the frame is missing or corrupt; names it.
        """
        if isinstance(index, slice):
            return Frames(self._keys[index], self._read)
        key = self._keys[index]
        with parsing(key, "a frame that can be read"):  # damage shows in what a reader computes, too: one frame, no run
            return self._read(key)


class Joined(Sequence[Sample]):
    """Several data sets, one after the other."""

    def __init__(self, parts: Sequence[Sequence[Sample]]) -> None:
        """Hold ``parts`` in their order."""
        self._parts = tuple(parts)
        self._ends = list(itertools.accumulate(map(len, self._parts)))

    def __len__(self) -> int:
        """Return the number of samples of all parts."""
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Frames: ...

    def __getitem__(self, index: int | slice) -> Sample | Frames:
        """Read one sample, or select several without reading.

        Raises:
            DataError: when the sample cannot be read.
        """
        places = range(len(self))
        if isinstance(index, slice):
            return Frames(places[index], self.__getitem__)
        place = places[index]
        part = bisect.bisect_right(self._ends, place)
        return self._parts[part][place - (self._ends[part - 1] if part else 0)]
