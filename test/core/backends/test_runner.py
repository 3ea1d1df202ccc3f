"""The runner of compiled programs: fixed buffers, one stream, a graph where the device has them, any thread.

Its device here is the host: memory that is numpy's, and a stream that does what is queued when it is waited for.
"""

import ctypes
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from depthart_core import BackendError
from depthart_core.backends.runner import Runner, Tensor
from depthart_core.backends.tensorrt import TensorRTBackend
from depthart_core.store.engines import EngineRecord


class Brightness:
    """depth = 1 + the mean of the colours, on buffers of given addresses; see `runner.Program`."""

    capturable = True
    tensors = (
        Tensor("picture", (1, 4, 6, 3), np.uint8, is_input=True),
        Tensor("depth", (1, 4, 6), np.float32, is_input=False),
    )

    def __init__(self, device, *, error=""):
        self.device, self.error, self.arrays, self.streams = device, error, {}, set()

    def bind(self, name, address):
        tensor = next(tensor for tensor in self.tensors if tensor.name == name)
        memory = (ctypes.c_uint8 * tensor.size).from_address(address)
        self.arrays[name] = np.frombuffer(memory, tensor.dtype).reshape(tensor.shape)

    def enqueue(self, stream):
        if self.error:
            raise BackendError(self.error)
        self.streams.add(stream)
        (queued,) = (held for held in self.device.held if id(held) == stream)
        queued.append(lambda: np.copyto(self.arrays["depth"], 1 + self.arrays["picture"].mean(3)))


def pictures(count):
    return np.random.default_rng(0).integers(0, 255, (count, 1, 4, 6, 3), np.uint8)


@pytest.mark.parametrize("graphs", [True, False])
def test_outputs_are_those_of_the_inputs_with_and_without_a_graph(graphs, make_host):
    device = make_host(graphs=graphs)
    runner = Runner(device, Brightness(device))
    assert runner.captured == graphs
    for picture in pictures(3):
        np.testing.assert_allclose(runner({"picture": picture})["depth"], 1 + picture.mean(3), rtol=1e-6)
    assert device.launched == (3 if graphs else 0)


def test_a_program_that_cannot_be_captured_is_queued_anew_every_time(make_host):
    device = make_host()
    program = Brightness(device)
    program.capturable = False
    runner = Runner(device, program)
    assert not runner.captured
    assert runner({"picture": pictures(1)[0]})["depth"].shape == (1, 4, 6)


def test_outputs_are_the_callers_own(make_host):
    device = make_host()
    runner, (one, other) = Runner(device, Brightness(device)), pictures(2)
    first = runner({"picture": one})["depth"]
    kept = first.copy()
    runner({"picture": other})
    np.testing.assert_array_equal(first, kept)


def test_any_thread_may_call_and_gets_its_own_answer(make_host):
    device = make_host()
    runner, shown = Runner(device, Brightness(device)), pictures(40)
    with ThreadPoolExecutor(4) as threads:
        for picture, found in zip(shown, threads.map(lambda one: runner({"picture": one}), shown), strict=True):
            np.testing.assert_allclose(found["depth"], 1 + picture.mean(3), rtol=1e-6)


@pytest.mark.parametrize("graphs", [True, False])
def test_a_runner_that_is_dropped_gives_everything_back(graphs, make_host):
    device = make_host(graphs=graphs)
    runner = Runner(device, Brightness(device))
    assert len(device.held) == (6 if graphs else 5)  # 2 buffers on each side, the stream, the graph
    gc.disable()  # memory that waits for the collector is memory that the next engine does not find
    try:
        del runner
        assert device.held == []
    finally:
        gc.enable()


def test_what_was_taken_before_a_program_failed_is_given_back(make_host):
    device = make_host()
    with pytest.raises(BackendError, match="out of memory"):
        Runner(device, Brightness(device, error="out of memory"))
    gc.collect()
    assert device.held == []


@pytest.mark.parametrize(
    ("picture", "got"),
    [
        (np.zeros((1, 4, 5, 3), np.uint8), r"got uint8 \(1, 4, 5, 3\)"),
        (np.zeros((1, 4, 6, 3), np.float32), r"got float32 \(1, 4, 6, 3\)"),
    ],
)
def test_an_input_that_does_not_fit_is_told(picture, got, make_host):
    device = make_host()
    runner = Runner(device, Brightness(device))
    with pytest.raises(BackendError, match=rf"picture must be uint8 \(1, 4, 6, 3\), {got}"):
        runner({"picture": picture})


def test_the_backend_makes_depth_of_the_runners_arrays(make_host):
    device = make_host()
    record = EngineRecord(
        model="toy", weights_sha256="", engine_sha256="", engine_bytes=0, precision="fp16", float32=[],
        decode="expected", scales=3, of_scales=3, input_size=4, heads=False, machine={}, workspace_mib=1, built="",
        versions={}, pictures=1, deviation={}, limits={},
    )  # fmt: skip
    backend = TensorRTBackend(Runner(device, Brightness(device)), record)
    (picture,) = pictures(1)
    found = backend.infer(picture[0][:, :, ::-1])  # memory in another order
    np.testing.assert_allclose(found.depth, 1 + picture[0].mean(2), rtol=1e-6)
    assert (found.scales, found.confidence, backend.anytime, backend.scales) == (3, None, False, 3)


def test_the_program_goes_while_the_device_is_active(make_host):
    device, active = make_host(graphs=False), []
    program = Brightness(device)
    weakref.finalize(program, lambda: active.append(device.actives.depth > 0))
    runner = Runner(device, program)
    del program
    gc.disable()
    try:
        del runner
        assert active == [True]
    finally:
        gc.enable()
