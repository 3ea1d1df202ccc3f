"""The calibration of a camera, and the file that holds one."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthart_core import ConfigError
from depthart_ros.parameters.paths import path_of, read_text

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo


@dataclass(frozen=True)
class Calibration:
    """The fields of a CameraInfo that a calibration knows; see there."""

    width: int
    height: int
    distortion_model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    r: tuple[float, ...]
    p: tuple[float, ...]

    def fill(self, target: Any) -> CameraInfo:
        """Fill an empty CameraInfo, and return it."""
        target.width, target.height, target.distortion_model = self.width, self.height, self.distortion_model
        target.d, target.k, target.r, target.p = (list(values) for values in (self.d, self.k, self.r, self.p))
        made: CameraInfo = target
        return made


def load_calibration(url: str) -> Calibration:
    """Read a calibration as camera_calibration writes it; the file is read again when it has changed.

    Args:
        url: a path, file:// or package:// URL; ${ROS_HOME} is put in, and ~ for the home folder.

    Raises:
        ConfigError: the file cannot be read or is no calibration.
    """
    path = path_of(url)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise ConfigError(f"camera_info_url is {url!r}: {path} cannot be read: {error}") from error
    return _read_calibration(url, path, changed)


@lru_cache(maxsize=16)
def _read_calibration(url: str, path: Path, changed: int) -> Calibration:
    """Read the file of `load_calibration`, once for each moment it was changed at.

    Raises:
        ConfigError: as there.
    """
    del changed
    import yaml

    try:
        tree = yaml.safe_load(read_text(path))
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no text, or a date that does not exist
        raise ConfigError(f"camera_info_url is {url!r}: {path} cannot be read: {error}") from error
    try:
        return Calibration(
            _size(tree, "image_width"),
            _size(tree, "image_height"),
            str(tree.get("distortion_model", tree.get("camera_model", "plumb_bob"))),
            _numbers(tree, "distortion_coefficients", range(15)),
            _numbers(tree, "camera_matrix", (9,)),
            _numbers(tree, "rectification_matrix", (9,)),
            _numbers(tree, "projection_matrix", (12,)),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError(
            f"camera_info_url is {url!r}: {path} is no calibration ({type(error).__name__}: {error}); "
            "expected the YAML that camera_calibration writes"
        ) from error


def _size(tree: Any, name: str) -> int:
    size = int(tree[name])
    if not 1 <= size < 1 << 32:  # what a CameraInfo holds
        raise ValueError(f"{name} is {size}")
    return size


def _numbers(tree: Any, name: str, lengths: Container[int]) -> tuple[float, ...]:
    values = tuple(float(value) for value in tree[name]["data"])
    if len(values) not in lengths:
        raise ValueError(f"{name} has {len(values)} numbers")
    return values
