"""The released DepthART code and ours, on the same weights and in several runtimes, as sides that can be timed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.released_code import open_reference
from depthart_core.backends.onnx import open_parts
from depthart_core.backends.precision import multiplies_bfloat16
from depthart_core.backends.stepping import SteppedBackend, read_feeds
from depthart_core.backends.torch import load
from depthart_core.export.onnx import ExportOptions, describe
from depthart_core.inference import Backend, BackendOptions
from depthart_core.model_files import fingerprint
from depthart_core.store.exports import FEEDS

RELEASED, OURS = "released.safetensors", "ours.safetensors"
GRAPHS = {"argmax": "graphs", "expected": "graphs_expected"}
"""Decoding -> folder of graphs that decode so."""
REFERENCE, PYTORCH, BFLOAT16, RUNTIME = "reference", "ours, PyTorch", "ours, PyTorch in bf16", "ours, ONNX Runtime"
OPENVINO = "ours, OpenVINO"
SIDES = (REFERENCE, PYTORCH, BFLOAT16, RUNTIME, OPENVINO)


Picture = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]


@dataclass
class Side:
    """One implementation in one format on one runtime.

    Attributes:
        name: One of `SIDES`.
        run: Picture (S, S, 3) -> depth (S, S) in [0, 1].
        model: In PyTorch; None: it is not.
        seconds: One entry a round.
        operations: Of one picture as PyTorch counts them; 0: not counted.
        precision: Of its products.
    """

    name: str
    run: Callable[[Picture], Depth]
    model: Any = None
    seconds: list[float] = field(default_factory=list)
    operations: int = 0
    precision: str = "fp32"


def reference_side(model: Any) -> Side:
    """The released rollout by the most likely code: that of the class which DepthART extends."""
    rollout = sys.modules["var_utils"].DepthVAR.autoregressive_infer_cfg

    def run(rgb: Picture) -> Depth:
        image = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255.0
        depth: Tensor = rollout(model, 1, image).mean(1)
        return np.asarray(depth[0].numpy())

    return Side(REFERENCE, torch.inference_mode()(run), model)


def open_graphs(name: str, folder: Path, threads: int, decode: str) -> Backend:
    """The graphs of `write_weights`, not proven: here they are compared with the reference itself."""
    graphs = folder / GRAPHS[decode]
    record = describe(OURS, fingerprint(folder / OURS), ExportOptions(decode), graphs)
    if name == RUNTIME:
        return open_parts(graphs, record, record.scales, threads=threads)
    from depthart_core.backends.openvino import OpenVinoParts, precisions

    precision = precisions()[0]
    parts = OpenVinoParts(graphs, threads=threads, precision=precision)
    return SteppedBackend(parts, read_feeds(graphs / FEEDS), record, record.scales, precision=precision)


def open_side(name: str, checkout: Path, folder: Path, *, threads: int, decode: str = "argmax") -> Side:
    """One side.

    Args:
        name: One of `SIDES`.
        checkout: Of the released code.
        folder: With `RELEASED`, `OURS` and `GRAPHS`.
        threads: Of runtimes that are not PyTorch.
        decode: Key of `GRAPHS`; the reference decodes by argmax alone.
    """
    if name == REFERENCE:
        return reference_side(open_reference(checkout, folder / RELEASED))
    if name in (RUNTIME, OPENVINO):
        graphs = open_graphs(name, folder, threads, decode)
        return Side(name, lambda rgb: graphs.infer(rgb).depth, precision=graphs.precision)
    precision = "bf16" if name == BFLOAT16 else "fp32"
    backend = load(folder / OURS, BackendOptions(decode=decode, precision=precision))
    return Side(name, lambda rgb: backend.infer(rgb).depth, backend.model, precision=precision)


def possible_sides() -> list[str]:
    """Names of what can be measured on this machine."""
    left_out = set()
    if not multiplies_bfloat16(torch.device("cpu")):
        left_out.add(BFLOAT16)
    if importlib.util.find_spec("openvino") is None:
        left_out.add(OPENVINO)
    return [name for name in SIDES if name not in left_out]
