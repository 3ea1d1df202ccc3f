"""Hypersim: rendered indoor scenes, as the download unpacks.

``ai_VVV_NNN/images/`` holds ``scene_cam_XX_final_preview/frame.IIII.tonemap.jpg`` and/or the high dynamic range
``scene_cam_XX_final_hdf5/frame.IIII.color.hdf5``, and ``scene_cam_XX_geometry_hdf5/frame.IIII.depth_meters.hdf5``.
Beside the scenes may lie the authors' ``metadata_images_split_scene_v1.csv`` (splits) and
``metadata_camera_parameters.csv`` (the camera of each scene; a scene without has 60 degrees across).

Source: Roberts et al., ICCV 2021, and the notes of github.com/apple/ml-hypersim: ``depth_meters`` is the distance along
the ray (issue 9), cameras differ by scene (issue 75; more than half have a tilted image plane, as a view camera may),
tone mapping by the 90th percentile of brightness.
"""

from __future__ import annotations

import csv
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthart_core.geometry import Intrinsics
from training.data.files import known_depth, load_h5py, parsing, read_hdf5, read_rgb, warn_missing
from training.data.frames import Frames
from training.data.sample import DataError, Sample, listed

LAYOUT = "ai_VVV_NNN/images/scene_cam_XX_geometry_hdf5/frame.IIII.depth_meters.hdf5 and the pictures beside"
SPLITS = "metadata_images_split_scene_v1.csv"
CAMERAS = "metadata_camera_parameters.csv"
# 1024 x 768 px, horizontal field of view 60 degrees: focal length 512 / tan(30 degrees) = 886.81 px.
STANDARD_CAMERA = np.diag([np.tan(np.pi / 6), np.tan(np.pi / 6) * 768 / 1024, -1.0])
BRIGHTNESS = np.array([0.3, 0.59, 0.11], np.float32)
BRIGHT_SHARE_PERCENT = 90
BRIGHT_VALUE = 0.8
GAMMA = 2.2
DARK = 1e-4


@dataclass(frozen=True)
class HypersimFrame:
    """Where one frame lies.

    Attributes:
        images: the scene's folder ``images``.
        camera: as ``cam_00``.
        number: of the frame.
        hdr: whether to make the picture from the HDR file.
    """

    images: Path
    camera: str
    number: int
    hdr: bool

    @property
    def scene(self) -> str:
        """Name of the scene, as ``ai_001_002``."""
        return self.images.parent.name

    def file(self, group: str, name: str) -> Path:
        """Path of one of the frame's files."""
        return self.images / f"scene_{self.camera}_{group}" / f"frame.{self.number:04}.{name}"


class HypersimReader:
    """Reads a frame; knows the camera of each scene."""

    def __init__(self, cameras: dict[str, np.ndarray]) -> None:
        """Keep ``cameras``: scene -> (3, 3), rays from image coordinates u, v in [-1, 1] (v up, looking along -z)."""
        self._cameras = cameras

    def __call__(self, frame: HypersimFrame) -> Sample:
        """Read one frame.

        Raises:
            DataError: a file is missing or corrupt.
        """
        rgb = _tone_mapped(frame) if frame.hdr else read_rgb(frame.file("final_preview", "tonemap.jpg"))
        distance = read_hdf5(frame.file("geometry_hdf5", "depth_meters.hdf5"), "dataset")
        camera = self._cameras.get(frame.scene, STANDARD_CAMERA)
        depth = known_depth(z_depth(distance, camera))
        meta = {"scene": frame.scene, "camera": frame.camera}
        name = f"{frame.scene}/{frame.camera}/{frame.number:04}"
        return Sample(name, rgb, depth, camera_intrinsics(camera, *distance.shape), meta)


def matches(path: Path) -> bool:
    """Whether a folder looks like Hypersim, or one of its scenes."""
    patterns = ("ai_*_*/images/scene_cam_*", "images/scene_cam_*")
    return any(next(path.glob(pattern), None) for pattern in patterns)


