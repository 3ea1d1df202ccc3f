"""A data set read once and kept in memory, for machines where reading it again and again would be the limit."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import overload

from tqdm import tqdm

from training.data.frames import Frames
from training.data.sample import DataError, Sample, attempt, resize_sample


class Kept(Sequence[Sample]):
    """Samples of another sequence, decoded; about 7 bytes a pixel each.

    Worker processes that are forked share the memory.

    Args:
        samples: Read in several threads, once.
        size: S; all are resized to S x S pixels.
    """

    def __init__(self, samples: Sequence[Sample], size: int) -> None:
        def read(index: int) -> Sample | DataError:
            found = attempt(samples, index)
            return found if isinstance(found, DataError) else resize_sample(found, size, size)

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            found = threads.map(read, range(len(samples)))
            self._found = list(tqdm(found, total=len(samples), desc="reading", mininterval=5.0))
        if refused := [str(each) for each in self._found if isinstance(each, DataError)]:
            warnings.warn(
                f"{len(refused)} of {len(samples)} samples cannot be read: {'; '.join(refused)}", stacklevel=2
            )

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Frames: ...

    def __getitem__(self, index: int | slice) -> Sample | Frames:
        """Return one sample, or select several.

        Raises:
            DataError: when the sample could not be read.
        """
        if isinstance(index, slice):
            return Frames(range(len(self))[index], self.__getitem__)
        found = self._found[index]
        if isinstance(found, DataError):
            raise found
        return found
