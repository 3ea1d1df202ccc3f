"""Which processor this is, for figures that hold on it alone."""

from __future__ import annotations

import platform
import re
from pathlib import Path

PROCESSORS, BOARD = Path("/proc/cpuinfo"), Path("/proc/device-tree/model")
"""Where Linux describes processors, and on most Arm machines the board that they are on."""


VNNI = {"avx512_vnni", "avx_vnni"}
"""What Linux calls VNNI, on x86-64."""

X86 = ("x86_64", "AMD64")
"""What Python calls processors that have VNNI or saturate."""


def processor_name(processors: Path | None = None, board: Path | None = None) -> str:
    """The name of this machine's processor; on Arm, which has none of its own, the board's or the numbers of the cores.

    Args:
        processors: Linux's description of the processors.
        board: Linux's name of the board.
    """
    text = _read(processors or PROCESSORS)
    makers, names = _values(text, "CPU implementer"), _values(text, "model name")
    if names and not makers:
        return names[0]
    if name := _read(board or BOARD).strip("\0\n "):
        return name
    cores = zip(makers, _values(text, "CPU part"), strict=False)
    return ", ".join([platform.machine(), *sorted({f"{maker}:{part}" for maker, part in cores})])


def has_vnni(processors: Path | None = None) -> bool:
    """Whether this machine's processor is known to have VNNI, which sums products of 8 bits without saturating.

    Linux tells; elsewhere it is not known.

    Args:
        processors: Linux's description of the processors.
    """
    return not VNNI.isdisjoint(_read(processors or PROCESSORS).split())


def sums_may_saturate() -> bool:
    """Whether sums of products of 8 bits may saturate here: on x86-64 that is not known to have VNNI."""
    return platform.machine() in X86 and not has_vnni()


def _values(text: str, key: str) -> list[str]:
    return re.findall(rf"^{key}\s*: (.+)$", text, re.MULTILINE)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
