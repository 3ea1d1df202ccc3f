"""Pictures and videos for the command line, and `depthart predict` on them."""

import cv2
import numpy as np
import pytest

from depthart_ros.cli.main import main


def _noise(height=30, width=44, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


@pytest.fixture
def write_picture():
    """A function that writes noise into a picture, and returns it as RGB."""

    def write(path, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        rgb = _noise(**options)
        assert cv2.imwrite(str(path), rgb[..., ::-1])
        return rgb

    return write


@pytest.fixture
def write_video():
    """A function that writes so many frames of noise into a video."""

    def write(path, frames=3):
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (44, 30))
        assert writer.isOpened()
        for seed in range(frames):
            writer.write(_noise(seed=seed))
        writer.release()

    return write


@pytest.fixture
def predict(toy_model_path, tmp_path):
    """Run the command on inputs, into the folder `out`; returns its status."""

    def run(*inputs, out=None, model=toy_model_path, options=()):
        target = tmp_path / "out" if out is None else out
        return main(["predict", *map(str, inputs), "--out", str(target), "--model", str(model), *options])

    return run
