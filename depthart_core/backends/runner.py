"""Runs a compiled program of fixed shapes: pinned buffers, one stream, where possible one CUDA graph for it all."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from depthart_core.backends.cuda import Bytes, Captured, Device
from depthart_core.errors import BackendError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tensor:
    """An input or output of a program.

    Attributes:
        name: Of it.
        shape: Fixed.
        dtype: As numpy calls it.
        is_input: Whether it goes in.
    """

    name: str
    shape: tuple[int, ...]
    dtype: npt.DTypeLike
    is_input: bool

    @property
    def size(self) -> int:
        """In bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


class Program(Protocol):
    """What runs on buffers of given addresses; called with the device active."""

    tensors: Sequence[Tensor]
    capturable: bool

    def bind(self, name: str, address: int) -> None:
        """Say where a tensor is, once."""
        ...

    def enqueue(self, stream: int) -> None:
        """Queue one run."""
        ...


class Runner:
    """One program on one GPU, for any thread, one call at a time.

    The first run, made here, is a warm-up, which also lets libraries finish what must not happen while a graph is
    recorded. Copies in, program and copies out are then one CUDA graph where `Device` and program can: one launch.

    Args:
        device: The GPU.
        program: What to run.
    """

    def __init__(self, device: Device, program: Program) -> None:
        self.device, self._programs = device, [program]
        self._lock = threading.Lock()
        self._held: list[Callable[[], None]] = []
        weakref.finalize(self, _release, device, self._held, self._programs)
        with device.active():
            streams = self._streams = [device.make_stream()]
            self._held.append(lambda: device.free_stream(streams.pop()))  # nobody else holds it
            self._memory, self._host = {}, {}
            for tensor in program.tensors:
                self._memory[tensor.name], self._host[tensor.name] = self._allocate(tensor.size)
                program.bind(tensor.name, int(self._memory[tensor.name]))
            self._queue()
            device.wait(self.stream)
            self._graph = self._capture() if program.capturable else None

    @property
    def program(self) -> Program:
        """What runs."""
        return self._programs[0]

    @property
    def stream(self) -> Any:
        """The stream that everything is queued on."""
        return self._streams[0]

    @property
    def captured(self) -> bool:
        """Whether a run is one CUDA graph."""
        return self._graph is not None

    def __call__(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run once: inputs by name -> outputs by name, the caller's own.

        Raises:
            BackendError: An input has another shape or type, or the GPU failed.
        """
        tensors = self.program.tensors
        with self._lock, self.device.active():
            for tensor in (tensor for tensor in tensors if tensor.is_input):
                self._view(tensor)[...] = _checked(inputs[tensor.name], tensor)
            if self._graph is not None:
                self._graph.launch()
            else:
                self._queue()
            self.device.wait(self.stream)
            return {tensor.name: self._view(tensor).copy() for tensor in tensors if not tensor.is_input}

    def _allocate(self, size: int) -> tuple[Any, Bytes]:
        device = self.device
        memory, host = device.allocate(size), device.allocate_pinned(size)
        self._held += [lambda: device.free(memory), lambda: device.free_pinned(host)]
        host[:] = 0
        return memory, host

    def _view(self, tensor: Tensor) -> npt.NDArray[Any]:
        return self._host[tensor.name].view(tensor.dtype).reshape(tensor.shape)

    def _queue(self) -> None:
        tensors, device = self.program.tensors, self.device
        for tensor in (tensor for tensor in tensors if tensor.is_input):
            device.copy_in(self._memory[tensor.name], self._host[tensor.name], self.stream)
        self.program.enqueue(device.stream_handle(self.stream))
        for tensor in (tensor for tensor in tensors if not tensor.is_input):
            device.copy_out(self._host[tensor.name], self._memory[tensor.name], self.stream)

    def _capture(self) -> Captured | None:
        try:
            graph = self.device.capture(self.stream, self._queue)
        except BackendError as error:
            _log.warning("runs without a CUDA graph: %s", error)
            return None
        if graph:
            self._held.insert(0, graph.free)
        return graph


def _checked(values: npt.NDArray[Any], tensor: Tensor) -> npt.NDArray[Any]:
    if values.shape != tensor.shape or values.dtype != np.dtype(tensor.dtype):
        wanted = f"{np.dtype(tensor.dtype)} {tensor.shape}"
        raise BackendError(f"{tensor.name} must be {wanted}, got {values.dtype} {values.shape}")
    return values


def _release(device: Device, held: list[Callable[[], None]], programs: list[Program]) -> None:
    """Give memory back, that of the program last, from whichever thread drops the runner."""
    with device.active():
        for release in held:
            release()
        programs.clear()
    held.clear()
