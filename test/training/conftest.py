"""Tiny generated copies of the layouts that the readers know."""

import io
import json
import signal
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthart_core.geometry import Intrinsics
from training.data.sample import Sample

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
Members = dict[str, bytes]


@pytest.fixture
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("the data sets are not beside this checkout")
    return SHARED_DATA


def encode_room(name: str, *, depth: float = 2.0, size: int = 32) -> Members:
    """One sample of constant depth [m] and random colours, encoded as in the shards."""
    rgb = np.random.default_rng(int(name)).integers(0, 255, (size, size, 3), np.uint8)
    code = round(4095 * np.log(depth / 0.2) / np.log(200))
    meta = {"fx": 40.0, "fy": 50.0, "cx": size / 2, "cy": size / 2, "room": 7}
    return {
        f"{name}.webp": cv2.imencode(".webp", rgb)[1].tobytes(),
        f"{name}.png": cv2.imencode(".png", np.full((size, size), code << 4, np.uint16))[1].tobytes(),
        f"{name}.json": json.dumps(meta).encode(),
    }


@pytest.fixture
def room_members() -> Callable[..., Members]:
    return encode_room


@pytest.fixture
def write_shard(tmp_path: Path) -> Callable[..., Path]:
    def write(samples: Sequence[Members], name: str = "train-000.tar") -> Path:
        path = tmp_path / name
        with tarfile.open(path, "w") as shard:
            for members in samples:
                for member, content in members.items():
                    entry = tarfile.TarInfo(member)
                    entry.size = len(content)
                    shard.addfile(entry, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def shard_of(write_shard: Callable[..., Path]) -> Callable[[int], Path]:
    """Write a shard of so many samples; sample n lies 1 + n / 10 metres away."""
    return lambda count: write_shard([encode_room(f"{n:06}", depth=1 + n / 10) for n in range(count)])


@pytest.fixture
def frame_folder(tmp_path: Path) -> Path:
    """Three frames of 48x36; frame n lies 1 + n metres away and its first row is unknown."""
    folder = tmp_path / "desk"
    for part in ("rgb", "depth"):
        (folder / part).mkdir(parents=True)
    info = {"width": 48, "height": 36, "fx": 40.0, "fy": 41.0, "cx": 24.0, "cy": 17.5}
    info |= {"depth_file_unit_m": 0.0002, "invalid": 0}
    (folder / "info.json").write_text(json.dumps(info))
    for n in range(3):
        depth = np.full((36, 48), (1 + n) * 5000, np.uint16)
        depth[0] = 0
        cv2.imwrite(str(folder / "rgb" / f"{n:04}.jpg"), np.full((36, 48, 3), 40 * n, np.uint8))
        cv2.imwrite(str(folder / "depth" / f"{n:04}.png"), depth)
    return folder


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


class TerminatedAt(list):
    """Samples during whose n-th reading the process gets a SIGTERM."""

    def __init__(self, samples, reading):
        super().__init__(samples)
        self.left = reading

    def __getitem__(self, index):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGTERM)
        return super().__getitem__(index)


@pytest.fixture
def terminated_at() -> Callable[..., list[Sample]]:
    return TerminatedAt


@pytest.fixture
def samples_at() -> Callable[..., list[Sample]]:
    return constant_samples
