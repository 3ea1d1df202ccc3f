"""What stands in for cuda-bindings and for pycuda on a machine with two GPUs; both keep CUDA's own books.

Of every thread those have the stack of its contexts, of every GPU how often its primary context is retained.
"""

import ctypes
import enum
import threading
import time
import types
import weakref
from collections import Counter, defaultdict

import numpy as np

NAMES = (b"First", b"Second")


Told = enum.IntEnum("Told", {"cudaSuccess": 0, "CUDA_ERROR_OUT_OF_MEMORY": 2, "CUDA_ERROR_DEVICE_UNAVAILABLE": 46})
FINE = (Told.cudaSuccess,)


class Books:
    """What CUDA knows: a GPU is touched where a context is made on it; the first one always is another process's own.

    Attributes:
        retained: Of every GPU, how often.
        touched: GPUs on which there was a context.
        calls: Of every name, how often.
        full: Whether the GPU has no memory left.
    """

    def __init__(self):
        self.retained, self.touched, self.calls = Counter(), set(), Counter()
        self.stacks, self.hosts, self.full = defaultdict(list), {}, False

    @property
    def stack(self):
        return self.stacks[threading.get_ident()]

    def current(self):
        """The GPU that the runtime works on: where no context is current it makes one on the first."""
        if not self.stack:
            self.set_device(0)
        return self.stack[-1]

    def set_device(self, gpu):
        self.touched.add(gpu)
        self.stack[-1:] = [gpu]
        return FINE

    def retain(self, gpu):
        if gpu == 0:
            return Told.CUDA_ERROR_DEVICE_UNAVAILABLE, None
        self.calls["retain"] += 1
        time.sleep(1e-3)  # so that others come meanwhile
        self.retained[gpu] += 1
        self.touched.add(gpu)
        return *FINE, gpu

    def release(self, gpu):
        assert all(gpu not in stack for stack in self.stacks.values()), "a context that is in use is released"
        self.retained[gpu] -= 1
        return FINE

    def push(self, gpu):
        assert self.retained[gpu] > 0, "a context that is not retained"
        self.calls["push"] += 1
        self.stack.append(gpu)
        return FINE

    def pop(self):
        self.calls["pop"] += 1
        return *FINE, self.stack.pop()

    def allocate(self, size, *_):
        if self.full:
            return Told.CUDA_ERROR_OUT_OF_MEMORY, None
        memory = ctypes.create_string_buffer(size)
        address = ctypes.addressof(memory)
        self.hosts[address] = self.current(), memory
        return *FINE, address

    def free(self, address):
        gpu, _ = self.hosts.pop(address)
        assert gpu == self.current(), "memory of another GPU"
        return FINE

    def work(self, *_):
        """Anything that is done on the current GPU."""
        self.calls[f"work on {self.current()}"] += 1
        return *FINE, 7


def make_bindings(books):
    """The modules cuda.bindings.runtime and cuda.bindings.driver."""
    runtime, driver = types.ModuleType("cuda.bindings.runtime"), types.ModuleType("cuda.bindings.driver")
    for name in ("StreamCreateWithFlags", "StreamDestroy", "MemcpyAsync", "EventCreateWithFlags", "EventRecord",
                 "EventSynchronize", "EventDestroy"):  # fmt: skip
        setattr(runtime, f"cuda{name}", books.work)
    vars(runtime).update(
        cudaGetDeviceCount=lambda: (*FINE, 2),
        cudaGetDeviceProperties=lambda gpu: (*FINE, types.SimpleNamespace(name=NAMES[gpu] + b"\0\0")),
        cudaDeviceGetAttribute=lambda attribute, _gpu: (*FINE, attribute),
        cudaDeviceAttr=types.SimpleNamespace(
            cudaDevAttrComputeCapabilityMajor=8, cudaDevAttrComputeCapabilityMinor=7
        ),
        cudaGetDevice=lambda: (*FINE, books.stack[-1] if books.stack else 0),
        cudaSetDevice=books.set_device,
        cudaMalloc=books.allocate, cudaHostAlloc=books.allocate, cudaFree=books.free, cudaFreeHost=books.free,
        cudaHostAllocDefault=0, cudaStreamNonBlocking=1, cudaEventBlockingSync=1, cudaEventDisableTiming=2,
        cudaMemcpyKind=types.SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2),
    )  # fmt: skip
    vars(driver).update(
        cuInit=lambda _flags: FINE,
        cuDeviceGet=lambda index: (*FINE, index),
        cuDevicePrimaryCtxRetain=books.retain,
        cuDevicePrimaryCtxRelease=books.release,
        cuCtxPushCurrent=books.push,
        cuCtxPopCurrent=books.pop,
    )
    return {runtime.__name__: runtime, driver.__name__: driver}


class PycudaError(Exception):
    """What pycuda raises where cuda-bindings return."""


def value(returned):
    if returned[0]:
        raise PycudaError(returned[0].name)
    return returned[-1]


class Context:
    """A primary context, which is released with this object."""

    def __init__(self, books, gpu):
        self.books, self.gpu = books, value(books.retain(gpu))
        weakref.finalize(self, books.release, gpu)

    def push(self):
        value(self.books.push(self.gpu))


class Memory:
    """An allocation on a GPU, or of the host: what its array is based on."""

    def __init__(self, books, size):
        self.books, self.address = books, value(books.allocate(size))
        self.__array_interface__ = {"data": (self.address, False), "shape": (size,), "typestr": "|u1", "version": 3}

    def __int__(self):
        return self.address

    def free(self):
        value(self.books.free(self.address))


class Stream:
    """Also an event."""

    handle = 7

    def __init__(self, books):
        self.books = books
        books.work()

    def record(self, _stream):
        return self

    def synchronize(self):
        self.books.work()


def make_pycuda(books):
    """The module pycuda.driver, and none of cuda-bindings."""

    class Device:
        count = staticmethod(lambda: 2)

        def __init__(self, index):
            self.name, self.compute_capability = lambda: NAMES[index].decode(), lambda: (8, 7)
            self.retain_primary_context = lambda: Context(books, index)

    driver = types.ModuleType("pycuda.driver")
    vars(driver).update(
        init=lambda: None, Error=PycudaError, Device=Device,
        Context=types.SimpleNamespace(pop=books.pop),
        Stream=lambda _flags: Stream(books), Event=lambda _flags: Stream(books),
        mem_alloc=lambda size: Memory(books, size),
        pagelocked_empty=lambda size, kind: np.asarray(Memory(books, size), kind),
        memcpy_htod_async=books.work, memcpy_dtoh_async=books.work,
        event_flags=types.SimpleNamespace(BLOCKING_SYNC=1, DISABLE_TIMING=2),
    )  # fmt: skip
    return {"cuda.bindings.runtime": None, "cuda.bindings.driver": None, driver.__name__: driver}
