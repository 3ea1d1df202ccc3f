"""TensorRT engines on the disk, without a GPU and without TensorRT: where they are, what their records say."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import BackendError, MissingEngineError
from depthart_core.model_files import ENGINE_SUFFIX, fingerprint, model_path
from depthart_core.store.cache import cache_folder, weights_folder
from depthart_core.store.machine import Machine, machine_name
from depthart_core.store.records import read_record

if TYPE_CHECKING:
    from depthart_core.inference import BackendOptions

FORMAT = "depthart-engine/1"
ENGINE_PRECISIONS = ("fp16", "bf16", "fp32")
"""What engines compute in; where several are there for a model, the first of these is taken."""
WORKSPACE_MIB = 2048
"""What builder and engine may use as scratch memory by default."""


@dataclass(frozen=True)
class EngineRecord:
    """What the JSON file beside an engine says.

    Attributes:
        model: The model it was built from: a packaged name, or the whole path of its file.
        weights_sha256: `Fingerprint.sha256` of that model.
        engine_sha256: Of the engine's file.
        engine_bytes: Size of that file.
        precision: One of `ENGINE_PRECISIONS`.
        float32: What was kept in float32 nevertheless, because the engine deviated without it.
        decode: "expected" or "argmax".
        scales: Number of scales it decodes.
        of_scales: Number of scales the model has.
        input_size: Side of the square picture, in pixels.
        heads: Whether it says confidence and size.
        machine: What it is tied to, see `Machine`.
        workspace_mib: What the builder was allowed for scratch memory.
        built: UTC date and time.
        versions: Of the libraries that made the graph it was built from.
        pictures: How many pictures it was compared with PyTorch on.
        deviation: Output -> mean, p99, max and number of non-finite values, see `depthart_core.export.agreement`.
        limits: What `deviation` had to stay below.
        format: `FORMAT`.
    """

    model: str
    weights_sha256: str
    engine_sha256: str
    engine_bytes: int
    precision: str
    float32: list[str]
    decode: str
    scales: int
    of_scales: int
    input_size: int
    heads: bool
    machine: dict[str, str]
    workspace_mib: int
    built: str
    versions: dict[str, str]
    pictures: int
    deviation: dict[str, dict[str, float]]
    limits: dict[str, float]
    format: str = FORMAT


def record_path(engine: Path) -> Path:
    """The JSON file beside an engine."""
    return engine.with_suffix(engine.suffix + ".json")


def engine_name(model: str, precision: str, decode: str, scales: int, machine: Machine) -> str:
    """Name of an engine's file: it differs wherever an engine may not be shared."""
    return f"{model}-{precision}-{decode}-{scales}-{machine_name(machine)}{ENGINE_SUFFIX}"


def find_engines(model: str | Path, options: BackendOptions, machine: Machine) -> list[Path]:
    """The cached engines of exactly these weights, decoding, number of scales, precision and machine, at least one.

    The preferred one is the first. One whose record cannot be read is among them: opening it tells what is wrong.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: It has not so many scales.
        MissingEngineError: There is none, with the command that builds it.
    """
    weights = fingerprint(model_path(model))
    scales, folder = options.count_scales(weights.config.tokenizer.scales), weights_folder(weights.sha256)
    precisions = ENGINE_PRECISIONS if options.precision == "auto" else (options.precision,)
    names = [engine_name("*", precision, options.decode, scales, machine) for precision in precisions]
    named = [engine for name in names for engine in sorted(folder.glob(name))]
    found = [engine for engine in named if _of_weights(engine, weights.sha256)]
    if found:
        return found
    others = sorted(folder.glob(f"*-{options.decode}-{scales}-*{ENGINE_SUFFIX}"))
    command = build_command(
        model, precision=precisions[0], decode=options.decode, max_scales=options.max_scales, device=options.device
    )
    wanted = "" if options.precision == "auto" else f"in {options.precision} "
    there = f", only {others[0].name}, of another precision, machine or version" if others else ""
    raise MissingEngineError(f"there is no engine of {model} {wanted}for {machine} in {folder}{there}; run: {command}")


def _of_weights(engine: Path, sha256: str) -> bool:
    """Whether an engine is of these weights, or may be, for its record cannot be read: opening it tells why."""
    try:
        return read_engine_record(engine).weights_sha256 == sha256
    except BackendError:
        return True


def any_engine(model: str | Path) -> bool:
    """Whether the cache has an engine of exactly these weights, for whatever machine and options.

    Raises:
        CheckpointError: The model is missing or damaged.
    """
    with suppress(BackendError):  # no home folder, so no cache
        if any(cache_folder().glob(f"*/*{ENGINE_SUFFIX}")):  # before a large file is read for it
            return any(weights_folder(fingerprint(model_path(model)).sha256).glob(f"*{ENGINE_SUFFIX}"))
    return False


def read_engine_record(engine: Path) -> EngineRecord:
    """What stands beside an engine about it.

    Raises:
        MissingEngineError: There is no such engine or no readable record, with the command that makes both.
    """
    if not engine.is_file():
        raise MissingEngineError(f"there is no engine {engine}; run: depthart-build-trt MODEL")
    try:
        return read_record(record_path(engine), EngineRecord, "build both anew with: depthart-build-trt MODEL")
    except BackendError as error:
        raise MissingEngineError(str(error)) from error


def build_command(
    model: str | Path,
    *,
    precision: str = ENGINE_PRECISIONS[0],
    decode: str = "expected",
    max_scales: int | None = None,
    device: str = "cuda",
    workspace_mib: int = WORKSPACE_MIB,
    out: Path | None = None,
) -> str:
    """The command that builds an engine; a device that is no GPU is left out."""
    parts = ["depthart-build-trt", str(model)]
    parts += ["--precision", precision] if precision != ENGINE_PRECISIONS[0] else []
    parts += ["--device", device] if device.startswith("cuda:") else []
    parts += ["--decode", decode] if decode != "expected" else []
    parts += ["--max-scales", str(max_scales)] if max_scales is not None else []
    parts += ["--workspace", str(workspace_mib)] if workspace_mib != WORKSPACE_MIB else []
    parts += ["--out", str(out)] if out is not None else []
    return shlex.join(parts)


def rebuild_command(engine: Path, record: EngineRecord, options: BackendOptions) -> str:
    """The command that builds an engine again where it lies, for the device that is asked for."""
    return build_command(
        record.model,
        precision=record.precision,
        decode=record.decode,
        max_scales=None if record.scales == record.of_scales else record.scales,
        device=options.device,
        workspace_mib=record.workspace_mib,
        out=apart(engine),
    )


def apart(engine: Path) -> Path | None:
    """The folder of an engine that does not lie in the cache; None for one that does."""
    with suppress(BackendError):  # no home folder, so no cache
        if engine.resolve().is_relative_to(cache_folder().resolve()):
            return None
    return engine.parent
