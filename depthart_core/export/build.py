"""A model -> a TensorRT engine in the cache: exported, compiled, compared with PyTorch, kept only if both agree."""

from __future__ import annotations

import gc
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from depthart_core.backends import engines
from depthart_core.backends.cache import weights_folder
from depthart_core.backends.cuda import Device, open_device
from depthart_core.backends.library import import_library, machine_of
from depthart_core.backends.machine import version_warning
from depthart_core.backends.runner import Runner
from depthart_core.backends.tensorrt import open_engine, run_once
from depthart_core.checkpoint import load_model
from depthart_core.errors import BackendError
from depthart_core.export import keeping
from depthart_core.export.agreement import Arrays, Pictures, squares, structured_pictures, torch_outputs
from depthart_core.export.compiling import Compiling, Progress, compile_graph
from depthart_core.export.locking import locked
from depthart_core.export.placing import refuse_other_weights
from depthart_core.export.verify_engine import ATTEMPTS, LIMITS, Accepted, accept
from depthart_core.export.whole import check_exportable, export_onnx, versions_of
from depthart_core.inference import BackendOptions
from depthart_core.model import DepthART
from depthart_core.model_files import fingerprint, lasting_name, model_path

Report = Callable[[str], object]


@dataclass(frozen=True)
class EngineOptions:
    """What engine is wanted.

    Attributes:
        precision: One of `engines.PRECISIONS`.
        workspace_mib: Scratch memory of builder and engine.
        out: Folder to write to; None: the cache, where `DepthEstimator.load` finds it.
        interruptible: See `Compiling`.
    """

    precision: str = engines.PRECISIONS[0]
    workspace_mib: int = engines.WORKSPACE_MIB
    out: Path | None = None
    interruptible: bool = False

    def __post_init__(self) -> None:
        """Check what can be wrong on a command line.

        Raises:
            BackendError: Names the value and what is possible.
        """
        if self.precision not in engines.PRECISIONS:
            raise BackendError(f"precision must be one of {', '.join(engines.PRECISIONS)}, got {self.precision!r}")
        if self.workspace_mib < 1:
            raise BackendError(f"workspace must be at least 1 MiB, got {self.workspace_mib}")


@dataclass(frozen=True)
class Built:
    """An engine that was proven.

    Attributes:
        path: Of the engine.
        record: What stands in the file beside it.
    """

    path: Path
    record: engines.EngineRecord


