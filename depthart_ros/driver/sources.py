"""Where the driver takes its pictures from: each source is an iterator of pictures with intrinsics."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import ImageError, Intrinsics
from depthart_ros.driver.files import PICTURE_SUFFIXES, frames_of, read_picture, read_video
from depthart_ros.errors import tell
from depthart_ros.inputs.camera_model import intrinsics_from_fov

SAMPLES = Path(__file__).parents[1] / "samples"
SAMPLES_INDEX = "samples.json"


@dataclass(frozen=True)
class SourcePicture:
    """A picture and the camera that took it.

    Attributes:
        bgr: (H, W, 3) uint8.
        intrinsics: of this size; from the assumed field of view where the source knows none.
    """

    bgr: npt.NDArray[np.uint8]
    intrinsics: Intrinsics


def open_source(
    name: str, *, fov_deg: float, size: tuple[int, int] | None, loop: bool, repeats: int
) -> Iterator[SourcePicture]:
    """Open a source and check that it gives a picture.

    Args:
        name: "sample", a webcam index or /dev/videoN, a video, a picture or a folder of pictures.
        fov_deg: horizontal field of view assumed where the source knows no intrinsics.
        size: (width, height) that every picture is resized to; None leaves them.
        loop: begin again at the end.
        repeats: how often a still picture comes in a row, at least once.

    Raises:
        ImageError: there is no such source, or nothing in it can be read.
    """
    if not name:
        raise ImageError("the source is empty; expected `sample`, a webcam index, a video file or a folder")
    webcam = re.fullmatch(r"(?:/dev/video)?([0-9]+)", name)
    if webcam:
        pictures = _webcam(int(webcam[1]), size, fov_deg)
    else:
        pictures = _files(name, fov_deg=fov_deg, loop=loop, repeats=max(repeats, 1))
    first = next(pictures, None)
    if first is None:
        raise ImageError(f"source {name!r} holds no picture that can be read")
    return (_resized(picture, size) for picture in itertools.chain([first], pictures))


def sample_pictures(size: tuple[int, int] | None = None) -> list[npt.NDArray[np.uint8]]:
    """Return the packaged pictures, RGB (H, W, 3).

    Args:
        size: (width, height) that every picture is resized to; None leaves them.

    Raises:
        ImageError: they cannot be read.
    """
    pictures = open_source("sample", fov_deg=60.0, size=size, loop=False, repeats=1)
    return [np.asarray(cv2.cvtColor(picture.bgr, cv2.COLOR_BGR2RGB), np.uint8) for picture in pictures]


def _webcam(index: int, size: tuple[int, int] | None, fov_deg: float) -> Iterator[SourcePicture]:
    """Open a webcam, ask it for a size (width, height), of which it may give another, and give its pictures.

    Raises:
        ImageError: it cannot be opened, or gives no more pictures.
    """
    try:
        capture = cv2.VideoCapture(index)
        opened = capture.isOpened()
    except cv2.error:  # an index larger than any
        opened = False
    if not opened:
        raise ImageError(f"webcam {index} cannot be opened; expected one that OpenCV can read")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # or the oldest of four comes, and is stamped as if it were new
    if size is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    for bgr in frames_of(capture):
        yield _with_fov(bgr, fov_deg)
    raise ImageError(f"webcam {index} gives no more pictures")


def _files(name: str, *, fov_deg: float, loop: bool, repeats: int) -> Iterator[SourcePicture]:
    """Open samples, a folder, a picture or a video."""
    if name == "sample":
        return _stills(_indexed(SAMPLES), loop=loop, repeats=repeats)
    path = Path(name)
    if path.is_dir():
        known = (path / SAMPLES_INDEX).is_file()
        return _stills(_indexed(path) if known else _folder(path, fov_deg), loop=loop, repeats=repeats)
    if not path.exists():
        raise ImageError(f"source {name!r} does not exist; expected `sample`, a webcam index, a video file or a folder")
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return _stills([partial(_read_with_fov, path, fov_deg)], loop=loop, repeats=repeats)
    return _video(path, fov_deg=fov_deg, loop=loop)


def _stills(readers: list[Callable[[], SourcePicture]], *, loop: bool, repeats: int) -> Iterator[SourcePicture]:
    """Read one picture after the other and give each `repeats` times; what cannot be read is said and left out.

    Raises:
        ImageError: the last that is left cannot be read.
    """
    left = list(readers)
    while left:
        for read in tuple(left):
            try:
                picture = read()
            except ImageError as error:
                if len(left) == 1:
                    raise
                tell(error)
                left.remove(read)
            else:
                yield from itertools.repeat(picture, repeats)
        if not loop:
            return


def _indexed(folder: Path) -> list[Callable[[], SourcePicture]]:
    """Return readers of the pictures that the index of a folder lists with their intrinsics.

    Raises:
        ImageError: the index cannot be read.
    """
    index = folder / SAMPLES_INDEX
    try:
        entries = json.loads(index.read_text())
    except (OSError, ValueError) as error:
        raise ImageError(f"{index} cannot be read: {error}") from error
    if not isinstance(entries, list):
        raise ImageError(f"{index} is no list of pictures; expected one")
    return [partial(_read_indexed, folder, entry) for entry in entries]


def _read_indexed(folder: Path, entry: dict[str, Any]) -> SourcePicture:
    try:
        picture = folder / entry["file"]
        matrix = {key: float(entry[key]) for key in ("fx", "fy", "cx", "cy")}
        intrinsics = Intrinsics(width=int(entry["width"]), height=int(entry["height"]), **matrix)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ImageError(
            f"{folder / SAMPLES_INDEX} has the entry {entry!r} ({error}); "
            "expected file, width, height, fx, fy, cx and cy"
        ) from error
    bgr = read_picture(picture)
    return SourcePicture(bgr, intrinsics.scaled(bgr.shape[1], bgr.shape[0]))


def _folder(folder: Path, fov_deg: float) -> list[Callable[[], SourcePicture]]:
    """Return readers of every picture of a folder, by name."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
    return [partial(_read_with_fov, path, fov_deg) for path in files]


def _read_with_fov(path: Path, fov_deg: float) -> SourcePicture:
    return _with_fov(read_picture(path), fov_deg)


def _with_fov(bgr: npt.NDArray[np.uint8], fov_deg: float) -> SourcePicture:
    return SourcePicture(bgr, intrinsics_from_fov(bgr.shape[1], bgr.shape[0], fov_deg))


def _video(path: Path, *, fov_deg: float, loop: bool) -> Iterator[SourcePicture]:
    """Give the frames of a video; one that is damaged and begins again at its end is said once.

    Raises:
        ImageError: as `read_video`, without `loop`; with it, nothing can be read.
    """
    said = False
    while True:
        some = False
        try:
            for bgr in read_video(path):
                some = True
                yield _with_fov(bgr, fov_deg)
        except ImageError as error:
            if not (loop and some):
                raise
            if not said:
                tell(error)
                said = True
        if not loop:
            return


def _resized(picture: SourcePicture, size: tuple[int, int] | None) -> SourcePicture:
    if size is None or size == (picture.intrinsics.width, picture.intrinsics.height):
        return picture
    shrinks = size[0] < picture.intrinsics.width
    bgr = cv2.resize(picture.bgr, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return SourcePicture(np.asarray(bgr, np.uint8), picture.intrinsics.scaled(*size))
