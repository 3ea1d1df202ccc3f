"""Which RMW implementations are installed, without rclpy: importing it ends a process whose RMW is missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

RMW_VARIABLE = "RMW_IMPLEMENTATION"
INDEX = Path("share", "ament_index", "resource_index", "rmw_typesupport")
"""Where, below each prefix of AMENT_PREFIX_PATH, every RMW leaves a file of its name."""


def installed_middleware(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the RMW implementations that ament knows, in order; none where there is no such index.

    Args:
        environment: such as os.environ.
    """
    files = (file.name for prefix in _prefixes(environment) for file in (prefix / INDEX).glob("rmw_*"))
    return sorted({*files} - {"rmw_implementation"})


def missing_middleware(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return what is wrong and its cure where RMW_IMPLEMENTATION names one that is not installed, else None.

    Without an index of what is installed it is taken for installed.

    Args:
        environment: such as os.environ.
    """
    asked, known = environment.get(RMW_VARIABLE, ""), installed_middleware(environment)
    if not asked or not known or asked in known or _is_library(asked, environment):
        return None
    distribution = environment.get("ROS_DISTRO", "")
    package = f"ros-{distribution}-{asked.replace('_', '-')}"
    cure = f"unset {RMW_VARIABLE}" + (f", or install it: sudo apt install {package}" if distribution else "")
    return f"{RMW_VARIABLE} is {asked}, which is not installed; installed: {', '.join(known)}", cure


def _prefixes(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where ROS may be; the wheels of ROS 2 are in the prefix of Python, without a variable that says so."""
    yield from map(Path, filter(None, environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)))
    yield Path(sys.prefix)


def _is_library(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the loader would find the library of an RMW that is in no index."""
    folders = filter(None, environment.get("LD_LIBRARY_PATH", "").split(os.pathsep))
    return any(Path(folder, f"lib{name}.so").is_file() for folder in folders)