class EngineCandidate:
    """An engine under test.

    Args:
        compiled: Makes the serialised engine, given whether with stages.
        opened: Prepares it for running.
    """

    def __init__(self, compiled: Callable[[bool], bytes], opened: Callable[[bytes], Runner]) -> None:
        self._compiled, self._opened = compiled, opened
        self.data = compiled(False)
        self._runner = opened(self.data)
        self._twin: Runner | None = None

    def outputs(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """See `verify_engine.Candidate`."""
        return run_once(self._runner, rgb)

    def stages(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """See `verify_engine.Candidate`."""
        self._twin = self._twin or self._opened(self._compiled(True))
        return run_once(self._twin, rgb)


def build_engine(
    model: str | Path,
    options: BackendOptions,
    wish: EngineOptions | None = None,
    *,
    pictures: Pictures | None = None,
    report: Report = lambda _: None,
    progress: Progress = lambda _: None,
) -> Built:
    """Build an engine for the GPU that is here, compare it with PyTorch and keep it, with a record, if both agree.

    Where another process is building the same one, that one is waited for and taken.

    Args:
        model: Name of a packaged model or path of a model file.
        options: Device ("cuda" or "cuda:N"), decoding and number of scales.
        wish: See `EngineOptions`.
        pictures: uint8 (H, W, 3) RGB to compare on; None: generated ones.
        report: Gets a sentence at every step.
        progress: See `compiling.Progress`; starts anew with every try.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: No TensorRT, no GPU, an impossible option, a folder that cannot be written or holds such an
            engine of other weights, a graph that TensorRT does not take, or an engine that deviates.
    """
    wish = wish or EngineOptions()
    check_exportable(options)
    path = model_path(model)
    weights = fingerprint(path)
    scales = options.count_scales(weights.config.tokenizer.scales)
    folder = wish.out or weights_folder(weights.sha256)
    keeping.check_writable(folder)
    trt, device = import_library(), open_device(options.device)
    machine = machine_of(trt, device)
    if warning := version_warning(machine.library, machine.version):
        report(f"warning: {warning}; the engine is kept only if it agrees with PyTorch")
    target = folder / engines.engine_name(path.stem, wish.precision, options.decode, scales, machine)
    if wish.out is not None:
        refuse_other_weights(target, engines.read_engine_record, model, weights)
    with locked(target) as waited:
        there = keeping.find_finished(target, machine, replace(options, precision=wish.precision)) if waited else None
        if there is not None:
            report("another process has built it meanwhile")
            return Built(target, there)
        loaded, size = load_model(path), weights.config.tokenizer.input_size
        shown = squares(structured_pictures(size) if pictures is None else pictures, size)
        accepted = _Maker(trt, device, loaded, options, wish, report, progress).accepted(shown)
        data = accepted.candidate.data
        record = engines.EngineRecord(
            model=lasting_name(model),
            weights_sha256=weights.sha256,
            engine_sha256=hashlib.sha256(data).hexdigest(),
            engine_bytes=len(data),
            scales=scales,
            of_scales=weights.config.tokenizer.scales,
            input_size=size,
            heads=weights.config.heads,
            machine=asdict(machine),
            pictures=len(shown),
            **_told(accepted, options, wish),
        )
        keeping.write_engine(target, data, record)
    return Built(target, record)


def _told(accepted: Accepted[EngineCandidate], options: BackendOptions, wish: EngineOptions) -> dict[str, Any]:
    """The part of a record that tells what was asked for and what was found."""
    return {
        "precision": wish.precision,
        "float32": list(accepted.float32),
        "decode": options.decode,
        "workspace_mib": wish.workspace_mib,
        "built": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": versions_of("torch", "onnx", "onnxscript"),
        "deviation": accepted.deviation,
        "limits": {name: limit for name, limit in asdict(LIMITS[wish.precision]).items() if limit is not None},
    }


@dataclass(frozen=True)
class _Maker:
    """Builds candidates of one model."""

    trt: Any
    device: Device
    model: DepthART
    options: BackendOptions
    wish: EngineOptions
    report: Report
    progress: Progress

    def accepted(self, shown: Pictures) -> Accepted[EngineCandidate]:
        """The first engine that agrees with PyTorch on pictures uint8 (S, S, 3); see `verify_engine.accept`."""
        return accept(
            self.make,
            torch_outputs(self.model, self.options, shown, stages=True),
            shown,
            limits=LIMITS[self.wish.precision],
            attempts=ATTEMPTS if self.wish.precision in ("fp16", "bf16") else ((),),
            report=self.report,
        )

    def make(self, islands: tuple[str, ...]) -> EngineCandidate:
        """An engine that keeps the named parts in float32."""
        return EngineCandidate(partial(self._compile, islands), partial(open_engine, self.trt, self.device))

    def _compile(self, islands: tuple[str, ...], stages: bool) -> bytes:
        machine = machine_of(self.trt, self.device)
        how = Compiling(
            self.wish.workspace_mib,
            keeping.read_timings(machine),
            stages=stages,
            progress=self.progress,
            interruptible=self.wish.interruptible,
        )
        with tempfile.TemporaryDirectory(prefix="depthart-") as folder, self.device.active():
            graph = Path(folder) / "model.onnx"
            self.report(f"exporting in {self.wish.precision}")
            export_onnx(
                self.model,
                graph,
                decode=self.options.decode,
                max_scales=self.options.max_scales,
                precision=self.wish.precision,
                islands=islands,
                stages=True,
            )
            gc.collect()  # PyTorch's exporter leaves cycles that hold our frames, and so the engine that is made here
            self.report(f"building with {self.trt.__name__} {self.trt.__version__}")
            done = compile_graph(self.trt, graph, how)
        if done.timing_cache:
            keeping.write_timings(machine, done.timing_cache)
        return done.data
