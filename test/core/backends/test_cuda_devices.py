"""Which of two GPUs is touched, and what is left behind: the stand-ins for CUDA's libraries tell."""

import gc
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from two_gpus import Books, make_bindings, make_pycuda

from depthart_core import BackendError
from depthart_core.backends.cuda import open_device
from depthart_core.backends.runner import Runner, Tensor
from depthart_core.backends.tensorrt import open_engine


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


def test_a_runner_that_the_collector_drops_while_the_context_is_retained_does_not_wait_for_itself(monkeypatch):
    modules = make_bindings(Books())
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    device, driver = open_device("cuda:1"), modules["cuda.bindings.driver"]
    begin = driver.cuInit

    def collect(flags):
        driver.cuInit = begin
        use()  # as `Runner`'s finalizer does
        return begin(flags)

    def use():
        with device.active():
            pass

    driver.cuInit = collect
    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(30.0)
    assert not thread.is_alive()


def make_failing_tensorrt(books, *, at):
    """A TensorRT whose engines cannot be run; returned with the stacks of contexts with which they went."""
    stacks = []

    class Engine:
        num_io_tensors = 0

        def __del__(self):
            stacks.append(list(books.stack))

        def create_execution_context(self):
            return None if at == "loading" else types.SimpleNamespace(execute_async_v3=lambda _stream: False)

    class Runtime:
        def __init__(self, _logger):
            pass

        def deserialize_cuda_engine(self, _data):
            return Engine()

    class Logger:
        ERROR, INTERNAL_ERROR, WARNING = range(3)

    return types.SimpleNamespace(ILogger=Logger, Runtime=Runtime), stacks


@pytest.mark.parametrize("at", ["loading", "running"])
def test_an_engine_that_cannot_run_goes_while_its_gpu_is_current_whoever_keeps_the_error(books, at):
    trt, stacks = make_failing_tensorrt(books, at=at)
    with pytest.raises(BackendError, match=r"finds no memory|cannot run the engine") as kept:
        open_engine(trt, open_device("cuda:1"), b"")
    assert [set(stack) for stack in stacks] == [{1}]
    assert not any(books.stacks.values())
    del kept
