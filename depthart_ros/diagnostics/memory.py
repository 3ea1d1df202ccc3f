"""The memory of a process."""

from __future__ import annotations

from pathlib import Path


def resident_mib(pid: int | str = "self") -> float | None:
    """Memory of a process, by default this one, that is not swapped out [MiB]; None where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    lines = status.read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), None)
