"""Exported graphs on the disk, without PyTorch and without a runtime: where they are, what their records say.

An export is a folder: graphs, and a record that says what they were made from and how well they agree with PyTorch.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import BackendError
from depthart_core.model_files import export_folder, fingerprint, is_export, model_path
from depthart_core.processor import sums_may_saturate
from depthart_core.store import records
from depthart_core.store.cache import weights_folder
from depthart_core.store.integrity import check_files
from depthart_core.store.locking import lock_path, wait_for

if TYPE_CHECKING:
    from depthart_core.inference import BackendOptions

FORMAT = "depthart-onnx/2"
EXPORTABLE_DECODES = ("expected", "argmax")
"""Decodings without chance, which alone can stand in a graph."""

FORMS = ("stepped", "whole")
"""A graph for each part, run scale by scale; or one of the whole model with every scale unrolled."""

RUNNABLE = {"onnx": ("int8", "fp32"), "openvino": ("fp32",)}
"""Backend -> precisions of the exports it runs; with precision "auto" the first that is there."""

CONVERTED = {"openvino": ("bf16",)}
"""Backend -> precisions that it computes in though no export is: it makes them of float32, on processors that can."""

PARTS = ("prefix", "step", "decode")
FEEDS = "scales.npz"
WHOLE = "whole.onnx"
"""Names of the graphs and what belongs to them: those of a stepped export are called after its parts."""

RECORD = "record.json"


@dataclass(frozen=True)
class Record:
    """What the record of an export says.

    Attributes:
        model: The model it was made from: a packaged name, or the whole path of its file.
        weights_sha256: `Fingerprint.sha256` of that model.
        files: Every other file of the folder -> its SHA-256.
        form: One of `FORMS`.
        precision: "fp32", "fp16", "bf16" or "int8".
        decode: "expected" or "argmax".
        scales: Number of scales it decodes, at most if it is stepped.
        of_scales: Number of scales the model has.
        input_size: Side of the square picture, in pixels.
        heads: Whether it says confidence and size.
        opset: Of ONNX.
        versions: Of the libraries that made it.
        pictures: How many pictures it was compared with PyTorch on.
        deviation: Output -> mean, p99 and max over those pictures, see `depthart_core.export.agreement`; older records
            have max and mean alone.
        openvino: Precisions in which it was compared with PyTorch in OpenVINO; older records do not say.
        convolutions: Of precision int8: parts whose convolutions are in int8, too; older records do not say.
        format: `FORMAT`.
    """

    model: str
    weights_sha256: str
    files: dict[str, str]
    form: str
    precision: str
    decode: str
    scales: int
    of_scales: int
    input_size: int
    heads: bool
    opset: int
    versions: dict[str, str]
    pictures: int
    deviation: dict[str, dict[str, float]]
    openvino: list[str] = field(default_factory=list)
    convolutions: list[str] = field(default_factory=list)
    format: str = FORMAT

    def export_command(self) -> str:
        """The command that makes a stepped one anew; no other is run here."""
        return export_command(self.model, self.decode, precision=self.precision)


def read_record(folder: Path) -> Record:
    """The record of an export.

    Raises:
        BackendError: There is no record, or it is damaged or of another format.
    """
    return records.read_record(folder / RECORD, Record, "make it anew with: depthart export MODEL")


def export_name(model: str, decode: str, *, form: str, precision: str, scales: int) -> str:
    """Name of an export's folder; a stepped one does any number of scales."""
    return f"{model}-{decode}-{form}{scales if form == 'whole' else ''}-{precision}"


def find_exports(model: str | Path, options: BackendOptions, *, backend: str) -> list[Path]:
    """The cached stepped exports of exactly these weights and options, at least one, the one a backend prefers first.

    One whose record cannot be read is among them: opening it tells what is wrong.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: There is no such export, those that are were made from other weights, or an option is impossible.
    """
    weights = fingerprint(model_path(model))
    scales = options.count_scales(weights.config.tokenizer.scales)
    folder = weights_folder(weights.sha256)
    wanted = _wanted(options, backend)
    names = [export_name("*", options.decode, form="stepped", precision=each, scales=scales) for each in wanted]
    command = export_command(model, options.decode, precision=wanted[-1])
    matches = [sorted(folder.glob(name)) for name in names]
    if not all(matches):  # one may just be making way for a new one
        for name in names:
            for lock in folder.glob(lock_path(Path(name)).name):
                wait_for(lock)
        matches = [sorted(folder.glob(name)) for name in names]
    found = [path for each in matches for path in each]
    if not found:
        raise BackendError(
            f"backend {backend!r} finds no graph of {model} in {' or '.join(wanted)} with decode {options.decode!r} "
            f"in {folder}; run: {command}"
        )
    usable = [path for path in found if _made_from(path) in (weights.sha256, None)]
    if not usable:
        raise BackendError(
            f"{found[0]} was made from other weights than those of {model} ({weights.sha256[:12]}); run: {command}"
        )
    return usable


