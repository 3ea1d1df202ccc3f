"""On a GPU: builds and proves engines where TensorRT is there, and tries the CUDA-graph runtime without it.

Usage: python -m benchmarks.tensorrt_engines [--model nano] [--precisions fp32 fp16] [--out FILE.md]
The runtime is tried with a program of PyTorch in the place of an engine: buffers, stream, capture, threads, memory.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.deliver import deliver
from depthart_core import BackendError, DepthEstimator
from depthart_core.backends.cuda import Device, open_device
from depthart_core.backends.runner import Runner, Tensor
from depthart_core.export.build import EngineOptions, build_engine
from depthart_core.inference import BackendOptions
from depthart_ros.driver.sources import sample_pictures

SIZE, STEPS, RUNS, CYCLES = 256, 200, 200, 100


class Memory:
    """Device memory of an address, as PyTorch takes it without a copy."""

    def __init__(self, address: int, tensor: Tensor) -> None:
        self.__cuda_array_interface__ = {
            "data": (address, False),
            "shape": tensor.shape,
            "typestr": np.dtype(tensor.dtype).str,
            "version": 3,
        }


class TorchProgram:
    """Many small kernels on fixed buffers, as a rollout has: what a CUDA graph is for. See `runner.Program`."""

    tensors = (
        Tensor("picture", (1, SIZE, SIZE, 3), np.uint8, is_input=True),
        Tensor("depth", (1, SIZE, SIZE, 3), np.float32, is_input=False),
    )

    def __init__(self, *, capturable: bool) -> None:
        self.capturable = capturable
        self.bound: dict[str, torch.Tensor] = {}

    def bind(self, name: str, address: int) -> None:
        """Take a buffer."""
        tensor = next(tensor for tensor in self.tensors if tensor.name == name)
        self.bound[name] = torch.as_tensor(Memory(address, tensor), device="cuda")

    def enqueue(self, stream: int) -> None:
        """Queue the kernels: nothing is allocated."""
        with torch.cuda.stream(torch.cuda.ExternalStream(stream)):
            depth = self.bound["depth"]
            depth.copy_(self.bound["picture"])
            for _ in range(STEPS):
                depth.add_(1.0)


def milliseconds(run: Callable[[], object]) -> float:
    """Median of `RUNS` runs."""
    found = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        found.append(1e3 * (time.perf_counter() - started))
    return statistics.median(found)


def try_runtime(device: Device) -> list[str]:
    """What the runtime does here, a line each; an assertion fails where it is wrong."""
    picture = np.random.default_rng(0).integers(0, 255, (1, SIZE, SIZE, 3), np.uint8)
    expected = picture.astype(np.float32) + STEPS
    runners = {name: Runner(device, TorchProgram(capturable=name == "graph")) for name in ("queue", "graph")}
    lines = [f"runtime: {device.name}, SM {device.capability}, {type(device).__name__}"]
    for name, runner in runners.items():
        np.testing.assert_array_equal(runner({"picture": picture})["depth"], expected)
        told = milliseconds(lambda runner=runner: runner({"picture": picture}))  # type: ignore[misc]
        lines.append(f"{name}: {told:.3f} ms for {STEPS} kernels and both copies, captured: {runner.captured}")
    pictures = [np.full_like(picture, value) for value in range(64)]
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda one: runners["graph"]({"picture": one}), pictures)
        for one, found in zip(pictures, answers, strict=True):
            np.testing.assert_array_equal(found["depth"], one.astype(np.float32) + STEPS)
    lines.append("4 threads at once: each got its own")
    free = torch.cuda.mem_get_info()[0]
    for _ in range(CYCLES):
        Runner(device, TorchProgram(capturable=True))({"picture": picture})
    lost = free - torch.cuda.mem_get_info()[0]
    lines.append(f"{CYCLES} runners made and dropped: {lost / 2**20:.1f} MiB of GPU memory less than before")
    return lines


def try_engine(model: str, precision: str, pictures: list[Any]) -> list[str]:
    """Build, prove and time an engine."""
    started = time.perf_counter()
    options = BackendOptions("cuda")
    done = build_engine(
        model, options, EngineOptions(precision), pictures=pictures, report=lambda line: print(line, flush=True)
    )
    depth = done.record.deviation["depth"]
    estimator = DepthEstimator.load(done.path, backend="tensorrt", device="cuda")
    square = np.zeros((estimator.backend.input_size, estimator.backend.input_size, 3), np.uint8)
    kept = ", ".join(done.record.float32) or "nothing"
    took, size = time.perf_counter() - started, done.record.engine_bytes / 1e6
    return [
        f"{done.path.name}: {size:.1f} MB, built and proven in {took:.0f} s, in float32 besides: {kept}",
        f"  AbsRel to PyTorch {depth['mean']:.2e}, p99 {depth['p99']:.2e}",
        f"  {milliseconds(lambda: estimator.backend.infer(square)):.2f} ms a square picture, copies included",
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Try what can be tried, and deliver after each try; what cannot be tried is a line that says why."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--precisions", nargs="+", action="extend")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(argv)
    precisions = args.precisions or ["fp32", "fp16"]
    pictures = sample_pictures()
    attempts: list[Callable[[], list[str]]] = [lambda: try_runtime(open_device("cuda"))]
    attempts += [lambda precision=one: try_engine(args.model, precision, pictures) for one in precisions]  # type: ignore[misc]
    lines: list[str] = []
    for attempt in attempts:
        try:
            lines += attempt()
        except BackendError as error:
            lines.append(f"not done: {error}")
        block = "\n".join(f"    {line}" for line in lines)
        deliver("Engines on a GPU", [block], program="benchmarks.tensorrt_engines", argv=argv, out=args.out)


if __name__ == "__main__":
    main()
