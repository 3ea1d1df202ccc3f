"""Which GPU is touched, and what is left behind.

There are two GPUs here, behind stand-ins for cuda-bindings and pycuda that keep CUDA's own books: of every thread the
stack of its contexts, of every GPU how often its primary context is retained.
"""

import ctypes
import enum
import gc
import sys
import threading
import types
import weakref
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from depthart_core import BackendError
from depthart_core.backends.cuda import open_device
from depthart_core.backends.runner import Runner, Tensor

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


@pytest.fixture(params=[make_bindings, make_pycuda], ids=["cuda-bindings", "pycuda"])
def books(request, monkeypatch):
    """What is known of the two GPUs, with one of the two libraries in place."""
    kept = Books()
    for name, module in request.param(kept).items():
        monkeypatch.setitem(sys.modules, name, module)
    return kept


class Program:
    """Does nothing with a picture and its depth; see `runner.Program`."""

    capturable = False
    tensors = (
        Tensor("picture", (1, 4, 4, 3), np.uint8, is_input=True),
        Tensor("depth", (1, 4, 4), np.float32, is_input=False),
    )

    def bind(self, name, address):
        pass

    def enqueue(self, stream):
        pass


PICTURE = {"picture": np.zeros((1, 4, 4, 3), np.uint8)}


def test_the_second_gpu_is_used_and_the_first_is_never_touched(books):
    device = open_device("cuda:1")
    assert (device.name, device.capability) == ("Second", "8.7")
    runner = Runner(device, Program())
    runner(PICTURE)
    assert books.touched == {1}
    assert {gpu for gpu, _ in books.hosts.values()} == {1}
    assert books.calls["work on 1"] > 0
    assert books.calls["work on 0"] == 0


def test_what_is_pushed_is_popped_in_every_thread(books):
    runner = Runner(open_device("cuda:1"), Program())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(runner, [PICTURE] * 20))
    assert books.calls["push"] == books.calls["pop"] > 20
    assert not any(books.stacks.values())
    assert books.touched == {1}


def test_threads_that_come_first_together_retain_the_context_once(books):
    device, together = open_device("cuda:1"), threading.Barrier(4)

    def use(_):
        together.wait()
        with device.active():
            assert books.stack == [1]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(use, range(4)))
    assert books.calls["retain"] == 1


def test_a_context_that_was_current_before_is_so_again(books):
    device = open_device("cuda:1")
    books.stack.append("PyTorch's")
    with device.active():
        assert books.stack[-1] == 1
    assert books.stack == ["PyTorch's"]


def test_the_context_is_released_with_the_last_runner_after_its_memory(books):
    device = open_device("cuda:1")
    one, other = Runner(device, Program()), Runner(device, Program())
    del device
    gc.disable()  # a context that waits for the collector is memory that the next engine does not find
    try:
        del one
        assert books.retained[1] == 1
        del other
        assert (books.retained[1], books.hosts) == (0, {})
    finally:
        gc.enable()


def test_a_gpu_that_cannot_be_had_is_one_sentence(books):
    with pytest.raises(BackendError, match=r"^CUDA failed: CUDA_ERROR_DEVICE_UNAVAILABLE$"), \
            open_device("cuda:0").active():  # fmt: skip
        pass
    assert not any(books.stacks.values())


def test_an_error_inside_leaves_nothing_behind(books):
    device, books.full = open_device("cuda:1"), True
    with pytest.raises(BackendError, match=r"^CUDA failed: CUDA_ERROR_OUT_OF_MEMORY$"):
        Runner(device, Program())
    assert not any(books.stacks.values())
    with pytest.raises(KeyError), device.active():
        raise KeyError
    assert not any(books.stacks.values())
    books.full = False
    Runner(device, Program())(PICTURE)
    del device
    gc.collect()
    assert (books.retained[1], books.hosts) == (0, {})
