"""What a device can do at most, measured: matrix operations and copied bytes a second."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import torch

from benchmarks.timing import timed

FORMATS = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
PEAK_SIDE = {"cuda": 8192, "cpu": 2048}
PEAK_TRIES = {"cuda": 13, "cpu": 4}
COPIED_BYTES = {"cuda": 2**32, "cpu": 2**24}
COPIES, WARM_UP = 10, 3


def peak(dtype: torch.dtype, device: str) -> float:
    """Matrix operations a second: of the fastest of a few products of two large squares, 2 side^3 operations each."""
    kind = _kind(device)
    side = PEAK_SIDE[kind]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / min(timed(lambda: left @ right, device) for _ in range(PEAK_TRIES[kind]))


def peaks(device: str, numbers: Sequence[str]) -> dict[str, float]:
    """The matrix peak by number format, keys of `FORMATS`, and "copy": bytes a second, reads and writes counted."""
    result = {}
    for number in numbers:
        set_tf32(number)
        result[number] = peak(FORMATS[number], device)
    source = torch.zeros(COPIED_BYTES[_kind(device)], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = [timed(lambda: target.copy_(source), device) for _ in range(WARM_UP + COPIES)][WARM_UP:]
    result["copy"] = 2 * source.numel() / statistics.median(seconds)
    return result


def set_tf32(number: str) -> None:
    """Let a GPU round float32 to TF32 in matrix products, or forbid it."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = number == "tf32"


def _kind(device: str) -> str:
    return "cuda" if device.startswith("cuda") else "cpu"
