"""Endless, reproducible batches: order and augmentation depend on (seed, step) alone."""

from __future__ import annotations

import functools
import math
import signal
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from training.data.augment import USUAL_VIEWS, Views, augment
from training.data.sample import DataError, Sample, attempt, resize_sample

# Keys of the random streams, so that order and augmentation never share one.
ORDER, AUGMENTATION = 0, 1


@dataclass(frozen=True)
class Batch:
    """Samples stacked.

    Attributes:
        rgb: (B, 3, S, S) uint8.
        depth: (B, 1, S, S) float32, metres; NaN where unknown.
        intrinsics: (B, 4) float32: fx, fy, cx, cy in pixels, pixel centres at integers.
        names: of the samples.
        skipped: why samples that were to be in here could not be read.
    """

    rgb: torch.Tensor
    depth: torch.Tensor
    intrinsics: torch.Tensor
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def pin_memory(self) -> Batch:
        """The same in memory that a GPU reads by itself; the DataLoader calls this."""
        pinned = (values.pin_memory() for values in (self.rgb, self.depth, self.intrinsics))
        return Batch(*pinned, self.names, self.skipped)


def batches(
    samples: Sequence[Sample],
    batch_size: int,
    *,
    seed: int = 0,
    workers: int = 1,
    views: Views | None = USUAL_VIEWS,
    start_step: int = 0,
    size: int = 256,
    rank: int = 0,
    world_size: int = 1,
    pinned: bool = False,
    ahead: int = 1,
) -> Generator[Batch, None, None]:
    """Yield batch ``start_step``, ``start_step + 1``, … without end; closed, end the processes that decode.

    Batch t is the same whether one starts at t or earlier, and for any number of workers. Each
    epoch visits every sample once, in its own order; batches run across the ends of epochs.
    A sample that cannot be read, or knows no depth, is replaced by the next one; the first batch that misses it warns,
    with its name and how many there are so far. Processes that train together each take their own part of what one
    process would draw in batches larger by their number, and each count what they missed.

    Args:
        samples: what to draw from.
        batch_size: samples in a batch.
        seed: of order and augmentation.
        workers: processes that decode; 0 decodes in this one.
        views: how far random views go, with which appearance changes as well; None: samples as they are.
        start_step: the first batch, to resume a run.
        size: S [px].
        rank: of this process.
        world_size: number of processes.
        pinned: whether batches lie in memory that a GPU reads by itself.
        ahead: how many are taken at once, and so are read beforehand.
    """
    if not len(samples):
        raise DataError("no samples to draw batches from, expected at least one")
    loader = DataLoader(
        _Drawn(samples, seed, views, size),
        batch_sampler=_Positions(batch_size, start_step, rank, world_size),
        num_workers=workers,
        # Forked, they share what is in memory, and live until we end them; Python 3.14's own way is another.
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        collate_fn=_collate,
        worker_init_fn=_prepare_worker,
        pin_memory=pinned,
        prefetch_factor=max(4, math.ceil(ahead / workers) + 1) if workers else None,
    )
    return _counting(iter(loader))


def _counting(source: Iterator[Batch | DataError]) -> Generator[Batch, None, None]:
    """Pass batches on, and warn here, where all workers' batches meet, of each sample that cannot be used, once.

    Raises:
        DataError: No sample can be used.
    """
    skipped: set[str] = set()
    try:
        for batch in source:
            if isinstance(batch, DataError):
                raise batch
            for reason in batch.skipped:
                if reason not in skipped:
                    skipped.add(reason)
                    warnings.warn(f"skipped a sample, {len(skipped)} so far: {reason}", stacklevel=2)
            yield batch
    finally:  # whoever holds an error holds this frame, and with it processes that no signal ends
        del source


def sample_index(position: int, count: int, seed: int) -> int:
    """Which of ``count`` samples the endless shuffled sequence has at ``position``."""
    epoch, place = divmod(position, count)
    return int(_order(epoch, count, seed)[place])


@functools.lru_cache(maxsize=2)
def _order(epoch: int, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, ORDER, epoch]).permutation(count)


class _Positions(Sampler[list[int]]):
    """Endless lists of positions in the shuffled sequence."""

    def __init__(self, batch_size: int, start_step: int, rank: int, world_size: int) -> None:
        self._batch_size = batch_size
        self._start_step = start_step
        self._rank, self._world_size = rank, world_size

    def __iter__(self) -> Iterator[list[int]]:
        step = self._start_step
        while True:
            first = (step * self._world_size + self._rank) * self._batch_size
            yield list(range(first, first + self._batch_size))
            step += 1


class _Drawn(Dataset[tuple[Sample | DataError, list[str]]]):
    """The shuffled, augmented sequence, by position; with each sample why those in its place could not be read."""

    def __init__(self, samples: Sequence[Sample], seed: int, views: Views | None, size: int) -> None:
        self._samples = samples
        self._seed = seed
        self._views = views
        self._size = size

    def __getitem__(self, position: int) -> tuple[Sample | DataError, list[str]]:
        index = sample_index(position, len(self._samples), self._seed)
        found, skipped = self._next_readable(index)
        if isinstance(found, DataError):
            return found, skipped
        sample = found
        if self._views is not None:
            seen = augment(sample, np.random.default_rng([self._seed, AUGMENTATION, position]), self._views)
            sample = seen if np.isfinite(seen.depth).any() else sample  # a view may miss all that is known
        return sample, skipped

    def _next_readable(self, index: int) -> tuple[Sample | DataError, list[str]]:
        count, skipped = len(self._samples), list[str]()
        for offset in range(count):
            sample = attempt(self._samples, (index + offset) % count)
            if not isinstance(sample, DataError):
                sample = resize_sample(sample, self._size)
                if np.isfinite(sample.depth).any():
                    return sample, skipped
                sample = DataError(f"{sample.name}: no depth is known anywhere in it")
            skipped.append(str(sample))
        return DataError(f"none of the {count} samples can be used, the first tried: {skipped[0]}"), []


def _collate(drawn: list[tuple[Sample | DataError, list[str]]]) -> Batch | DataError:
    """Stack; an error is handed on as it is, as one that is raised in a worker would come with its traceback."""
    for found, _ in drawn:
        if isinstance(found, DataError):
            return found
    samples = [sample for sample, _ in drawn if isinstance(sample, Sample)]
    cameras = [(s.intrinsics.fx, s.intrinsics.fy, s.intrinsics.cx, s.intrinsics.cy) for s in samples]
    return Batch(
        rgb=torch.from_numpy(np.stack([s.rgb for s in samples]).transpose(0, 3, 1, 2).copy()),
        depth=torch.from_numpy(np.stack([s.depth for s in samples])[:, None]),
        intrinsics=torch.tensor(cameras, dtype=torch.float32),
        names=tuple(s.name for s in samples),
        skipped=tuple(reason for _, reasons in drawn for reason in reasons),
    )


def _prepare_worker(_: int) -> None:
    """Keep a decoding process to one core, and let it live until the training, which is told the same, has stopped."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
