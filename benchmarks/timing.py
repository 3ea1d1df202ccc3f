"""How long something takes. PyTorch is loaded for a GPU alone: processes are timed that run without it."""

from __future__ import annotations

import time
from collections.abc import Callable


def timed(run: Callable[[], object], device: str = "cpu") -> float:
    """Return the seconds that something takes, the device's work included."""
    _wait(device)
    start = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)
