"""What an engine is tied to: a version of TensorRT, a GPU, an operating system."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIBRARY_WORDS = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}

KNOWN_BAD = {
    "10.3": "computes wrong depth for several vision transformers; JetPack 7.2 has 10.16",
    "10.4": "miscompiles several vision transformers, even in fp32; 10.14 and later are good",
}
"""Versions of TensorRT that are warned about."""


@dataclass(frozen=True)
class Machine:
    """What an engine is tied to.

    Attributes:
        library: "tensorrt" or "tensorrt_rtx".
        version: Of the library.
        gpu: Name of the GPU.
        sm: Its compute capability, such as "8.7".
        platform: Operating system and processor, such as "Linux-aarch64".
    """

    library: str
    version: str
    gpu: str
    sm: str
    platform: str

    def __str__(self) -> str:
        """One phrase for a sentence."""
        return f"{LIBRARY_WORDS[self.library]} {self.version} on {self.gpu} (SM {self.sm}, {self.platform})"


def machine_name(machine: Machine) -> str:
    """The machine in a file's name."""
    gpu = re.sub(r"[^a-z0-9]+", "-", machine.gpu.lower()).strip("-")
    return f"{machine.library}{machine.version}-{gpu}-sm{machine.sm.replace('.', '')}"


def version_warning(library: str, version: str) -> str:
    """What is known to be wrong with a version of TensorRT; empty where nothing is."""
    known = KNOWN_BAD.get(".".join(version.split(".")[:2])) if library == "tensorrt" else None
    return f"TensorRT {version} {known}" if known else ""
