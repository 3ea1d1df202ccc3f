"""Which RMW implementations are installed, without rclpy: importing it ends a process whose RMW is missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

VARIABLE = "RMW_IMPLEMENTATION"
INDEX = Path("share", "ament_index", "resource_index", "rmw_typesupport")
"""Where, below each prefix of AMENT_PREFIX_PATH, every RMW leaves a file of its name."""


def installed(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the RMW implementations that ament knows, in order; none where there is no such index.

    Args:
        environment: such as os.environ.
    """
    files = (file.name for prefix in _prefixes(environment) for file in (prefix / INDEX).glob("rmw_*"))
    return sorted({*files} - {"rmw_implementation"})


def missing(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return what is wrong with RMW_IMPLEMENTATION and the cure; None where nothing is or nothing can be said.

    Args:
        environment: such as os.environ.
    """
    asked, known = environment.get(VARIABLE, ""), installed(environment)
    if not asked or not known or asked in known or _is_library(asked, environment):
        return None
    distribution = environment.get("ROS_DISTRO", "")
    package = f"ros-{distribution}-{asked.replace('_', '-')}"
    cure = f"unset {VARIABLE}" + (f", or install it: sudo apt install {package}" if distribution else "")
    return f"{VARIABLE} is {asked}, which is not installed; installed: {', '.join(known)}", cure


def _prefixes(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where ROS may be; the wheels of ROS 2 are in the prefix of Python, without a variable that says so."""
    yield from map(Path, filter(None, environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)))
    yield Path(sys.prefix)


def _is_library(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the loader would find the library of an RMW that is in no index."""
    folders = filter(None, environment.get("LD_LIBRARY_PATH", "").split(os.pathsep))
    return any(Path(folder, f"lib{name}.so").is_file() for folder in folders)
