"""The little of CUDA that an engine needs, over cuda-bindings where it is installed and pycuda elsewhere.

Both use the device's primary context, as PyTorch and others in the process do, and nothing is set for the whole
device, so other processes share it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from depthart_core.errors import BackendError, pip_install

Bytes = npt.NDArray[np.uint8]

SUCCESS, NO_DEVICE, INSUFFICIENT_DRIVER = "cudaSuccess", "cudaErrorNoDevice", "cudaErrorInsufficientDriver"
OLDER_BINDINGS = "'cuda-bindings<13'"
"""What drivers before 580 go with."""


class Captured(NamedTuple):
    """A CUDA graph: what launches it, and what gives it back."""

    launch: Callable[[], None]
    free: Callable[[], None]


class Device(Protocol):
    """One GPU. Everything but `name` and `capability` is to be called inside of `active`."""

    name: str
    capability: str

    def active(self) -> AbstractContextManager[None]:
        """A context manager that makes this the thread's device, and what was so before again afterwards."""
        ...

    def allocate(self, size: int) -> Any:
        """Device memory; `int` of it is its address."""
        ...

    def free(self, memory: Any) -> None:
        """Give device memory back."""
        ...

    def allocate_pinned(self, size: int) -> Bytes:
        """Host memory that copies to and from the device do not have to copy first."""
        ...

    def free_pinned(self, memory: Bytes) -> None:
        """Give pinned memory back."""
        ...

    def make_stream(self) -> Any:
        """A stream of its own, which waits for no other."""
        ...

    def free_stream(self, stream: Any) -> None:
        """Give a stream back."""
        ...

    def stream_handle(self, stream: Any) -> int:
        """What other libraries call a stream."""
        ...

    def copy_in(self, target: Any, source: Bytes, stream: Any) -> None:
        """Queue a copy of pinned memory to the device."""
        ...

    def copy_out(self, target: Bytes, source: Any, stream: Any) -> None:
        """Queue a copy to pinned memory."""
        ...

    def wait(self, stream: Any) -> None:
        """Sleep, not spin, until a stream has done what is queued."""
        ...

    def capture(self, stream: Any, queue: Callable[[], None]) -> Captured | None:
        """Record what `queue` queues on a stream as one CUDA graph; None: cannot."""
        ...


def open_device(name: str) -> Device:
    """The GPU of a name such as "cuda" or "cuda:1".

    Raises:
        BackendError: Another name, no GPU, no driver, or neither cuda-bindings nor pycuda is installed.
    """
    index = _index(name)
    from depthart_core.backends.cuda_devices import BindingsDevice, PycudaDevice

    runtime, driver = _import("cuda.bindings.runtime"), None
    if runtime is not None:
        error, count = runtime.cudaGetDeviceCount()
        if error.name not in (SUCCESS, NO_DEVICE):  # such as bindings that are too new for the GPU's driver
            driver = _import("pycuda.driver")
        if driver is None:
            _demand(name, index, count if error.name == SUCCESS else 0, reason=error.name)
            return BindingsDevice(runtime, importlib.import_module("cuda.bindings.driver"), index)
    driver = driver or _import("pycuda.driver")
    if driver is None:
        cure = pip_install("cuda-bindings")
        raise BackendError(f"TensorRT needs cuda-bindings or pycuda to hold its buffers: {cure}")
    try:
        driver.init()
        count, reason = driver.Device.count(), NO_DEVICE
    except driver.Error as error:
        count, reason = 0, str(error)
    _demand(name, index, count, reason=reason)
    return PycudaDevice(driver, index)


def _index(name: str) -> int:
    found = re.fullmatch(r"cuda(?::(\d+))?", name)
    if found is None:
        raise BackendError(f"an engine runs on device cuda or cuda:N, got device {name!r}")
    return int(found[1] or 0)


def _demand(name: str, index: int, count: int, *, reason: str) -> None:
    if count == 0:
        older = f"; with an old driver: {pip_install(OLDER_BINDINGS)}" if reason == INSUFFICIENT_DRIVER else ""
        raise BackendError(f"there is no GPU that CUDA can use here ({reason}{older}); look at: nvidia-smi")
    if index >= count:
        raise BackendError(f"there are {count} GPUs, got device {name!r}; look at: nvidia-smi -L")


def _import(name: str) -> Any:
    """A module, None where it is not installed or not for this machine."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
