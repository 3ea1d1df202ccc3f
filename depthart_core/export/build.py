"""A model -> a TensorRT engine in the cache: exported, compiled, compared with PyTorch, kept only if both agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from depthart_core.backends.cuda import open_device
from depthart_core.backends.library import import_library, machine_of
from depthart_core.checkpoint import load_model
from depthart_core.errors import BackendError
from depthart_core.export.agreement import Pictures, resize_pictures, structured_pictures, torch_outputs
from depthart_core.export.compiling import CompileOptions, Progress
from depthart_core.export.engine_candidate import EngineCandidate, EngineMaker
from depthart_core.export.verify_engine import ATTEMPTS, LIMITS, Accepted, accept
from depthart_core.export.whole import check_exportable, versions_of
from depthart_core.inference import BackendOptions
from depthart_core.model_files import Fingerprint, fingerprint, lasting_name, model_path
from depthart_core.store.cache import weights_folder
from depthart_core.store.engine_checks import read_engine
from depthart_core.store.engines import ENGINE_PRECISIONS, WORKSPACE_MIB, EngineRecord, engine_name, read_engine_record
from depthart_core.store.machine import Machine, version_warning
from depthart_core.store.writing import (
    building,
    check_writable,
    refuse_other_weights,
    write_engine,
    written_ns,
)

Report = Callable[[str], object]


@dataclass(frozen=True)
class EngineOptions:
    """What engine is wanted.

    Attributes:
        precision: One of `ENGINE_PRECISIONS`.
        workspace_mib: Scratch memory of builder and engine.
        out: Folder to write to; None: the cache, where `DepthEstimator.load` finds it.
        interruptible: See `CompileOptions`.
    """

    precision: str = ENGINE_PRECISIONS[0]
    workspace_mib: int = WORKSPACE_MIB
    out: Path | None = None
    interruptible: bool = False

    def __post_init__(self) -> None:
        """Check what can be wrong on a command line.

        Raises:
            BackendError: Names the value and what is possible.
        """
        if self.precision not in ENGINE_PRECISIONS:
            raise BackendError(f"precision must be one of {', '.join(ENGINE_PRECISIONS)}, got {self.precision!r}")
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
    record: EngineRecord


@dataclass(frozen=True)
class _EngineRequest:
    """One engine that is to be built: of which model, for which machine, and where it goes.

    Attributes:
        model: As it was named.
        weights: Of its file.
        options: Decoding, number of scales and precision.
        wish: See `EngineOptions`.
        machine: That it is for.
        target: The engine's file.
    """

    model: str | Path
    weights: Fingerprint
    options: BackendOptions
    wish: EngineOptions
    machine: Machine
    target: Path

    def check_weights(self) -> None:
        """Demand that no engine of other weights is in the way; the cache's own folders are named after the weights.

        Raises:
            BackendError: There is one.
        """
        if self.wish.out is not None:
            refuse_other_weights(self.target, read_engine_record, self.model, self.weights)

    def find_finished(self) -> EngineRecord | None:
        """The record of an engine that another process has put there, None where it is not what is asked for."""
        try:
            record = read_engine(self.target, self.machine, self.options)[0]
        except BackendError:
            return None
        asked = (self.weights.sha256, self.wish.workspace_mib)
        return record if (record.weights_sha256, record.workspace_mib) == asked else None

    def describe(self, accepted: Accepted[EngineCandidate], *, pictures: int) -> EngineRecord:
        """What is to stand beside the engine about it."""
        options, config, limits = self.options, self.weights.config, asdict(LIMITS[self.options.precision])
        data = accepted.candidate.data
        return EngineRecord(
            model=lasting_name(self.model),
            weights_sha256=self.weights.sha256,
            engine_sha256=hashlib.sha256(data).hexdigest(),
            engine_bytes=len(data),
            precision=options.precision,
            float32=list(accepted.float32),
            decode=options.decode,
            scales=options.count_scales(config.tokenizer.scales),
            of_scales=config.tokenizer.scales,
            input_size=config.tokenizer.input_size,
            heads=config.heads,
            machine=asdict(self.machine),
            workspace_mib=self.wish.workspace_mib,
            built=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            versions=versions_of("torch", "onnx", "onnxscript"),
            pictures=pictures,
            deviation=accepted.deviation,
            limits={name: limit for name, limit in limits.items() if limit is not None},
        )


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
    options = replace(options, precision=wish.precision)
    path = model_path(model)
    weights = fingerprint(path)
    scales = options.count_scales(weights.config.tokenizer.scales)
    folder = wish.out or weights_folder(weights.sha256)
    check_writable(folder)
    trt, device = import_library(), open_device(options.device)
    machine = machine_of(trt, device)
    if warning := version_warning(machine.library, machine.version):
        report(f"warning: {warning}; the engine is kept only if it agrees with PyTorch")
    target = folder / engine_name(path.stem, wish.precision, options.decode, scales, machine)
    request = _EngineRequest(model, weights, options, wish, machine, target)
    request.check_weights()
    before = written_ns(target)
    with building(target, on_wait=lambda: report("another process is building this engine: waiting for it")) as waited:
        if waited and written_ns(target) != before:
            if (finished := request.find_finished()) is not None:
                report("another process has built it meanwhile")
                return Built(target, finished)
            request.check_weights()
        loaded, size = load_model(path), weights.config.tokenizer.input_size
        shown = resize_pictures(structured_pictures(size) if pictures is None else pictures, size)
        how = CompileOptions(wish.workspace_mib, progress=progress, interruptible=wish.interruptible)
        accepted = _accepted(EngineMaker(trt, device, loaded, options, how, report), shown)
        record = request.describe(accepted, pictures=len(shown))
        write_engine(target, accepted.candidate.data, record)
    return Built(target, record)


def _accepted(maker: EngineMaker, shown: Pictures) -> Accepted[EngineCandidate]:
    """The first engine that agrees with PyTorch on pictures uint8 (S, S, 3).

    Raises:
        BackendError: See `accept`.
    """
    return accept(
        partial(EngineCandidate, maker),
        torch_outputs(maker.model, maker.options, shown, stages=True),
        shown,
        limits=LIMITS[maker.options.precision],
        attempts=ATTEMPTS if maker.options.precision in ("fp16", "bf16") else ((),),
        report=maker.report,
    )
