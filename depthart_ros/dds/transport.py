"""Environment for nodes of one machine: shared memory instead of UDP, and nothing that leaves it."""

from __future__ import annotations

import os
from collections.abc import Mapping

FAST_DDS_2 = ("humble", "iron", "jazzy")
"""Distributions whose Fast DDS knows its profile by the older variable; later ones warn about that name."""
PROFILES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")


def profile_variables(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable by which this Fast DDS finds its profile, and the one that its other versions read.

    Args:
        environment: such as os.environ.
    """
    new, old = PROFILES
    return (old, new) if environment.get("ROS_DISTRO") in FAST_DDS_2 else (new, old)


def local_transport(profile: str) -> dict[str, str]:
    """Return environment variables for nodes that share images on one machine.

    The MALLOC variables keep the memory of large messages from going back to the system after each of them.

    Args:
        profile: path of config/fastdds.xml.
    """
    return {
        profile_variables(os.environ)[0]: profile,
        "MALLOC_MMAP_THRESHOLD_": "268435456",
        "MALLOC_TRIM_THRESHOLD_": "536870912",
    }


def on_this_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variable that keeps ROS on this machine; later distributions warn about Humble's.

    Args:
        environment: such as os.environ.
    """
    if environment.get("ROS_DISTRO") == "humble":
        return {"ROS_LOCALHOST_ONLY": "1"}
    return {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
