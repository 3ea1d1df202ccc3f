"""Which number format a training takes on which device."""

from __future__ import annotations

from pathlib import Path

import torch

from depthart_core.backends.precision import multiplies_bfloat16

PRECISIONS = ("auto", "bf16", "fp32")


def choose_precision(asked: str, device: torch.device, *, processor: Path = Path("/proc/cpuinfo")) -> str:
    """Return "bf16" (autocast) or "fp32".

    Args:
        asked: One of `PRECISIONS`; "auto" takes bf16 where the device has units for it.
        device: Where the training runs.
        processor: Linux's description of the processor.
    """
    if asked != "auto":
        return asked
    return "bf16" if multiplies_bfloat16(device, processor=processor) else "fp32"
