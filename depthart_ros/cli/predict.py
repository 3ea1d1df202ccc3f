"""`depthart predict`: depth of pictures, folders and videos as .npy and as a picture beside it."""

from __future__ import annotations

import argparse
import io
import math
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from depthart_core import BACKENDS, DECODES, PRECISIONS, Alignment, ConfigError, DepthEstimator, ImageError
from depthart_core.model_files import write_atomically
from depthart_ros.cli.inputs import Picture, count_pictures, find_files, read_file
from depthart_ros.errors import tell
from depthart_ros.inputs.camera_model import intrinsics_from_fov
from depthart_ros.outputs.colors import colorize, palette
from depthart_ros.parameters.settings import SPECS

SUMMARY = "estimate depth of pictures, folders of pictures and videos"
COLOR_FACTOR = 4.0
"""The colours end where depth is this many times nearer or farther than the median."""

MARK = b"tEXtSoftware\0depthart predict"
"""Chunk of a PNG, without its size and checksum, by which results of an earlier run are known."""

FIRST_CHUNK_END = 33

WIDEST = 500_000
"""Columns of a picture; libpng writes twice as many."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the prediction."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="picture, video or folder of them: regular files of different names; results of this command are left out",
    )
    parser.add_argument(
        "--out", required=True, metavar="DIR",
        help="folder for STEM.npy (float32, H x W) and STEM.png (picture | depth); STEM_000000 and so on for frames "
        "of a video; STEM_depthart where DIR is INPUT's own folder; only results of an earlier run are replaced",
    )  # fmt: skip
    parser.add_argument("--model", default="nano", help="packaged name or model file (default %(default)s)")
    parser.add_argument("--device", default="auto", help="such as cpu or cuda (auto: the GPU of an engine, else cpu)")
    parser.add_argument("--decode", choices=DECODES, default="expected", help="choice of codes (default %(default)s)")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the model (default %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="to compute in (default %(default)s)")
    parser.add_argument("--max-scales", type=int, metavar="K", help="decode after so many scales (default: all)")
    metres = parser.add_mutually_exclusive_group()
    metres.add_argument("--scale", type=float, help="metres per unit of relative depth: makes the .npy metres")
    metres.add_argument(
        "--fov-deg", type=float, help="horizontal field of view: makes the .npy metres by the model's own first guess"
    )
    parser.add_argument("--seed", type=int, default=0, help="of --decode sample (default %(default)s)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: the library's choice)")


def run(args: argparse.Namespace) -> int:
    """Predict all inputs; returns 0, or 1 where some could not be read (the others are done).

    Raises:
        ConfigError: An option that makes no sense, or two inputs whose results would have one name.
        CheckpointError: The model is missing or damaged.
        BackendError: The backend or device is not there.
        ImageError: The results cannot be written.
    """
    _check(args)
    out = Path(args.out)
    files, problems = find_files([Path(name) for name in args.inputs], out)
    estimator = DepthEstimator.load(
        args.model,
        backend=args.backend,
        device=args.device,
        decode=args.decode,
        seed=args.seed,
        threads=args.threads,
        max_scales=args.max_scales,
        precision=args.precision,
    )
    if args.fov_deg is not None and not estimator.heads:
        raise ConfigError(f"--fov-deg needs a model that guesses its scale, {args.model} does not; give --scale")
    _make_folder(out)
    done, read = 0, {os.path.realpath(file) for file in files}
    with tqdm(total=count_pictures(files), unit="picture", file=sys.stderr) as bar:
        for picture in chain.from_iterable(_readable(file, out, problems) for file in files):
            try:
                _check_free(out, picture.name, read)
                results = _results(estimator, picture, scale=args.scale, fov_deg=args.fov_deg)
            except ImageError as error:
                problems.append(str(error))
                continue
            _write(out, picture.name, results)
            done += 1
            bar.update()
    for problem in problems:
        tell(problem)
    unit = "relative" if args.scale is None and args.fov_deg is None else "metres"
    print(f"{done} depth maps in {out} ({estimator.name}, {unit})")
    return 1 if problems else 0


def beside(rgb: npt.NDArray[np.uint8], depth: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Picture | depth, uint8 (H, 2 W, 3) RGB: colours follow log(depth / median), red near and blue far."""
    relative = np.log(depth / np.median(depth))
    limit = math.log(COLOR_FACTOR)
    return np.hstack([rgb, colorize(relative, (-limit, limit), palette("turbo"))])


