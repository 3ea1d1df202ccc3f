"""TensorRT: runs the engines that `depthart-build-trt` builds and proves, without PyTorch.

In the engine: bytes to numbers, normalisation, the model with every scale, the mean over channels, relative depth.
On the CPU stays what depends on the camera, the resize of its picture and of its depth: an engine of fixed shapes
serves cameras of every size, and copies a quarter of the bytes.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from depthart_core.backends.cuda import Device, open_device
from depthart_core.backends.library import first_error, import_library, machine_of, make_logger, start
from depthart_core.backends.runner import Runner, Tensor
from depthart_core.errors import BackendError, MissingEngineError
from depthart_core.inference import BackendOptions, Inference
from depthart_core.model_files import is_engine
from depthart_core.store.engine_checks import read_engine
from depthart_core.store.engines import ENGINE_PRECISIONS, EngineRecord, find_engines, rebuild_command
from depthart_core.store.exports import EXPORTABLE_DECODES
from depthart_core.store.machine import Machine, version_warning

if TYPE_CHECKING:
    import tensorrt

_log = logging.getLogger(__name__)


class EngineProgram:
    """An engine as what a `Runner` runs.

    Args:
        trt: The module of TensorRT.
        data: A serialised engine.

    Raises:
        MissingEngineError: TensorRT does not take it.
        BackendError: There is not enough memory.
    """

    def __init__(self, trt: Any, data: bytes) -> None:
        self.logger = make_logger(trt)
        self.runtime: tensorrt.Runtime = start(trt.Runtime, self.logger)
        engine: tensorrt.ICudaEngine = self.runtime.deserialize_cuda_engine(data)
        if engine is None:
            why = first_error(self.logger)
            kind = BackendError if "memory" in why.lower() else MissingEngineError  # a new one would find none either
            raise kind(f"{trt.__name__} {trt.__version__} does not take the engine: {why}")
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self.tensors: Sequence[Tensor] = [
            Tensor(
                name,
                tuple(engine.get_tensor_shape(name)),
                trt.nptype(engine.get_tensor_dtype(name)),
                engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT,
            )
            for name in names
        ]
        self.engine = engine
        self.logger.begin()
        self.context: tensorrt.IExecutionContext = engine.create_execution_context()
        if self.context is None:
            raise BackendError(f"the engine finds no memory on the GPU to run in: {first_error(self.logger)}")
        self.capturable = True

    def bind(self, name: str, address: int) -> None:
        """Say where a tensor is."""
        self.context.set_tensor_address(name, address)

    def enqueue(self, stream: int) -> None:
        """Queue one run.

        Raises:
            BackendError: TensorRT refuses.
        """
        self.logger.begin()
        if not self.context.execute_async_v3(stream):
            raise BackendError(f"TensorRT cannot run the engine: {first_error(self.logger)}")


class TensorRTBackend:
    """Runs a proven engine.

    Args:
        runner: Of a program with the input `picture` and the outputs `depth` and, with heads, `confidence` and `size`.
        record: Of the engine.
    """

    def __init__(self, runner: Runner, record: EngineRecord) -> None:
        self.runner = runner
        self.input_size, self.heads, self.scales = record.input_size, record.heads, record.scales
        self.anytime, self.precision = False, record.precision

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:  # noqa: ARG002
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale; the engine always decodes every scale."""
        return Inference.of_outputs(run_once(self.runner, rgb), self.scales)


def run_once(runner: Runner, rgb: npt.NDArray[np.uint8]) -> Mapping[str, npt.NDArray[Any]]:
    """uint8 (S, S, 3) RGB -> the outputs by name."""
    return runner({"picture": np.asarray(rgb)[None]})


def open_engine(trt: Any, device: Device, data: bytes) -> Runner:
    """Prepare a serialised engine for running; one that fails goes while the device is active, whoever keeps the error.

    Raises:
        MissingEngineError: TensorRT does not take it.
        BackendError: There is not enough memory.
    """
    with device.active():
        try:
            return Runner(device, EngineProgram(trt, data))
        except Exception as error:
            _forget_locals(error)
            raise


def _forget_locals(error: BaseException | None) -> None:
    """Let the frames that an error came through, and those of its causes, hold nothing any more."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def load(model: str | Path, options: BackendOptions) -> TensorRTBackend:
    """Load an engine.

    Args:
        model: Path of an engine, or a model whose engine for this machine is in the cache.
        options: See `BackendOptions`; the device is "cuda" or "cuda:N".

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: No TensorRT, no GPU, no proven engine for the model, these options and this machine, or it is
            damaged; with the command that cures it.
    """
    trt, device, machine = _start(options)
    given = is_engine(model)
    engine = Path(model) if given else find_engines(model, options, machine)[0]
    record, data = read_engine(engine, machine, options, model=None if given else model)
    if warning := version_warning(machine.library, machine.version):
        _log.warning("%s; this engine was compared with PyTorch before it was kept", warning)
    try:
        return TensorRTBackend(open_engine(trt, device, data), record)
    except MissingEngineError as error:
        named = record if given else replace(record, model=str(model))
        raise MissingEngineError(f"{error}; build it anew: {rebuild_command(engine, named, options)}") from error


def find(model: str | Path, options: BackendOptions) -> list[Path]:
    """The cached engines of a model that may run here, at least one, the preferred one first.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: As `load`.
    """
    _, _, machine = _start(options)
    return find_engines(model, options, machine)


def _start(options: BackendOptions) -> tuple[Any, Device, Machine]:
    """The library, the GPU and what both are called, once the options are possible."""
    options.demand_precision("tensorrt", *ENGINE_PRECISIONS)
    if options.decode not in EXPORTABLE_DECODES:
        raise BackendError(f"an engine decodes {' or '.join(EXPORTABLE_DECODES)}, got {options.decode!r}")
    trt, device = import_library(), open_device(options.device)
    return trt, device, machine_of(trt, device)