def _made_from(folder: Path) -> str | None:
    """SHA-256 of the weights of an export; None: its record cannot be read."""
    try:
        return read_record(folder).weights_sha256
    except BackendError:
        return None


def open_export(model: str | Path, options: BackendOptions, *, backend: str) -> tuple[Path, Record, int]:
    """Folder, record and number of scales to decode of a stepped export that was proven and does what is asked for.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: There is none, it does something else, or it is damaged.
    """
    if options.device not in ("auto", "cpu"):
        raise BackendError(f"backend {backend!r} runs on device 'cpu', got {options.device!r}")
    if options.decode not in EXPORTABLE_DECODES:
        raise BackendError(f"backend {backend!r} decodes {' or '.join(EXPORTABLE_DECODES)}, got {options.decode!r}")
    given = is_export(model)
    folder = export_folder(model) if given else find_exports(model, options, backend=backend)[0]

    def look() -> tuple[Path, Record, int]:
        record = read_record(folder)
        named = record if given else replace(record, model=str(model))  # in the commands that are told
        scales = _check_asked(folder, named, options, backend)
        _check_processor(folder, named, given)
        check_files(folder, named)
        return folder, named, scales

    before = _identity(folder)
    try:
        return look()
    except BackendError:
        wait_for(lock_path(folder))
        if _identity(folder) == before:
            raise
    return look()  # it was replaced meanwhile


def _identity(folder: Path) -> tuple[int, int] | None:
    """What differs once another folder is put in its place, or another file into it; None: there is none."""
    with suppress(OSError):
        found = folder.stat()
        return found.st_ino, found.st_ctime_ns
    return None


def _check_asked(folder: Path, record: Record, options: BackendOptions, backend: str) -> int:
    """Demand that an export is what a backend is to run; returns the number of scales to decode.

    Raises:
        BackendError: It is of another form, precision or decoding, or the model has not so many scales.
    """
    wanted = _wanted(options, backend)
    precision = record.precision
    if record.form != "stepped":
        wrong, precision = f"is {record.form}, backend {backend!r} runs stepped graphs", wanted[-1]
    elif precision not in wanted:
        wrong, precision = f"is {precision}, backend {backend!r} is to run {' or '.join(wanted)}", wanted[-1]
    elif record.decode != options.decode:
        wrong = f"decodes {record.decode!r}, asked for {options.decode!r}"
    else:
        return options.count_scales(record.of_scales)
    raise BackendError(f"{folder} {wrong}; run: {export_command(record.model, options.decode, precision=precision)}")


def _check_processor(folder: Path, record: Record, given: bool) -> None:
    """Demand that an export computes here what it did where it was proven; ``given``: its folder was asked for.

    Raises:
        BackendError: Its sums may saturate.
    """
    if record.convolutions and sums_may_saturate():
        raise BackendError(
            f"{folder} was made for processors with VNNI, which this one is not known to have, so that its sums may "
            f"saturate; make it anew with: {record.export_command()}{f' --out {folder.parent}' if given else ''}"
        )


def _wanted(options: BackendOptions, backend: str) -> tuple[str, ...]:
    """Precisions of the exports that do, the preferred one first.

    Raises:
        BackendError: The backend does not compute in what is asked for.
    """
    possible = RUNNABLE[backend]
    options.demand_precision(backend, *possible, *CONVERTED.get(backend, ()))
    return (options.precision,) if options.precision in possible else possible


def export_command(model: str | Path, decode: str, *, precision: str) -> str:
    """The command that makes a stepped export."""
    options = ["--decode", decode] if decode != "expected" else []
    options += ["--precision", precision] if precision != "fp32" else []
    return shlex.join(["depthart", "export", str(model), *options])
