"""ETH3D high-resolution multi-view, training scenes: photographs with depth rendered from a laser scan.

``SCENE/images/dslr_images/NAME.JPG`` (archive ``dslr_jpg``) and ``SCENE/ground_truth_depth/dslr_images/NAME.JPG``
(archive ``dslr_depth``): no JPEG in spite of the name, but rows of little-endian float32 metres; infinite or 0 =
unknown. Depth fits the photographs as taken, with the lens distortion; the intrinsics are the linear part of their
calibration (``dslr_calibration_jpg``, else ``dslr_calibration_undistorted``; COLMAP counts pixel centres at half
integers).

Source: Schöps et al., CVPR 2017, and the benchmark's page of documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.files import known_depth, parsing, read_bytes, read_rgb, read_text, warn_missing
from training.data.frames import Frames
from training.data.sample import DataError, Sample

IMAGES = "images/dslr_images"
DEPTHS = "ground_truth_depth/dslr_images"
LAYOUT = f"SCENE/{IMAGES}/NAME.JPG and SCENE/{DEPTHS}/NAME.JPG (raw float32)"
CALIBRATIONS = ("dslr_calibration_jpg", "dslr_calibration_undistorted")
NOMINAL_FOCAL = 0.565
"""Focal length over width, about that of every scene's camera; used where no calibration is there."""

Cameras = dict[str, tuple[float, float, float, float, float, float]]


@dataclass(frozen=True)
class EthFrame:
    """One photograph of a scene, and its camera: width, height, fx, fy, cx, cy as calibrated."""

    scene: Path
    name: str
    camera: tuple[float, float, float, float, float, float] | None


def matches(path: Path) -> bool:
    """Whether a folder is a scene or holds some."""
    return bool(_scenes(path))


def open_eth3d(path: Path) -> Frames:
    """Find the photographs with depth of one scene, or of all scenes in a folder.

    Raises:
        DataError: the layout is another one, or a calibration is corrupt.
    """
    frames = [frame for scene in _scenes(path) for frame in _find_frames(scene)]
    if not frames:
        raise DataError(f"{path} holds no photograph with depth, expected {LAYOUT}")
    return Frames(frames, read_frame)


def read_frame(frame: EthFrame) -> Sample:
    """Read one photograph.

    Raises:
        DataError: a file is missing, corrupt or of another size.
    """
    rgb = read_rgb(frame.scene / IMAGES / frame.name)
    height, width = rgb.shape[:2]
    file = frame.scene / DEPTHS / frame.name
    content = read_bytes(file)
    if len(content) != 4 * height * width:
        raise DataError(f"{file}: {len(content)} bytes, expected {4 * height * width}: float32 of {width}x{height}")
    depth = known_depth(np.frombuffer(content, "<f4").reshape(height, width))
    name = f"{frame.scene.resolve().name}/{Path(frame.name).stem}"
    return Sample(name, rgb, depth, _intrinsics(frame, width, height), {"calibrated": frame.camera is not None})


def _scenes(path: Path) -> list[Path]:
    places = [path, *(sorted(path.iterdir()) if path.is_dir() else [])]
    return [place for place in places if (place / IMAGES).is_dir() and (place / DEPTHS).is_dir()]


def _find_frames(scene: Path) -> list[EthFrame]:
    """Photographs that have depth, by name."""
    cameras = _read_cameras(scene)
    depths = {file.name for file in (scene / DEPTHS).iterdir()}
    names = sorted(file.name for file in (scene / IMAGES).iterdir())
    warn_missing(scene / DEPTHS, "are not there", [name for name in names if name not in depths])
    return [EthFrame(scene, name, cameras.get(name)) for name in names if name in depths]


def _read_cameras(scene: Path) -> Cameras:
    """Camera of each photograph by its file name; empty without a calibration."""
    for folder in (scene / name for name in CALIBRATIONS):
        if not ((folder / "cameras.txt").exists() and (folder / "images.txt").exists()):
            continue
        with parsing(folder, "cameras.txt and images.txt of COLMAP"):
            cameras = {row[0]: tuple(map(float, row[2:8])) for row in _rows(folder / "cameras.txt")}
            # Every image has a line of ten values that ends in its camera and name; lines of points follow.
            images = [row for row in _rows(folder / "images.txt") if len(row) == 10 and "/" in row[9]]
            return {Path(row[9]).name: cameras[row[8]] for row in images}  # type: ignore[misc]
    return {}


def _rows(path: Path) -> list[list[str]]:
    return [line.split() for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]


def _intrinsics(frame: EthFrame, width: int, height: int) -> Intrinsics:
    """Intrinsics at the size of the picture, which may differ from that of the undistorted ones."""
    if frame.camera is None:
        focal = NOMINAL_FOCAL * max(width, height)
        return Intrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    camera_width, camera_height, fx, fy, cx, cy = frame.camera
    dx, dy = (width - camera_width) / 2, (height - camera_height) / 2
    return Intrinsics(width, height, fx, fy, cx + dx - 0.5, cy + dy - 0.5)
