"""Autocast suspended where something must be computed in its own type."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def without_autocast(device: str) -> AbstractContextManager[object]:
    """Suspend autocast on a type of device such as "cpu".

    Where there is none the context does nothing, so that an exported graph has no trace of it: every trace would be
    taken out of the graph one by one, which takes half as long again as the export itself.
    """
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