def _check(args: argparse.Namespace) -> None:
    if not all((*args.inputs, args.out)):
        raise ConfigError("INPUT or --out is empty; expected a path, . for the folder you are in")
    _, largest = SPECS["scale"].limits or (0, math.inf)
    if args.scale is not None and not 0 < args.scale <= largest:
        raise ConfigError(f"--scale is {args.scale:g}; expected metres per unit above 0, at most {largest:g}")
    if args.fov_deg is not None and not 0 < args.fov_deg < 180:
        raise ConfigError(f"--fov-deg is {args.fov_deg:g}; expected between 0 and 180")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"folder {folder} cannot be made: {error.strerror}") from error


def _check_free(folder: Path, name: str, inputs: set[str]) -> None:
    """Refuse to replace what is no result: results have a mark in the PNG, which is written first.

    Args:
        folder: To write to.
        name: What the results are called there.
        inputs: Real paths of all that is read.

    Raises:
        ImageError: There is such a file.
    """
    png, npy = (folder / f"{name}{suffix}" for suffix in (".png", ".npy"))
    if os.path.realpath(png) in inputs:
        raise ImageError(f"{png} is an INPUT itself; give another --out")
    for path in (png, npy):
        if os.path.lexists(path) and not _is_marked(png):
            raise ImageError(f"{path} is there already, without a result's mark in {png.name}; give another --out")


def _is_marked(png: Path) -> bool:
    with suppress(OSError):  # where it cannot be read it is none of ours
        if png.is_file():
            with png.open("rb") as file:
                return MARK in file.read(128)
    return False


def _marked(png: bytes) -> bytes:
    """A PNG with the mark behind its first chunk."""
    size, checksum = struct.pack(">I", len(MARK) - 4), struct.pack(">I", zlib.crc32(MARK))
    return b"".join([png[:FIRST_CHUNK_END], size, MARK, checksum, png[FIRST_CHUNK_END:]])


def _readable(file: Path, out: Path, problems: list[str]) -> Iterator[Picture]:
    """The pictures of a file; where it cannot be read, a sentence is added to `problems`."""
    try:
        yield from read_file(file, out)
    except ImageError as error:
        problems.append(str(error))


def _results(
    estimator: DepthEstimator, picture: Picture, *, scale: float | None, fov_deg: float | None
) -> dict[str, bytes]:
    """What to write, by suffix.

    Raises:
        ImageError: The picture is too large for the memory, or for a PNG of twice its width.
    """
    height, width = picture.rgb.shape[:2]
    too_large = f"{picture.name} cannot be made of a picture of {width} x {height}"
    try:
        estimate = estimator(picture.rgb)
        relative = estimate.values
        if fov_deg is not None:
            guess = estimate.guess_scale(intrinsics_from_fov(width, height, fov_deg))
            scale = guess.metres_per_unit if guess is not None else None
        depth = relative if scale is None else Alignment(scale).apply(relative)
        np.save(array := io.BytesIO(), depth)
        encoded, image = cv2.imencode(".png", cv2.cvtColor(beside(picture.rgb, relative), cv2.COLOR_RGB2BGR))
    except (MemoryError, cv2.error) as error:
        raise ImageError(f"{too_large}: {getattr(error, 'err', error)}") from error
    if not encoded:
        raise ImageError(f"{too_large}; expected at most {WIDEST} columns")
    return {".png": _marked(image.tobytes()), ".npy": array.getvalue()}


def _write(folder: Path, name: str, results: dict[str, bytes]) -> None:
    """Write the results of a picture, in their order.

    Raises:
        ImageError: That is impossible.
    """
    for suffix, data in results.items():
        path = folder / f"{name}{suffix}"
        try:
            write_atomically(path, data)
        except OSError as error:
            raise ImageError(f"{path} cannot be written: {error.strerror}") from error
