"""A data set read once and kept in memory, for machines where reading it again and again would be the limit."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from training.data.frames import Frames
from training.data.sample import DataError, Sample, attempt, listed, resize_sample


def load_into_memory(samples: Sequence[Sample], size: int) -> Frames:
    """Read all samples once; about 7 bytes a pixel each, shared by worker processes that are forked.

    One that cannot be read is named in a warning, and raises its error where it is asked for.

    Args:
        samples: Read in several threads.
        size: S; all are resized to S x S pixels.
    """

    def read(index: int) -> Sample | DataError:
        found = attempt(samples, index)
        return found if isinstance(found, DataError) else resize_sample(found, size)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = list(tqdm(threads.map(read, range(len(samples))), total=len(samples), desc="reading", mininterval=5.0))
    if refused := [each for each in found if isinstance(each, DataError)]:
        warnings.warn(f"{len(refused)} of {len(samples)} samples cannot be read: {listed(refused)}", stacklevel=2)
    return Frames(found, _given)


def _given(found: Sample | DataError) -> Sample:
    if isinstance(found, DataError):
        raise found
    return found
