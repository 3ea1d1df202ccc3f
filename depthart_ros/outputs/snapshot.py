"""A frame with its depth as files: picture, depth, cloud and calibration, in a folder that is complete or not there."""

from __future__ import annotations

import io
import itertools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from depthart_core import ConfigError
from depthart_core.geometry import point_planes
from depthart_ros.outputs.depth_frame import DepthFrame
from depthart_ros.outputs.messages import to_millimetres
from depthart_ros.parameters.paths import ros_home

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo

PLY_POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")])
PLY_TYPES = {"f": "float", "u": "uchar"}


def snapshot_folder(snapshot_dir: str) -> Path:
    """Return where snapshots go: the parameter of that name, else `depthart` in the folder of ROS.

    Raises:
        ConfigError: there is no home folder of that name.
    """
    try:
        return Path(snapshot_dir).expanduser() if snapshot_dir else ros_home() / "depthart"
    except RuntimeError as error:
        raise ConfigError(f"snapshot_dir is {snapshot_dir!r}: {error}") from error


def save_snapshot(frame: DepthFrame, parent: Path, make_camera_info: Callable[[], Any], *, camera: str = "") -> Path:
    """Write a frame with its depth into a new folder, named by its stamp, and return the folder.

    It holds image.png and relative.npy; depth.npy [m, float32] and depth_mm.png [mm, 16 bit] while the scale is known;
    camera_info.yaml, which camera_info_url reads, with a calibration; points.ply with both; and confidence.npy.

    Args:
        frame: to write.
        parent: of the new folder; made where it is missing.
        make_camera_info: an empty CameraInfo.
        camera: stands before the name of the folder.

    Raises:
        ConfigError: the folder cannot be written.
    """
    stamp = frame.header.stamp
    name = f"{camera}_" * bool(camera) + f"{stamp.sec}.{stamp.nanosec:09d}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
    except OSError as error:
        raise ConfigError(f"snapshot_dir: {parent} cannot be written: {error.strerror}") from error
    try:
        for file, data in _files(frame, make_camera_info).items():
            (draft / file).write_bytes(data)
        draft.chmod(0o755)
        return _place(draft, parent / name)
    except OSError as error:
        raise ConfigError(f"snapshot_dir: {parent} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _place(draft: Path, wanted: Path) -> Path:
    """Give a complete folder its name, with a number behind where that is taken."""
    for number in itertools.count(1):
        place = wanted if number == 1 else wanted.with_name(f"{wanted.name}_{number}")
        if not place.exists():
            return draft.rename(place)
    raise AssertionError


def _files(frame: DepthFrame, make_camera_info: Callable[[], Any]) -> Mapping[str, bytes]:
    """Return the content of every file by its name."""
    files = {"image.png": _png(frame.picture.rgb[..., ::-1]), "relative.npy": _npy(frame.relative.values)}
    if frame.relative.confidence is not None:
        files["confidence.npy"] = _npy(frame.relative.confidence)
    if frame.scale is not None:
        files |= {"depth.npy": _npy(frame.depth), "depth_mm.png": _png(to_millimetres(frame.depth))}
    if frame.picture.intrinsics is not None:
        files["camera_info.yaml"] = calibration_yaml(frame.fill_camera_info(make_camera_info()))
        if frame.scale is not None:
            planes = point_planes(frame.points_depth, frame.picture.intrinsics)
            files["points.ply"] = ply(planes, frame.picture.rgb)
    return files


def ply(planes: tuple[npt.NDArray[np.float32], ...], rgb: npt.NDArray[np.uint8]) -> bytes:
    """Return the finite points (x, y, z [m], each (H, W)) with their colours (H, W, 3) as binary PLY."""
    kept = np.isfinite(planes[2])
    points = np.empty(int(kept.sum()), PLY_POINT)
    for name, plane in zip(PLY_POINT.names or (), (*planes, *np.moveaxis(rgb, -1, 0)), strict=True):
        points[name] = plane[kept]
    properties = [f"property {PLY_TYPES[PLY_POINT[name].kind]} {name}" for name in PLY_POINT.names or ()]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}", *properties, "end_header", ""]
    return "\n".join(header).encode() + points.tobytes()


def calibration_yaml(info: CameraInfo) -> bytes:
    """Return a CameraInfo as camera_calibration writes it."""
    import yaml

    def matrix(values: Any, rows: int) -> dict[str, Any]:
        data = [float(value) for value in values]
        return {"rows": rows, "cols": len(data) // rows, "data": data}

    tree = {
        "image_width": int(info.width),
        "image_height": int(info.height),
        "camera_name": str(info.header.frame_id),
        "camera_matrix": matrix(info.k, 3),
        "distortion_model": str(info.distortion_model),
        "distortion_coefficients": matrix(info.d, 1),
        "rectification_matrix": matrix(info.r, 3),
        "projection_matrix": matrix(info.p, 3),
    }
    return bytes(yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, encoding="utf-8"))


def _png(values: npt.NDArray[Any]) -> bytes:
    return bytes(cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def _npy(values: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()
