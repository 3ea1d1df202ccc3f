"""What a device can do at most, measured: matrix operations and copied bytes a second."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from time import perf_counter

import torch

FORMATS = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
PEAK_SIDE = {"cuda": 8192, "cpu": 512}
COPIED_BYTES = {"cuda": 2**32, "cpu": 2**24}
TRIES = 10


def peaks(device: str, numbers: Sequence[str]) -> dict[str, float]:
    """Matrix operations a second by number format, and "copy": bytes a second, reads and writes counted."""
    kind = device.partition(":")[0]
    side, result = PEAK_SIDE[kind], {}
    for number in numbers:
        set_tf32(number)
        result[number] = 2 * side**3 / _typical(matrix_product(side, FORMATS[number], device), device)
    source = torch.zeros(COPIED_BYTES[kind], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    result["copy"] = 2 * source.numel() / _typical(lambda: target.copy_(source), device)
    return result


def matrix_product(side: int, dtype: torch.dtype, device: str) -> Callable[[], torch.Tensor]:
    """What multiplies two square matrices: 2 side^3 operations."""
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return lambda: left @ right


def set_tf32(number: str) -> None:
    """Let a GPU round float32 to TF32 in matrix products, or forbid it."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = number == "tf32"


def _typical(run: Callable[[], object], device: str) -> float:
    for _ in range(3):
        run()
    return statistics.median(timed(run, device) for _ in range(TRIES))


def timed(run: Callable[[], object], device: str) -> float:
    """Seconds that a run takes, the device's work included."""
    _wait(device)
    start = perf_counter()
    run()
    _wait(device)
    return perf_counter() - start


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
