"""Exported graphs on the disk, without PyTorch and without a runtime: where they are and what was proven about them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import BackendError
from depthart_core.model_files import fingerprint, model_path

if TYPE_CHECKING:
    from depthart_core.estimator import BackendOptions

FORMAT = "depthart-onnx/1"
DECODES = ("expected", "argmax")
"""Decodings without chance, which alone can stand in a graph."""


@dataclass(frozen=True)
class Record:
    """What the JSON file beside a graph says.

    Attributes:
        model: The model it was made from, as it was named.
        weights_sha256: `Fingerprint.sha256` of that model.
        graph_sha256: Of the graph's file.
        decode: "expected" or "argmax".
        scales: Number of scales it decodes.
        of_scales: Number of scales the model has.
        input_size: Side of the square picture, in pixels.
        heads: Whether it says confidence and size.
        opset: Of ONNX.
        versions: Of the libraries that made it.
        pictures: How many pictures it was compared with PyTorch on.
        deviation: Output -> "max" and "mean" over those pictures, see `depthart_core.backends.proof.deviation`.
        format: `FORMAT`.
    """

    model: str
    weights_sha256: str
    graph_sha256: str
    decode: str
    scales: int
    of_scales: int
    input_size: int
    heads: bool
    opset: int
    versions: dict[str, str]
    pictures: int
    deviation: dict[str, dict[str, float]]
    format: str = FORMAT


def is_graph(model: str | Path) -> bool:
    """Whether this names a graph and not a model."""
    return Path(model).suffix == ".onnx"


def record_path(graph: Path) -> Path:
    """The JSON file beside a graph."""
    return graph.with_suffix(".json")


def to_json(record: Record) -> str:
    """The record as it stands in its file."""
    return json.dumps(asdict(record), indent=1) + "\n"


def read_record(graph: Path) -> Record:
    """What is proven about a graph.

    Raises:
        BackendError: There is no graph or no record, or the record is damaged or of another format.
    """
    if not graph.is_file():
        raise BackendError(f"there is no graph {graph}; make it with: depthart export MODEL")
    path = record_path(graph)
    again = "make both anew with: depthart export MODEL"
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BackendError(f"{path} is missing, without which {graph.name} is not trusted; {again}") from None
    except (OSError, ValueError) as error:
        raise BackendError(f"{path} cannot be read ({error}); {again}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        got = values.get("format") if isinstance(values, dict) else type(values).__name__
        raise BackendError(f"{path} is not of the format {FORMAT}, got {got!r}; {again}")
    wrong = [item.name for item in fields(Record) if type(values.get(item.name)).__name__ != _kind(item.type)]
    if wrong or len(values) != len(fields(Record)):
        named = ", ".join(wrong or sorted(set(values) - {item.name for item in fields(Record)}))
        raise BackendError(f"{path} is damaged at {named}; {again}")
    return Record(**values)


def read_graph(graph: Path, record: Record) -> bytes:
    """The graph's file, checked to be the one that was proven.

    Raises:
        BackendError: Missing, unreadable, or not what the record tells of.
    """
    try:
        data = graph.read_bytes()
    except OSError as error:
        raise BackendError(f"{graph} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != record.graph_sha256:
        raise BackendError(
            f"{graph} is damaged: its SHA-256 starts with {found[:12]}, that of the proven graph with "
            f"{record.graph_sha256[:12]}; make it anew with: {remake_command(record)}"
        )
    return data


def cache_folder() -> Path:
    """Where graphs are kept: $XDG_CACHE_HOME/depthart, by default ~/.cache/depthart.

    Raises:
        BackendError: The user has no home folder.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (given if given.is_absolute() else Path.home() / ".cache") / "depthart"
    except RuntimeError as error:
        raise BackendError("there is no home folder to keep graphs in; set XDG_CACHE_HOME") from error


def graph_name(model: str, decode: str, scales: int) -> str:
    """Name of a graph's file."""
    return f"{model}-{decode}-{scales}.onnx"


def graph_folder(weights_sha256: str) -> Path:
    """Folder in the cache for the graphs of some weights."""
    return cache_folder() / weights_sha256[:16]


def find_graph(model: str | Path, options: BackendOptions) -> Path:
    """The cached graph of exactly these weights, decoding and number of scales.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: There is no such graph, it was made from other weights, or max_scales are impossible.
    """
    weights = fingerprint(model_path(model))
    scales = options.count_scales(weights.config)
    folder = graph_folder(weights.sha256)
    command = export_command(model, options.decode, options.max_scales)
    found = sorted(folder.glob(graph_name("*", options.decode, scales)))
    if not found:
        raise BackendError(
            f"backend 'onnx' finds no graph of {model} with decode {options.decode!r} and {scales} scales in {folder}; "
            f"run: {command}"
        )
    made_from = read_record(found[0]).weights_sha256
    if made_from != weights.sha256:
        raise BackendError(
            f"{found[0]} was made from other weights ({made_from[:12]}) than those of {model} ({weights.sha256[:12]}); "
            f"run: {command}"
        )
    return found[0]


def check_options(graph: Path, record: Record, options: BackendOptions) -> None:
    """Demand that a graph does what is asked for.

    Raises:
        BackendError: It decodes otherwise, or another number of scales.
    """
    if options.decode != record.decode:
        command = export_command(record.model, options.decode, options.max_scales)
        raise BackendError(f"{graph} decodes {record.decode!r}, asked for {options.decode!r}; run: {command}")
    if (record.of_scales if options.max_scales is None else options.max_scales) != record.scales:
        asked = f"all {record.of_scales}" if options.max_scales is None else options.max_scales
        command = export_command(record.model, options.decode, options.max_scales)
        raise BackendError(
            f"{graph} decodes {record.scales} of {record.of_scales} scales, asked for {asked}; run: {command}"
        )


def output_names(scales: int, *, heads: bool, stages: bool = False) -> list[str]:
    """Names of a graph's outputs."""
    named = ["depth", "confidence", "size"] if heads else ["depth"]
    return [*named, *stage_names(scales)] if stages else named


def stage_names(scales: int) -> list[str]:
    """Outputs that tell where a graph parts from PyTorch: the prefix tokens, and f_hat after every scale."""
    return ["stage_prefix", *(f"stage_scale_{k}" for k in range(scales))]


def export_command(model: str | Path, decode: str, max_scales: int | None) -> str:
    """The command that makes a graph."""
    decoding = "" if decode == "expected" else f" --decode {decode}"
    return f"depthart export {model}{decoding}" + ("" if max_scales is None else f" --max-scales {max_scales}")


def remake_command(record: Record) -> str:
    """The command that made a graph."""
    return export_command(record.model, record.decode, None if record.scales == record.of_scales else record.scales)


def _kind(annotation: object) -> str:
    """Name of the type that an annotation (a string here) demands of a JSON value."""
    return str(annotation).split("[")[0]