def has_splits(path: Path) -> bool:
    """Whether the authors' table of the splits is there; without it no split can be told from another."""
    return _table(path, SPLITS).exists()


def open_hypersim(path: Path, *, split: str | None = None, color: str = "preview") -> Frames:
    """Find the frames of all scenes below a folder, or of one scene.

    Args:
        path: folder of the scenes, or one scene.
        split: ``train``, ``val`` or ``test`` of the authors' list, or ``all`` that it releases; by default test where
            the list is there, else all frames, with a warning.
        color: ``preview`` (tone-mapped JPEG) or ``hdr``; the other one serves where the chosen one is missing.

    Raises:
        DataError: the layout is another one, or the split is not in the list.
    """
    load_h5py()
    if color not in ("preview", "hdr"):
        raise DataError(f"color={color}: expected preview or hdr")
    found = [frame for images in _image_folders(path) for frame in _find_frames(images, color == "hdr")]
    if not found:
        raise DataError(f"{path} holds no frame of Hypersim, expected {LAYOUT}")
    table = _table(path, SPLITS)
    if split is None and not table.exists():
        warnings.warn(
            f"{table} is not there: all {len(found)} frames are read, scenes of the test split among them", stacklevel=2
        )
        split = "all"
    chosen = _select(found, table, split or "test")
    return Frames(chosen, HypersimReader(_read_cameras(_table(path, CAMERAS), {frame.scene for frame in chosen})))


