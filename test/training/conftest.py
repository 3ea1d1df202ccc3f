"""Samples in memory, and the data sets beside the checkout."""

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from depthart_core.geometry import Intrinsics
from training.data.sample import Sample

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("the data sets are not beside this checkout")
    return SHARED_DATA


@pytest.fixture
def ramp() -> Sample:
    """128x128; the colours are smooth functions of depth, so that both can be compared after any warp."""
    v, u = np.mgrid[:128, :128].astype(np.float32)
    depth = 1 + u / 64 + v / 128
    rgb = np.clip(np.stack([depth * 50, u * 2, v * 2], axis=-1), 0, 255).astype(np.uint8)
    return Sample("ramp", rgb, depth, Intrinsics(128, 128, 100.0, 150.0, 60.0, 70.0))


def constant_samples(depths: Sequence[float], *, size: int = 256) -> list[Sample]:
    """Grey pictures whose brightness is 20 times their constant depth [m]."""
    camera = Intrinsics(size, size, 200.0, 200.0, size / 2, size / 2)
    return [
        Sample(f"s{n}", np.full((size, size, 3), 20 * d, np.uint8), np.full((size, size), d, np.float32), camera)
        for n, d in enumerate(depths)
    ]


class Interrupted(list):
    """Samples during whose n-th reading something happens."""

    def __init__(self, samples, reading, happens):
        super().__init__(samples)
        self.left, self.happens = reading, happens

    def __getitem__(self, index):
        self.left -= 1
        if self.left == 0:
            self.happens()
        return super().__getitem__(index)


@pytest.fixture
def interrupted_at() -> Callable[..., list[Sample]]:
    """A function of samples, a number, and what is called at the reading of that number."""
    return Interrupted


@pytest.fixture
def terminated_at() -> Callable[..., list[Sample]]:
    """The same for a SIGTERM."""
    return lambda samples, reading: Interrupted(samples, reading, lambda: signal.raise_signal(signal.SIGTERM))


@pytest.fixture
def samples_at() -> Callable[..., list[Sample]]:
    return constant_samples
