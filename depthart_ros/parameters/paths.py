"""Finds the files that parameters name, and reads small ones."""

from __future__ import annotations

import os
from pathlib import Path

from depthart_core import ConfigError

LONGEST = 1 << 20
"""Characters of a parameter file or a calibration; one has some hundred to some thousand."""


def ros_home() -> Path:
    """Return where ROS keeps what belongs to a user: $ROS_HOME, else ~/.ros."""
    return Path(os.environ.get("ROS_HOME") or Path.home() / ".ros")


def path_of(url: str) -> Path:
    """Return the file of a path, file:// or package:// URL.

    Raises:
        ConfigError: a package that is not installed, or another kind of URL.
    """
    scheme, separator, rest = url.replace("${ROS_HOME}", str(ros_home())).partition("://")
    if scheme == "package" and separator:
        return _share_of(url, rest.partition("/")[0]) / rest.partition("/")[2]
    if scheme == "file" or not separator:
        try:
            return Path(rest if separator else scheme).expanduser()
        except RuntimeError as error:
            raise ConfigError(f"camera_info_url is {url!r}: {error}") from error
    raise ConfigError(f"camera_info_url is {url!r}; expected a path, file:// or package://")


def read_text(path: Path) -> str:
    """Return the text of a parameter file or a calibration.

    Raises:
        OSError: it cannot be read, or is longer than `LONGEST`, which a device such as /dev/zero is, too.
        UnicodeDecodeError: it is no text.
    """
    with path.open() as file:
        text = file.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise OSError(f"it has more than {LONGEST} characters")
    return text


def _share_of(url: str, package: str) -> Path:
    try:
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    except ImportError as error:
        raise ConfigError(
            f"camera_info_url is {url!r}; expected a path: ament_index_python is not installed"
        ) from error
    try:
        return Path(get_package_share_directory(package))
    except (PackageNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"camera_info_url is {url!r}: package {package!r} is not installed ({error})") from error
