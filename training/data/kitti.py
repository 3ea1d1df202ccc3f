"""KITTI: the Eigen split, the annotated depth maps, or the depth completion benchmark's selected crops.

* A list of lines ``image depth focal`` as it is widely distributed (``eigen_test_files_with_gt.txt``; ``None`` = no
  depth, left out) in the folder of the data or named by ``PATH?list=FILE``.
* Without a list: every map ``[train|val/]DRIVE/proj_depth/groundtruth/image_0X/NNNNNNNNNN.png`` (archive
  ``data_depth_annotated``) with the raw picture ``DATE/DRIVE/image_0X/data/NNNNNNNNNN.png``.
* ``depth_selection/val_selection_cropped/`` with ``image``, ``groundtruth_depth`` and ``intrinsics``: a kind of its
  own, ``kitti_selection``, as these pictures are cut already and are scored without a crop.

Depth is z-depth at 256 steps a metre, 0 = unknown; cameras are in ``DATE/calib_cam_to_cam.txt`` (P_rect_0X).

Source: Geiger et al., IJRR 2013; Uhrig et al., 3DV 2017 (devkit readme); Eigen et al., NIPS 2014.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from depthart_core.geometry import Intrinsics
from training.data.files import parsing, read_depth_png, read_rgb, read_text, require, warn_missing
from training.data.frames import Frames
from training.data.sample import DataError, Sample

LAYOUT = (
    "a list of 'image depth focal' lines, or DATE/DRIVE/image_0X/data and DRIVE/proj_depth "
    "(val_selection_cropped is of the kind kitti_selection)"
)
SELECTION_LAYOUT = "val_selection_cropped with image, groundtruth_depth and intrinsics"
UNIT = 1 / 256
LISTS = "*eigen*test*.txt"
SELECTION = ("image", "groundtruth_depth", "intrinsics")
PLACES = (
    "",
    "raw",
    "data_depth_annotated",
    "data_depth_annotated/train",
    "data_depth_annotated/val",
    "train",
    "val",
    "gts",
)


@dataclass(frozen=True)
class KittiFrame:
    """One picture and its depth.

    Attributes:
        name: of the sample.
        image: the picture.
        depth: the depth map.
        camera: the file that states it, and the key there ("" where the file is nothing but the matrix).
        focal: fallback where there is no such file [px].
    """

    name: str
    image: Path
    depth: Path
    camera: tuple[Path, str] | None
    focal: float | None = None


def matches(path: Path) -> bool:
    """Whether a path is a list, or a folder with raw pictures or annotated depth."""
    if is_list(path):
        return True
    patterns = (LISTS, "2011_*", "raw/2011_*", "*/2011_*/proj_depth", "data_depth_annotated")
    return any(next(path.glob(pattern), None) for pattern in patterns)


def is_list(path: Path) -> bool:
    """Whether a path is a list itself, and not the folder of the data."""
    return path.suffix == ".txt"


def is_selection(path: Path) -> bool:
    """Whether a path is the folder of the selected crops, or one that holds it among what can be no other kind."""
    return _selection(path) is not None and not matches(path)


def open_kitti(path: Path, *, list: str | None = None) -> Frames:  # noqa: A002 - the option's name for the user
    """Open a list, or all annotated depth maps.

    Args:
        path: folder of the data, or the list itself beside the data.
        list: file of the list; a relative one lies in ``path``.

    Raises:
        DataError: the layout is another one, or none of the files is there.
    """
    root = (path.parent if is_list(path) else path).resolve()
    file = path if is_list(path) else _find_list(path, list)
    frames = _listed_frames(file, root) if file else _annotated_frames(root)
    if not frames:
        raise DataError(f"{path} holds no picture with depth of KITTI, expected {LAYOUT}")
    return Frames(frames, read_frame)


def open_selection(path: Path) -> Frames:
    """Open the selected crops.

    Raises:
        DataError: they are not there.
    """
    folder = _selection(path)
    if folder is None:
        raise DataError(f"{path} holds no selected crops of KITTI, expected {SELECTION_LAYOUT}")
    return Frames(_selected_frames(folder), read_frame)


def read_frame(frame: KittiFrame) -> Sample:
    """Read one picture and its depth.

    Raises:
        DataError: a file is missing or corrupt.
    """
    rgb, depth = read_rgb(frame.image), read_depth_png(frame.depth, UNIT)
    height, width = depth.shape
    if frame.camera is not None:
        fx, fy, cx, cy = _read_camera(*frame.camera)
    elif frame.focal is not None:
        fx, fy, cx, cy = frame.focal, frame.focal, (width - 1) / 2, (height - 1) / 2
    else:
        raise DataError(f"{frame.image}: no camera, expected calib_cam_to_cam.txt in the folder of its date")
    return Sample(frame.name, rgb, depth, Intrinsics(width, height, fx, fy, cx, cy))


def _find_list(root: Path, name: str | None) -> Path | None:
    if name is not None:
        return require(root / name, "the list of PATH?list=FILE")
    found = sorted(root.glob(LISTS))
    if len(found) > 1:
        raise DataError(f"{root} holds {', '.join(p.name for p in found)}; expected one list, or PATH?list=FILE")
    return found[0] if found else None


def _listed_frames(file: Path, root: Path) -> list[KittiFrame]:
    """Frames of the list whose files are there; the others are counted and named in a warning."""
    rows = [line.split() for line in read_text(file).splitlines() if line.strip()]
    with parsing(file, "lines of 'image depth focal'"):
        wanted = [(row[0], row[1], float(row[2]) if len(row) > 2 else None) for row in rows if row[1] != "None"]
    frames, missing = [], []
    for image, depth, focal in wanted:
        picture = _first(root, (image, str(Path(image).with_suffix(".jpg"))))
        annotated = _first(root, (depth,))
        if picture and annotated:
            frames.append(_raw_frame(picture, annotated, focal))
        else:
            missing.append(depth if picture else image)
    if wanted and not frames:
        raise DataError(f"{root} holds none of the {len(wanted)} frames of {file}, expected {root / missing[0]}")
    warn_missing(file, "are not there", missing)
    return frames


def _first(root: Path, names: Iterable[str]) -> Path | None:
    """The first of the files that is in one of the usual places."""
    files = (root / place / name.lstrip("/") for name in names for place in PLACES)
    return next((file for file in files if file.is_file()), None)


def _annotated_frames(root: Path) -> list[KittiFrame]:
    """All annotated depth maps whose raw picture is there, of training and validation alike."""
    frames, alone = [], []
    for depth in sorted(
        file for place in PLACES for file in (root / place).glob("2011_*/proj_depth/groundtruth/*/*.png")
    ):
        drive, camera = depth.parents[3].name, depth.parent.name
        image = f"{drive[:10]}/{drive}/{camera}/data/{depth.name}"
        picture = _first(root, (image, str(Path(image).with_suffix(".jpg"))))
        if picture:
            frames.append(_raw_frame(picture, depth, None))
        else:
            alone.append(image)
    warn_missing(root, "have depth and no picture", alone)
    if frames:
        text = f"{root}: no list of a split ({LISTS}), so all {len(frames)} annotated pictures are read"
        warnings.warn(text, stacklevel=3)
    return frames


def _raw_frame(image: Path, depth: Path, focal: float | None) -> KittiFrame:
    """A frame of the raw layout DATE/DRIVE/image_0X/data/NAME.png."""
    camera, drive, date = image.parents[1].name, image.parents[2].name, image.parents[3]
    file = date / "calib_cam_to_cam.txt"
    stated = (file, f"P_rect_{camera[-2:]}") if file.exists() else None
    return KittiFrame(f"{drive}/{camera}/{image.stem}", image, depth, stated, focal)


def _selection(path: Path) -> Path | None:
    """Folder of the selected crops, if it is at or below ``path``."""
    places = (path, path / "val_selection_cropped", path / "depth_selection" / "val_selection_cropped")
    return next((place for place in places if all((place / part).is_dir() for part in SELECTION)), None)


def _selected_frames(folder: Path) -> list[KittiFrame]:
    frames = []
    for image in sorted((folder / "image").glob("*.png")):
        depth = folder / "groundtruth_depth" / image.name.replace("_image_", "_groundtruth_depth_", 1)
        camera = folder / "intrinsics" / f"{image.stem}.txt"
        frames.append(KittiFrame(image.stem, image, depth, (camera, "")))
    if not frames:
        raise DataError(f"{folder / 'image'} holds no PNG, expected {SELECTION_LAYOUT}")
    return frames


def _read_camera(file: Path, key: str) -> tuple[float, float, float, float]:
    """Focal lengths and principal point of a 3x3 or 3x4 matrix in a text file."""
    text = read_text(file)
    with parsing(file, f"a camera matrix {key}"):
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line) if key else {"": text}
        values = [float(value) for value in lines[key].split()]
        row = len(values) // 3
        return values[0], values[row + 1], values[2], values[row + 2]
