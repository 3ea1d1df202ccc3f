"""Which number format a training takes on which device."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from depthart_core.backends.precision import forbid_tf32, multiplies_bfloat16

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


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Within this context a model computes in what `choose_precision` returned."""
    return contextlib.nullcontext() if precision == "fp32" else torch.autocast(device.type, torch.bfloat16)


def settle_gpu() -> None:
    """Let the whole process compute float32 on a GPU in float32, and try which convolutions are fast.

    In TF32 it would compute also what bf16 leaves in float32, because less would be noise. Whoever wants speed takes
    bf16, which every GPU with TF32 has.
    """
    forbid_tf32()
    torch.backends.cudnn.benchmark = True  # all batches have one shape
