"""An engine that is to be run: whether it fits this machine, does what is asked for and is the one that was proven."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import BackendError, MissingEngineError
from depthart_core.store.engines import EngineRecord, apart, build_command, read_engine_record, rebuild_command
from depthart_core.store.machine import Machine

if TYPE_CHECKING:
    from depthart_core.inference import BackendOptions


def read_engine(
    engine: Path, machine: Machine, options: BackendOptions, *, model: str | Path | None = None
) -> tuple[EngineRecord, bytes]:
    """An engine and its record, checked to be the one that was proven, to fit this machine and to do what is asked.

    Args:
        engine: Its path.
        machine: What is here.
        options: What is asked for.
        model: How the caller names the model, for the commands; None: as the record names it.

    Raises:
        BackendError: Names what is wrong.
        MissingEngineError: The same, where the command that it names as well cures it.
    """
    record = read_engine_record(engine)
    named = record if model is None else replace(record, model=str(model))
    _check_machine(engine, named, machine, options)
    _check_asked(engine, named, options)
    return record, _read_proven(engine, named, options)


def _check_machine(engine: Path, record: EngineRecord, machine: Machine, options: BackendOptions) -> None:
    """Demand that an engine was built for this machine.

    Raises:
        MissingEngineError: Another library, version, GPU or platform.
    """
    here = asdict(machine)
    wrong = [name for name, value in here.items() if record.machine.get(name) != value]
    if wrong:
        told = ", ".join(f"{name} {record.machine.get(name)} (here {here[name]})" for name in wrong)
        again = rebuild_command(engine, record, options)
        raise MissingEngineError(f"{engine} was built for {told}; run on this machine: {again}")


def _check_asked(engine: Path, record: EngineRecord, options: BackendOptions) -> None:
    """Demand that an engine decodes and computes as is asked for.

    Raises:
        BackendError: The model has not so many scales.
        MissingEngineError: It does not.
    """
    scales = options.count_scales(record.of_scales)
    precision = record.precision if options.precision == "auto" else options.precision
    if (options.decode, scales) != (record.decode, record.scales):
        wrong = (
            f"decodes {record.decode!r} and {record.scales} of {record.of_scales} scales, asked for "
            f"{options.decode!r} and {scales}"
        )
    elif precision != record.precision:
        wrong = f"computes in {record.precision}, asked for {precision}"
    else:
        return
    command = build_command(
        record.model,
        precision=precision,
        decode=options.decode,
        max_scales=options.max_scales,
        device=options.device,
        workspace_mib=record.workspace_mib,
        out=apart(engine),
    )
    raise MissingEngineError(f"{engine} {wrong}; run: {command}")


def _read_proven(engine: Path, record: EngineRecord, options: BackendOptions) -> bytes:
    """The bytes of an engine, which must be those that were proven.

    Raises:
        BackendError: It cannot be read.
        MissingEngineError: It is truncated or damaged.
    """
    try:
        data = engine.read_bytes()
    except OSError as error:
        raise BackendError(f"{engine} cannot be read: {error.strerror}") from error
    if len(data) != record.engine_bytes:
        wrong = f"is truncated: {len(data)} of {record.engine_bytes} bytes"
    elif hashlib.sha256(data).hexdigest() != record.engine_sha256:
        wrong = "is damaged: its SHA-256 is not that of the proven one"
    else:
        return data
    raise MissingEngineError(f"{engine} {wrong}; run: {rebuild_command(engine, record, options)}")
