"""Where `depthart camera` takes its pictures from: each source is an iterator of pictures with intrinsics."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import ImageError, Intrinsics
from depthart_ros.inputs.camera_model import intrinsics_from_fov

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
SAMPLES = Path(__file__).parents[1] / "samples"
SAMPLES_INDEX = "samples.json"


@dataclass(frozen=True)
class View:
    """A picture and the camera that took it.

    Attributes:
        bgr: (H, W, 3) uint8.
        intrinsics: of this size; from the assumed field of view where the source knows none.
    """

    bgr: npt.NDArray[np.uint8]
    intrinsics: Intrinsics


def open_source(name: str, *, fov_deg: float, size: tuple[int, int] | None, loop: bool, repeats: int) -> Iterator[View]:
    """Open a source and check that it gives a picture.

    Args:
        name: "sample", a webcam index, a video, a picture or a folder of pictures.
        fov_deg: horizontal field of view assumed where the source knows no intrinsics.
        size: (width, height) that every picture is resized to; None leaves them.
        loop: begin again at the end.
        repeats: how often a still picture comes in a row, at least once.

    Raises:
        ImageError: there is no such source, or nothing in it can be read.
    """
    if name.isdecimal():
        views = _capture(_webcam(int(name), size), f"webcam {name}", fov_deg=fov_deg, loop=False)
    else:
        views = _files(name, fov_deg=fov_deg, loop=loop, repeats=max(repeats, 1))
    first = next(views, None)
    if first is None:
        raise ImageError(f"source {name!r} holds no picture that can be read")
    return (_resized(view, size) for view in _chained(first, views))


def sample_pictures(size: tuple[int, int] | None = None) -> list[npt.NDArray[np.uint8]]:
    """Return the packaged pictures, RGB (H, W, 3).

    Args:
        size: (width, height) that every picture is resized to; None leaves them.

    Raises:
        ImageError: they cannot be read.
    """
    views = open_source("sample", fov_deg=60.0, size=size, loop=False, repeats=1)
    return [np.asarray(cv2.cvtColor(view.bgr, cv2.COLOR_BGR2RGB), np.uint8) for view in views]


def _chained(first: View, rest: Iterator[View]) -> Iterator[View]:
    yield first
    yield from rest


def _webcam(index: int, size: tuple[int, int] | None) -> cv2.VideoCapture:
    """Open a webcam and ask it for a size (width, height); it may give another."""
    capture = cv2.VideoCapture(index)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # or the oldest of four comes, and is stamped as if it were new
    if size is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    return capture


def _files(name: str, *, fov_deg: float, loop: bool, repeats: int) -> Iterator[View]:
    """Open samples, a folder, a picture or a video."""
    if name == "sample":
        return _stills(_indexed(SAMPLES), loop=loop, repeats=repeats)
    path = Path(name)
    if path.is_dir():
        known = (path / SAMPLES_INDEX).is_file()
        return _stills(_indexed(path) if known else _folder(path, fov_deg), loop=loop, repeats=repeats)
    if not path.is_file():
        raise ImageError(f"source {name!r} does not exist; expected `sample`, a webcam index, a video file or a folder")
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return _stills([partial(_read_view, path, fov_deg)], loop=loop, repeats=repeats)
    return _capture(cv2.VideoCapture(name), f"video {name!r}", fov_deg=fov_deg, loop=loop)


def _stills(readers: list[Callable[[], View]], *, loop: bool, repeats: int) -> Iterator[View]:
    """Read one picture after the other and give each `repeats` times."""
    while readers:
        for read in readers:
            yield from itertools.repeat(read(), repeats)
        if not loop:
            return


def _indexed(folder: Path) -> list[Callable[[], View]]:
    """Return readers of the pictures that the index of a folder lists with their intrinsics.

    Raises:
        ImageError: the index cannot be read.
    """
    index = folder / SAMPLES_INDEX
    try:
        entries = json.loads(index.read_text())
    except (OSError, ValueError) as error:
        raise ImageError(f"{index} cannot be read: {error}") from error
    return [partial(_indexed_view, folder, entry) for entry in entries]


def _indexed_view(folder: Path, entry: dict[str, Any]) -> View:
    try:
        bgr = read_picture(folder / entry["file"])
        matrix = {key: float(entry[key]) for key in ("fx", "fy", "cx", "cy")}
        intrinsics = Intrinsics(width=int(entry["width"]), height=int(entry["height"]), **matrix)
    except (KeyError, TypeError) as error:
        raise ImageError(
            f"{folder / SAMPLES_INDEX} has the entry {entry!r}; expected file, width, height, fx, fy, cx and cy"
        ) from error
    return View(bgr, intrinsics.scaled(bgr.shape[1], bgr.shape[0]))


def _folder(folder: Path, fov_deg: float) -> list[Callable[[], View]]:
    """Return readers of every picture of a folder, by name."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    return [partial(_read_view, path, fov_deg) for path in files]


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """Return a picture of a file, BGR (H, W, 3).

    Raises:
        ImageError: it cannot be read.
    """
    try:
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error as error:  # more pixels than OpenCV takes
        raise ImageError(f"picture {path} cannot be read: {error.err}") from error
    if bgr is None:
        raise ImageError(f"picture {path} cannot be read; expected one that OpenCV knows")
    return np.asarray(bgr, np.uint8)


def _read_view(path: Path, fov_deg: float) -> View:
    return _view(read_picture(path), fov_deg)


def _view(bgr: npt.NDArray[np.uint8], fov_deg: float) -> View:
    return View(bgr, intrinsics_from_fov(bgr.shape[1], bgr.shape[0], fov_deg))


def _capture(capture: cv2.VideoCapture, what: str, *, fov_deg: float, loop: bool) -> Iterator[View]:
    """Give the frames of a webcam or a video.

    Raises:
        ImageError: it cannot be opened.
    """
    if not capture.isOpened():
        raise ImageError(f"{what} cannot be opened; expected one that OpenCV can read")
    while True:
        got, bgr = capture.read()
        if not got and loop:
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            got, bgr = capture.read()
        if not got:
            capture.release()
            return
        yield _view(np.asarray(bgr, np.uint8), fov_deg)


def _resized(view: View, size: tuple[int, int] | None) -> View:
    if size is None or size == (view.intrinsics.width, view.intrinsics.height):
        return view
    shrinks = size[0] < view.intrinsics.width
    bgr = cv2.resize(view.bgr, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return View(np.asarray(bgr, np.uint8), view.intrinsics.scaled(*size))