def z_depth(distance: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Depth along the optical axis from the distance along each pixel's ray, both (H, W) [m]."""
    height, width = distance.shape
    u = ((2 * np.arange(width) + 1) / width - 1)[None, :]
    v = (1 - (2 * np.arange(height) + 1) / height)[:, None]
    # One plane for each coordinate of the rays; in float32, which is eight times as fast as (H, W, 3) in float64.
    x, y, z = ((m[0] * u).astype(np.float32) + (m[1] * v + m[2]).astype(np.float32) for m in camera)
    return distance * (np.abs(z) / np.sqrt(x * x + y * y + z * z))


def camera_intrinsics(camera: np.ndarray, height: int, width: int) -> Intrinsics:
    """The pinhole camera with these rays (see `upright`); a skew of its pixels, at most 1.1 degrees, is left out."""
    m = camera / -camera[2, 2]
    fx, fy = width / 2 / m[0, 0], height / 2 / m[1, 1]
    cx, cy = (width - 1) / 2 - m[0, 2] * fx, (height - 1) / 2 + m[1, 2] * fy
    return Intrinsics(width, height, float(fx), float(fy), float(cx), float(cy))


def upright(camera: np.ndarray) -> np.ndarray:
    """The same rays in axes that are turned so that z stands upright on the image plane.

    A picture on a tilted plane is that of a pinhole camera that looks along the plane's normal, with its principal
    point off the middle: turned there, depth and intrinsics of the tilted scenes agree with each other.
    """
    x = camera[:, 0] / np.linalg.norm(camera[:, 0])
    z = np.cross(x, camera[:, 1])
    z /= np.linalg.norm(z)
    return np.asarray(np.stack([x, np.cross(z, x), z]) @ camera)


def tone_map(radiance: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Uint8 picture in which the 90th percentile of brightness over the surfaces, if any, comes out at 0.8.

    Args:
        radiance: (H, W, 3), linear.
        surface: (H, W) bool, pixels that show a surface.
    """
    light = np.nan_to_num(radiance.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    gain = 1.0
    if surface.any():
        bright = np.percentile((light @ BRIGHTNESS)[surface], BRIGHT_SHARE_PERCENT)
        gain = BRIGHT_VALUE**GAMMA / bright if bright >= DARK else 0.0
    values = np.clip(np.maximum(light * gain, 0.0) ** (1 / GAMMA), 0.0, 1.0)
    return np.rint(values * 255).astype(np.uint8)


def _tone_mapped(frame: HypersimFrame) -> np.ndarray:
    radiance = read_hdf5(frame.file("final_hdf5", "color.hdf5"), "dataset")
    entities = frame.file("geometry_hdf5", "render_entity_id.hdf5")
    surface = read_hdf5(entities, "dataset") != -1 if entities.exists() else np.ones(radiance.shape[:2], bool)
    if radiance.shape != (*surface.shape, 3):
        raise DataError(f"{entities}: {surface.shape}, expected the size of the picture, {radiance.shape}")
    return tone_map(radiance, surface)


def _is_scene(path: Path) -> bool:
    return (path / "images").is_dir()


def _image_folders(path: Path) -> list[Path]:
    return [path.resolve() / "images"] if _is_scene(path) else sorted(path.glob("ai_*_*/images"))


def _table(path: Path, name: str) -> Path:
    """Where a table of the authors lies: beside the scenes, also when one of them is opened."""
    beside = path.resolve().parent / name
    return beside if _is_scene(path) and beside.exists() else path / name


def _find_frames(images: Path, hdr: bool) -> list[HypersimFrame]:
    """Frames with depth and a picture, in order."""
    frames, alone = [], []
    for file in sorted(images.glob("scene_cam_*_geometry_hdf5/frame.*.depth_meters.hdf5")):
        camera = re.fullmatch(r"scene_(cam_.+)_geometry_hdf5", file.parent.name)
        number = re.fullmatch(r"frame\.(\d+)\.depth_meters\.hdf5", file.name)
        if not (camera and number):
            continue
        choices = [HypersimFrame(images, camera[1], int(number[1]), wanted) for wanted in (hdr, not hdr)]
        usable = [frame for frame in choices if _picture(frame).exists()][:1]
        frames += usable
        alone += [] if usable else [file.relative_to(images.parent)]
    warn_missing(images.parent, "have depth and no picture", alone)
    return frames


def _picture(frame: HypersimFrame) -> Path:
    return frame.file("final_hdf5", "color.hdf5") if frame.hdr else frame.file("final_preview", "tonemap.jpg")


def _select(frames: list[HypersimFrame], table: Path, split: str) -> list[HypersimFrame]:
    """Frames that the authors released, and of one split alone; all frames without the authors' table."""
    if not table.exists():
        if split == "all":
            return frames
        raise DataError(f"{table} is not there, expected it beside the scenes for split={split}")
    with parsing(table, "scene_name, camera_name, frame_id, included_in_public_release, split_partition_name"):
        with table.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["included_in_public_release"].lower() == "true"]
        released = {
            (row["scene_name"], row["camera_name"], int(row["frame_id"])): row["split_partition_name"] for row in rows
        }
    places = {frame: released.get((frame.scene, frame.camera, frame.number)) for frame in frames}
    chosen = [frame for frame, place in places.items() if place and split in ("all", place)]
    if not chosen:
        there = sorted({place for place in places.values() if place})
        raise DataError(f"{table}: no frame of split={split}, expected one of {', '.join([*there, 'all'])}")
    return chosen


def _read_cameras(table: Path, scenes: set[str]) -> dict[str, np.ndarray]:
    """Scene -> ray matrix of the authors' table; warns of these scenes where there is none for them."""
    cameras, lacking = dict[str, np.ndarray](), "is not there: 60 degrees across for every scene"
    if table.exists():
        with parsing(table, "scene_name and M_cam_from_uv_00 ... M_cam_from_uv_22"), table.open(newline="") as file:
            for row in csv.DictReader(file):
                matrix = np.array([[float(row[f"M_cam_from_uv_{i}{j}"]) for j in range(3)] for i in range(3)])
                cameras[row["scene_name"]] = upright(matrix)
        missing = sorted(scenes - cameras.keys())
        lacking = f"lacks {len(missing)} of {len(scenes)} scenes: 60 degrees across for {listed(missing, ', ')}"
    if not scenes <= cameras.keys():
        warnings.warn(f"{table} {lacking}, right for fewer than half", stacklevel=3)
    return cameras
