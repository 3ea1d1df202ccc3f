"""What `depthart predict` reads: files, folders and videos as one sequence of named pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import ConfigError, ImageError
from depthart_ros.driver.files import PICTURE_SUFFIXES, VIDEO_SUFFIXES, open_video, read_picture, read_video

RESULT_MARK = "_depthart"
"""Follows the stem in the names of results that lie beside what was read, where other things have that stem."""

RESULT_NAME = re.compile(rf".*{RESULT_MARK}(_\d+)?\.(npy|png)", re.DOTALL)

LONGEST_STEM = 190
"""Bytes that leave room for what names of results have besides, also while they are written; 255 is the limit."""

FRAME = "*"
"""Stands for the number of a frame where names of results are compared."""

ONE_NAME = "would have results of one name; give each its own run and --out"


@dataclass(frozen=True)
class Picture:
    """A picture to look at.

    Attributes:
        name: What its results are called, but for .npy and .png.
        rgb: uint8 (H, W, 3).
    """

    name: str
    rgb: npt.NDArray[np.uint8]


def find_files(inputs: list[Path], out: Path) -> tuple[list[Path], list[str]]:
    """Files, and for each folder the pictures and videos in it by name; then what is wrong, a sentence each.

    Results of an earlier run are left out, and a file that is found twice is there once.

    Raises:
        ConfigError: Two files would have results of one name.
    """
    files: dict[str, Path] = {}
    problems: list[str] = []
    for path in inputs:
        try:
            found = _files_in(path)
        except ImageError as error:
            problems.append(str(error))
            continue
        for file in found:
            name = _name(file, out)
            other = files.setdefault(f"{name}_{FRAME}" if _is_video(file) else name, file)
            if os.path.realpath(file) != os.path.realpath(other):
                raise ConfigError(f"{other} and {file} {ONE_NAME}")
    for name, file in files.items():
        frame = files.get(re.sub(r"_[0-9]{6,}$", f"_{FRAME}", name), file)
        if frame is not file:
            raise ConfigError(f"{frame} and {file} {ONE_NAME}")
    if not files and not problems:
        problems.append("every INPUT is a result of an earlier run; expected pictures, videos or folders of them")
    return list(files.values()), problems


def count_pictures(files: list[Path]) -> int:
    """How many pictures `read_file` will give, as far as videos tell."""
    return sum(_count_frames(path) if _is_video(path) else 1 for path in files)


def read_file(path: Path, out: Path) -> Iterator[Picture]:
    """The picture of a file, or the frames of a video, NAME_000000, NAME_000001, ...

    Raises:
        ImageError: It cannot be read, or its results cannot be called so.
    """
    if len(os.fsencode(path.stem)) > LONGEST_STEM:
        raise ImageError(f"{path} has too long a name for its results; expected {LONGEST_STEM} bytes before the suffix")
    name = _name(path, out)
    if _is_video(path):
        for number, bgr in enumerate(read_video(path)):
            yield Picture(f"{name}_{number:06}", _rgb(bgr, path))
    else:
        yield Picture(name, _rgb(read_picture(path), path))


def _name(path: Path, out: Path) -> str:
    """What results are called: the stem, which _depthart follows where they lie in the file's own folder."""
    beside = os.path.realpath(path.parent) == os.path.realpath(out)
    return path.stem + (RESULT_MARK if beside else "")


def _files_in(path: Path) -> list[Path]:
    """The files to read of an input: none where it is a result, or a folder of nothing else.

    Raises:
        ImageError: It is not there, cannot be read, or is a folder of nothing to read.
    """
    try:
        if not path.is_dir():
            if not path.exists():
                raise ImageError(f"there is no file or folder {path}")
            return [] if RESULT_NAME.fullmatch(path.name) else [path]
        known = [file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES]
        known = sorted(file for file in known if not file.is_dir())
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    if not known:
        raise ImageError(f"folder {path} holds no picture and no video")
    return [file for file in known if not RESULT_NAME.fullmatch(file.name)]


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _rgb(bgr: npt.NDArray[np.uint8], path: Path) -> npt.NDArray[np.uint8]:
    try:
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    except (MemoryError, cv2.error) as error:
        raise ImageError(f"{path} cannot be read: {getattr(error, 'err', error)}") from error


def _count_frames(path: Path) -> int:
    try:
        capture = open_video(path)
    except ImageError:
        return 0  # reading it says why
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return max(count, 0)
