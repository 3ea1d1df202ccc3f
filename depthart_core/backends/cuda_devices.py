"""Two ways to a GPU, see `depthart_core.backends.cuda.Device`: through cuda-bindings and through pycuda."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from depthart_core.backends.cuda import Bytes, Captured
from depthart_core.errors import BackendError


class BindingsDevice:
    """A GPU through cuda-bindings.

    The runtime works in whatever context is current, and makes one on the first GPU where there is none. So the
    primary context of this GPU is retained at the first use, until the device is dropped, and pushed and popped around
    every use: no other GPU is touched, which may be another process's own.

    Args:
        runtime: The module cuda.bindings.runtime.
        driver: The module cuda.bindings.driver.
        index: Which GPU.
    """

    def __init__(self, runtime: Any, driver: Any, index: int) -> None:
        self.runtime, self.driver, self.index = runtime, driver, index
        self._context: Any = None
        self._lock = threading.RLock()  # a runner that the collector drops meanwhile comes back in this thread
        self.name = _checked(runtime.cudaGetDeviceProperties(index)).name.split(b"\0")[0].decode()
        attributes = runtime.cudaDeviceAttr
        major = _checked(runtime.cudaDeviceGetAttribute(attributes.cudaDevAttrComputeCapabilityMajor, index))
        minor = _checked(runtime.cudaDeviceGetAttribute(attributes.cudaDevAttrComputeCapabilityMinor, index))
        self.capability = f"{major}.{minor}"

    @contextmanager
    def active(self) -> Iterator[None]:
        """See `Device`."""
        _checked(self.driver.cuCtxPushCurrent(self._retained()))
        try:
            yield
        finally:
            _checked(self.driver.cuCtxPopCurrent())

    def _retained(self) -> Any:
        """The GPU's primary context."""
        with self._lock:
            if self._context is None:
                _checked(self.driver.cuInit(0))
                handle = _checked(self.driver.cuDeviceGet(self.index))
                self._context = _checked(self.driver.cuDevicePrimaryCtxRetain(handle))
                release = weakref.finalize(self, self.driver.cuDevicePrimaryCtxRelease, handle)
                release.atexit = False  # libraries that still hold memory in it end later than Python
            return self._context

    def allocate(self, size: int) -> Any:
        """See `Device`."""
        return _checked(self.runtime.cudaMalloc(size))

    def free(self, memory: Any) -> None:
        """See `Device`."""
        _checked(self.runtime.cudaFree(memory))

    def allocate_pinned(self, size: int) -> Bytes:
        """See `Device`."""
        address = int(_checked(self.runtime.cudaHostAlloc(size, self.runtime.cudaHostAllocDefault)))
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))

    def free_pinned(self, memory: Bytes) -> None:
        """See `Device`."""
        _checked(self.runtime.cudaFreeHost(memory.ctypes.data))

    def make_stream(self) -> Any:
        """See `Device`."""
        return _checked(self.runtime.cudaStreamCreateWithFlags(self.runtime.cudaStreamNonBlocking))

    def free_stream(self, stream: Any) -> None:
        """See `Device`."""
        _checked(self.runtime.cudaStreamDestroy(stream))

    def stream_handle(self, stream: Any) -> int:
        """See `Device`."""
        return int(stream)

    def copy_in(self, target: Any, source: Bytes, stream: Any) -> None:
        """See `Device`."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        _checked(self.runtime.cudaMemcpyAsync(target, source.ctypes.data, source.nbytes, kind, stream))

    def copy_out(self, target: Bytes, source: Any, stream: Any) -> None:
        """See `Device`."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        _checked(self.runtime.cudaMemcpyAsync(target.ctypes.data, source, target.nbytes, kind, stream))

    def wait(self, stream: Any) -> None:
        """See `Device`."""
        flags = self.runtime.cudaEventBlockingSync | self.runtime.cudaEventDisableTiming
        event = _checked(self.runtime.cudaEventCreateWithFlags(flags))
        try:
            _checked(self.runtime.cudaEventRecord(event, stream))
            _checked(self.runtime.cudaEventSynchronize(event))
        finally:
            _checked(self.runtime.cudaEventDestroy(event))

    def capture(self, stream: Any, queue: Callable[[], None]) -> Captured | None:
        """See `Device`."""
        runtime = self.runtime
        mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal  # other threads may go on meanwhile
        _checked(runtime.cudaStreamBeginCapture(stream, mode))
        try:
            queue()
        finally:
            ended = runtime.cudaStreamEndCapture(stream)
        graph = _checked(ended)
        try:
            executable = _checked(runtime.cudaGraphInstantiate(graph, 0))
        finally:
            _checked(runtime.cudaGraphDestroy(graph))
        return Captured(
            lambda: _checked(runtime.cudaGraphLaunch(executable, stream)),
            lambda: _checked(runtime.cudaGraphExecDestroy(executable)),
        )


class PycudaDevice:
    """A GPU through pycuda, which has no CUDA graphs.

    Args:
        driver: The module pycuda.driver.
        index: Which GPU.
    """

    def __init__(self, driver: Any, index: int) -> None:
        self.driver = driver
        with self._told():
            device = driver.Device(index)
            self.name, self.capability = device.name(), "{}.{}".format(*device.compute_capability())
            self.context = device.retain_primary_context()

    @contextmanager
    def active(self) -> Iterator[None]:
        """See `Device`."""
        with self._told():
            self.context.push()
            try:
                yield
            finally:
                self.driver.Context.pop()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Make a BackendError of pycuda's own errors, none of which is known outside."""
        try:
            yield
        except self.driver.Error as error:
            raise BackendError(f"CUDA failed: {error}") from error

    def allocate(self, size: int) -> Any:
        """See `Device`."""
        return self.driver.mem_alloc(size)

    def free(self, memory: Any) -> None:
        """See `Device`."""
        memory.free()

    def allocate_pinned(self, size: int) -> Bytes:
        """See `Device`."""
        return np.asarray(self.driver.pagelocked_empty(size, np.uint8))

    def free_pinned(self, memory: Bytes) -> None:
        """See `Device`."""
        allocation: Any = memory.base
        allocation.free()  # with the array alone it could be too late: outside of `active`

    def make_stream(self) -> Any:
        """See `Device`."""
        return self.driver.Stream(1)  # CU_STREAM_NON_BLOCKING

    def free_stream(self, stream: Any) -> None:
        """Nothing to do: pycuda gives it back with the object, which the caller drops inside of `active`."""

    def stream_handle(self, stream: Any) -> int:
        """See `Device`."""
        return int(stream.handle)

    def copy_in(self, target: Any, source: Bytes, stream: Any) -> None:
        """See `Device`."""
        self.driver.memcpy_htod_async(target, source, stream)

    def copy_out(self, target: Bytes, source: Any, stream: Any) -> None:
        """See `Device`."""
        self.driver.memcpy_dtoh_async(target, source, stream)

    def wait(self, stream: Any) -> None:
        """See `Device`."""
        flags = self.driver.event_flags.BLOCKING_SYNC | self.driver.event_flags.DISABLE_TIMING
        self.driver.Event(flags).record(stream).synchronize()

    def capture(self, stream: Any, queue: Callable[[], None]) -> Captured | None:
        """None: pycuda cannot."""
        del stream, queue
        return None


def _checked(returned: tuple[Any, ...]) -> Any:
    """The value of a call of cuda-bindings, None where it has none.

    Raises:
        BackendError: The call failed.
    """
    error, *values = returned
    if int(error) != 0:
        raise BackendError(f"CUDA failed: {error.name}")
    return values[0] if values else None
