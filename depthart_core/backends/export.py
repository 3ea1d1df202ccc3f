"""PyTorch -> ONNX: one graph of the whole model with every scale unrolled, proven before it gets its name."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from depthart_core.backends import graphs, tracing
from depthart_core.backends.precision import ISLANDS, typed
from depthart_core.backends.proof import Pictures, compare, demand, structured_pictures
from depthart_core.backends.torch import TorchBackend
from depthart_core.checkpoint import load_model
from depthart_core.decoding import decoding
from depthart_core.errors import BackendError
from depthart_core.estimator import BackendOptions
from depthart_core.model import DepthART
from depthart_core.model_files import fingerprint, model_path, write_atomically
from depthart_core.normalize import denormalize, normalize_image
from depthart_core.transformer import GrowingCache

LIMIT = 1e-3
"""How far a float32 graph may be from PyTorch anywhere; rounding alone makes a thousandth of it."""


@dataclass(frozen=True)
class Exported:
    """A graph that was proven.

    Attributes:
        path: Of the graph.
        record: What stands in the file beside it.
    """

    path: Path
    record: graphs.Record


class Graph(nn.Module):
    """What a graph computes: uint8 (1, S, S, 3) RGB -> relative depth (1, S, S), and what the heads say.

    Args:
        model: In evaluation mode.
        options: Decoding and number of scales.
        stages: Whether to give what `graphs.stage_names` names, too.
    """

    def __init__(self, model: DepthART, options: BackendOptions, *, stages: bool = False) -> None:
        super().__init__()
        self.model, self.max_scales, self.stages = model, options.max_scales, stages
        self.decoding = decoding(options.decode)

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Depth; with heads confidence (1, S, S) in 0..1 and size (1, 2), see `SizeHead`; stages last."""
        image = normalize_image(picture).permute(0, 3, 1, 2)  # TensorRT takes bytes, but permutes none
        prefix, cache = self.model.prefix(image), GrowingCache()
        steps = list(self.model.rollout(prefix, self.decoding, max_scales=self.max_scales, cache=cache))
        found = self.model.conclude(prefix, steps)
        depth = denormalize(found.depth, self.model.config)[:, 0]
        stages = (prefix.tokens, *(step.f_hat for step in steps)) if self.stages else ()
        if found.confidence is None or found.size is None:
            return (depth, *stages)
        return (depth, found.confidence[:, 0].sigmoid(), found.size, *stages)


def export_onnx(
    model: DepthART,
    target: Path,
    *,
    decode: str = "expected",
    max_scales: int | None = None,
    precision: str = "fp32",
    islands: Collection[str] = ISLANDS,
    stages: bool = False,
) -> None:
    """Write the graph of a model: static shapes, strongly typed, input `picture`, outputs (float32) as `Graph`'s.

    Args:
        model: In evaluation mode, on the CPU.
        target: File to write, whole or not at all.
        decode: "expected" or "argmax".
        max_scales: Decode so many scales; None: all.
        precision: "fp32", "fp16" or "bf16", see `depthart_core.backends.precision`.
        islands: What stays in float32 in half precision, some of `ISLANDS`.
        stages: Whether to add `graphs.stage_names` to the outputs.

    Raises:
        BackendError: A library is not installed, the decoding cannot be exported, max_scales or the precision are
            impossible, or the file cannot be written.
    """
    options = BackendOptions(decode=decode, max_scales=max_scales)
    check_exportable(options)
    names = graphs.output_names(options.count_scales(model.config), heads=model.config.heads, stages=stages)
    graph = Graph(typed(model, precision, islands=islands), options, stages=stages).eval()
    size = model.config.tokenizer.input_size
    inputs = {"picture": torch.zeros(1, size, size, 3, dtype=torch.uint8)}
    tracing.write(tracing.trace(graph, inputs, names, islands=islands), target)


def check_exportable(options: BackendOptions) -> None:
    """Demand a decoding without chance, and the libraries.

    Raises:
        BackendError: Names what is wrong.
    """
    if options.decode not in graphs.DECODES:
        raise BackendError(f"a graph decodes {' or '.join(graphs.DECODES)}, got {options.decode!r}")
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(missing)
        raise BackendError(f"export needs what is not installed: {names}; run: pip install {names}")


def export_model(
    model: str | Path,
    folder: Path | None = None,
    *,
    decode: str = "expected",
    max_scales: int | None = None,
    pictures: Pictures | None = None,
    limit: float = LIMIT,
    report: Callable[[str], object] = lambda _: None,
) -> Exported:
    """Export a model, compare the graph with PyTorch and keep it, with a record of that, if both agree.

    Args:
        model: Name of a packaged model or path of a model file.
        folder: Where the graph goes; None: into the cache, where `DepthEstimator.load` finds it.
        decode: "expected" or "argmax".
        max_scales: Decode so many scales; None: all.
        pictures: uint8 (H, W, 3) RGB to compare on; None: generated ones.
        limit: Largest deviation allowed, see `depthart_core.backends.proof.deviations`.
        report: Gets a sentence at every step.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: As `export_onnx`, or the graph deviates from PyTorch.
    """
    options = BackendOptions(decode=decode, max_scales=max_scales)
    check_exportable(options)
    path = model_path(model)
    weights = fingerprint(path)
    config, scales = weights.config, options.count_scales(weights.config)
    target = (folder or graphs.graph_folder(weights.sha256)) / graphs.graph_name(path.stem, decode, scales)
    with tracing.temporary_beside(target) as temporary:
        report(f"tracing {path.stem}, {scales} of {len(config.tokenizer.scale_sizes)} scales: up to a minute")
        loaded = load_model(path)
        export_onnx(loaded, temporary, decode=decode, max_scales=max_scales)
        pictures = structured_pictures(config.tokenizer.input_size) if pictures is None else pictures
        report(f"comparing with PyTorch on {len(pictures)} pictures")
        deviation = prove(loaded, temporary, options, pictures, limit=limit)
        record = graphs.Record(
            model=str(model),
            weights_sha256=weights.sha256,
            graph_sha256=hashlib.sha256(temporary.read_bytes()).hexdigest(),
            decode=decode,
            scales=scales,
            of_scales=len(config.tokenizer.scale_sizes),
            input_size=config.tokenizer.input_size,
            heads=config.heads,
            opset=tracing.OPSET,
            versions={name: version(name) for name in ("torch", "onnx", "onnxscript", "onnxruntime")},
            pictures=len(pictures),
            deviation=deviation,
        )
        _put_in_place(temporary, target, record)
    return Exported(target, record)


def prove(
    model: DepthART, graph: Path, options: BackendOptions, pictures: Pictures, *, limit: float = LIMIT
) -> dict[str, dict[str, float]]:
    """Compare a graph with the model it was made from; returns the deviation of every output.

    Raises:
        BackendError: ONNX Runtime does not take the graph, or it deviates more than allowed.
    """
    from depthart_core.backends.onnx import open_graph

    backend = open_graph(graph.read_bytes(), options.count_scales(model.config))
    deviation = compare(TorchBackend(model, options), backend, pictures)
    demand(deviation, limit)
    return deviation


def _write(target: Path, data: bytes) -> None:
    try:
        write_atomically(target, data)
    except OSError as error:
        raise BackendError(f"{target} cannot be written: {error.strerror}") from error


def _put_in_place(temporary: Path, target: Path, record: graphs.Record) -> None:
    """Name the graph, then its record; between the two an older record, if any, does not fit and is not believed."""
    temporary.replace(target)
    _write(graphs.record_path(target), graphs.to_json(record).encode())
