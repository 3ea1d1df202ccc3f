"""The whole model as one graph of static shapes, every scale unrolled: for TensorRT and other programs."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from depthart_core.backends.precision import ISLANDS, to_precision
from depthart_core.decoding import decoding
from depthart_core.errors import BackendError, pip_install
from depthart_core.export import tracing
from depthart_core.inference import BackendOptions
from depthart_core.model import DepthART
from depthart_core.normalize import denormalize, normalize_image
from depthart_core.store import exports
from depthart_core.transformer import GrowingCache

OLDEST_TORCH = (2, 6)
"""Whose exporter takes our translation of attention; older ones leave it out without a word, or do not know it."""

STAGE = "stage_"
"""How the names of a graph's stages begin, see `stage_names`."""


class Graph(nn.Module):
    """What a graph computes: uint8 (1, S, S, 3) RGB -> relative depth (1, S, S), and what the heads say.

    Args:
        model: In evaluation mode.
        options: Decoding and number of scales.
        stages: Whether to give what `stage_names` names, too.
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
        target: File to write.
        decode: "expected" or "argmax".
        max_scales: Decode so many scales; None: all.
        precision: "fp32", "fp16" or "bf16", see `depthart_core.backends.precision`.
        islands: What stays in float32 in half precision, some of `ISLANDS`.
        stages: Whether to add `stage_names` to the outputs.

    Raises:
        BackendError: A library is not installed, the decoding cannot be exported, max_scales or the precision are
            impossible, or the file cannot be written.
    """
    options = BackendOptions(decode=decode, max_scales=max_scales)
    check_exportable(options)
    names = output_names(options.count_scales(model.config.tokenizer.scales), heads=model.config.heads, stages=stages)
    graph = Graph(to_precision(model, precision, islands=islands), options, stages=stages).eval()
    size = model.config.tokenizer.input_size
    inputs = {"picture": torch.zeros(1, size, size, 3, dtype=torch.uint8)}
    tracing.write(tracing.trace(graph, inputs, names, opset=tracing.OPSETS["whole"], islands=islands), target)


def output_names(scales: int, *, heads: bool, stages: bool = False) -> list[str]:
    """Names of a whole graph's outputs."""
    named = ["depth", "confidence", "size"] if heads else ["depth"]
    return [*named, *stage_names(scales)] if stages else named


def stage_names(scales: int) -> list[str]:
    """Outputs that tell where a graph parts from PyTorch: the prefix tokens, and f_hat after every scale."""
    return [f"{STAGE}prefix", *(f"{STAGE}scale_{k}" for k in range(scales))]


def check_exportable(options: BackendOptions, libraries: Sequence[str] = ("onnx", "onnxscript")) -> None:
    """Demand a decoding without chance, and the libraries.

    Args:
        options: What is asked for.
        libraries: What is needed; all that are missing are named at once.

    Raises:
        BackendError: Names what is wrong.
    """
    if options.decode not in exports.EXPORTABLE_DECODES:
        raise BackendError(f"a graph decodes {' or '.join(exports.EXPORTABLE_DECODES)}, got {options.decode!r}")
    if tuple(map(int, torch.__version__.split(".")[:2])) < OLDEST_TORCH:
        oldest = ".".join(map(str, OLDEST_TORCH))
        got = f"here is {torch.__version__}; run: pip install -U torch"
        raise BackendError(f"export needs PyTorch {oldest} or newer, {got}")
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(missing)
        raise BackendError(f"export needs what is not installed: {names}; run: {pip_install(*missing)}")


def versions_of(*libraries: str) -> dict[str, str]:
    """What the modules say: a distribution may be called otherwise, as onnxruntime-gpu is."""
    return {name: str(importlib.import_module(name).__version__) for name in libraries}
