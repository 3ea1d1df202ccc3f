"""The processes that train one model together: how many, on which devices, and how they talk.

What ``accelerate launch`` (or torchrun) started asks Hugging Face Accelerate; any other run is one process and needs
no such package. The functions at the end do nothing where there is one process.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.errors import TrainingError

PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        device: Where it computes.
        rank: Its number; 0 writes the files.
        world_size: Number of processes.
        accelerator: accelerate.Accelerator; None where nothing was launched.
    """

    device: torch.device
    rank: int = 0
    world_size: int = 1
    accelerator: Any = None

    @property
    def main(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def share(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all processes; it must be called by its forward."""
        if self.world_size == 1:
            return module
        shared: nn.Module = self.accelerator.prepare_model(module)
        return shared

    def no_sync(self, module: nn.Module, *, when: bool) -> AbstractContextManager[object]:
        """Where `when` holds, gradients stay in their process: more of them are to come before the next step."""
        return self.accelerator.no_sync(module) if when and self.world_size > 1 else contextlib.nullcontext()

    def write(self, action: Callable[[], None]) -> None:
        """Let the main process write files, or score; where it fails, all end, instead of waiting for one that is gone.

        Raises:
            Exception: What the action raised, in the main process.
            TrainingError: In the others.
        """
        failure: Exception | None = None
        if self.main:
            try:
                action()
            except Exception as error:  # raised again once the others know
                failure = error
        [failed] = all_max([float(failure is not None)], self.device)
        if failure is not None:
            raise failure
        if failed:
            raise TrainingError(f"process {self.rank} ends, as process 0 failed and says why")


def open_processes(device: str = "auto") -> Processes:
    """Find out who trains.

    Args:
        device: "auto", or such as "cpu", "cuda" or "cuda:1".

    Raises:
        TrainingError: The device cannot be used.
    """
    if "WORLD_SIZE" in os.environ or any(name.startswith("ACCELERATE_") for name in os.environ):
        return _launched(device)
    name = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    return Processes(_usable(name))


def _launched(device: str) -> Processes:
    from accelerate import Accelerator, DistributedDataParallelKwargs

    # Which parameters a stage reaches depends on the recipe: convolutions that no scale uses, a decoder without loss.
    options = DistributedDataParallelKwargs(find_unused_parameters=True)
    processor = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
    accelerator = Accelerator(cpu=processor, mixed_precision="no", kwargs_handlers=[options])
    chosen: torch.device = accelerator.device
    wanted = _usable(device) if device != "auto" else chosen
    if wanted.type != chosen.type:
        raise TrainingError(f"device {device!r} was asked for, accelerate launch gave {str(chosen)!r}")
    single = accelerator.num_processes == 1
    if single:
        _end_with_parent()
    return Processes(wanted if single else chosen, accelerator.process_index, accelerator.num_processes, accelerator)


def _end_with_parent() -> None:
    """Ask Linux for a SIGTERM when the launcher dies: for one process it passes none on when it gets one itself.

    A launcher that is dead by now is not noticed, nor is it elsewhere.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without prctl
            launcher = Path(f"/proc/{os.getppid()}/cmdline").read_bytes()
            if b"accelerate" in launcher or b"torchrun" in launcher:  # and no shell that set a variable of theirs
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _usable(name: str) -> torch.device:
    try:
        torch.zeros(1, device=name).cpu()  # what is computed there must come back, which "meta" cannot
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise TrainingError(f"device {name!r} cannot be used: {reason}") from error


def close_processes() -> None:
    """Leave the others; without processes nothing happens."""
    if _together():
        dist.destroy_process_group()


def leave(status: int) -> NoReturn:
    """End the program with a status; of several processes without the clean-up of native libraries.

    That aborts now and then on a loaded machine, in a thread of gloo's, after all was done, and the launcher then calls
    a complete run failed.
    """
    if os.environ.get("WORLD_SIZE", "1") in ("", "1"):
        sys.exit(status)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def all_gather(tensor: Tensor) -> Tensor:
    """The tensors (B, ...) of all processes below each other, in their order; all must have one shape."""
    if not _together():
        return tensor
    parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return torch.cat(parts)


def all_sum(tensor: Tensor) -> Tensor:
    """The sum over all processes."""
    if not _together():
        return tensor
    result = tensor.clone()
    dist.all_reduce(result)
    return result


def all_mean(tensor: Tensor) -> Tensor:
    """The mean over all processes."""
    return all_sum(tensor) / (dist.get_world_size() if _together() else 1)


def all_max(values: Sequence[float], device: torch.device) -> list[float]:
    """The largest of every value over all processes."""
    if not _together():
        return list(values)
    result = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(result, dist.ReduceOp.MAX)
    return [float(value) for value in result.tolist()]


def same_everywhere(value: float, device: torch.device) -> bool:
    """Whether all processes have this value."""
    most, least = all_max([value, -value], device)
    return most == -least


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
