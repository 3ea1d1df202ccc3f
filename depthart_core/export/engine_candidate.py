"""Engines under test: compiled from one model, with more or less of it in float32."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from depthart_core.backends.cuda import Device
from depthart_core.backends.library import machine_of
from depthart_core.backends.runner import Runner
from depthart_core.backends.tensorrt import open_engine, run_once
from depthart_core.export.agreement import Arrays
from depthart_core.export.compiling import CompileOptions, compile_graph
from depthart_core.export.whole import export_onnx
from depthart_core.inference import BackendOptions
from depthart_core.model import DepthART
from depthart_core.store.writing import read_timings, write_timings


@dataclass(frozen=True)
class EngineMaker:
    """Makes the engines of one model for one GPU.

    Attributes:
        trt: The module of TensorRT.
        device: The GPU.
        model: In evaluation mode, on the CPU.
        options: Decoding, number of scales and precision.
        how: See `CompileOptions`; stages and measurements of earlier builds are set here.
        report: Gets a sentence at every step.
    """

    trt: Any
    device: Device
    model: DepthART
    options: BackendOptions
    how: CompileOptions
    report: Callable[[str], object]

    def compile(self, islands: tuple[str, ...], *, stages: bool = False) -> bytes:
        """A serialised engine that keeps the named parts in float32, with or without its stages as outputs.

        Raises:
            BackendError: The graph cannot be made, or TensorRT does not take it.
        """
        machine, precision = machine_of(self.trt, self.device), self.options.precision
        how = replace(self.how, timing_cache=read_timings(machine), stages=stages)
        with tempfile.TemporaryDirectory(prefix="depthart-") as folder, self.device.active():
            graph = Path(folder) / "model.onnx"
            self.report(f"exporting in {precision}")
            export_onnx(
                self.model,
                graph,
                decode=self.options.decode,
                max_scales=self.options.max_scales,
                precision=precision,
                islands=islands,
                stages=True,
            )
            gc.collect()  # PyTorch's exporter leaves cycles that hold our frames, and so the engine that is made here
            self.report(f"building with {self.trt.__name__} {self.trt.__version__}")
            done = compile_graph(self.trt, graph, how)
        if done.timing_cache:
            write_timings(machine, done.timing_cache)
        return done.data


class EngineCandidate:
    """An engine under test; see `verify_engine.Candidate`.

    Args:
        maker: Of the model.
        float32: What it keeps in float32.

    Raises:
        BackendError: It cannot be made or does not run.
    """

    def __init__(self, maker: EngineMaker, float32: tuple[str, ...]) -> None:
        self._maker, self._float32 = maker, float32
        self.data = maker.compile(float32)
        self._runner = open_engine(maker.trt, maker.device, self.data)
        self._twin: Runner | None = None

    def outputs(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """See `verify_engine.Candidate`."""
        return run_once(self._runner, rgb)

    def stages(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """See `verify_engine.Candidate`."""
        if self._twin is None:
            data = self._maker.compile(self._float32, stages=True)
            self._twin = open_engine(self._maker.trt, self._maker.device, data)
        return run_once(self._twin, rgb)
