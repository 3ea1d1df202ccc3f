"""Which number format a training takes on which device."""

from __future__ import annotations

from pathlib import Path

import torch

PRECISIONS = ("auto", "bf16", "fp32")
UNITS = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls units that multiply bfloat16, on x86-64 and Arm."""


def choose_precision(asked: str, device: torch.device, *, processor: Path = Path("/proc/cpuinfo")) -> str:
    """Return "bf16" (autocast) or "fp32".

    A processor without bfloat16 units multiplies it about ten times slower than float32.

    Args:
        asked: One of `PRECISIONS`; "auto" takes bf16 where the device has units for it.
        device: Where the training runs.
        processor: Linux's description of the processor.
    """
    if asked != "auto":
        return asked
    return "bf16" if _multiplies_bf16(device, processor) else "fp32"


def _multiplies_bf16(device: torch.device, processor: Path) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not processor.is_file():
        return False
    return not UNITS.isdisjoint(processor.read_text(encoding="utf-8").split())
