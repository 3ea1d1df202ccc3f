"""Environment for large images on one machine: shared memory instead of UDP. Imports no ROS."""

from __future__ import annotations

import os

FAST_DDS_2 = ("humble", "iron", "jazzy")
"""Distributions whose Fast DDS knows its profile by the older variable; later ones warn about that name."""


def local_transport(profile: str) -> dict[str, str]:
    """Return environment variables for nodes that share images on one machine.

    The MALLOC variables keep the memory of large messages from going back to the system after each of them.

    Args:
        profile: path of config/fastdds.xml.
    """
    older = os.environ.get("ROS_DISTRO") in FAST_DDS_2
    return {
        "FASTRTPS_DEFAULT_PROFILES_FILE" if older else "FASTDDS_DEFAULT_PROFILES_FILE": profile,
        "MALLOC_MMAP_THRESHOLD_": "268435456",
        "MALLOC_TRIM_THRESHOLD_": "536870912",
    }
