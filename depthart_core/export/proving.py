"""The comparison of an export with the PyTorch model it was made from, without which it gets no name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from depthart_core.backends import graphs
from depthart_core.backends.onnx import OnnxParts, WholeBackend, open_session, session_options
from depthart_core.backends.stepping import Feeds, Parts, SteppedBackend, read_feeds
from depthart_core.backends.torch import TorchBackend
from depthart_core.errors import BackendError
from depthart_core.export.proof import Deviation, Pictures, compare, demand
from depthart_core.export.whole import output_names
from depthart_core.inference import Backend, BackendOptions, Inference
from depthart_core.model import DepthART

LIMITS = {"fp32": ("max", 1e-3), "fp16": ("mean", 5e-3), "bf16": ("mean", 3e-2), "int8": ("mean", 1e-2)}
"""Precision -> which deviation is limited to what; in float32 rounding alone makes a thousandth of it anywhere."""

FEW = 1
"""Pictures that suffice for stopping after fewer scales."""


def prove_export(
    model: DepthART,
    folder: Path,
    record: graphs.Record,
    pictures: Pictures,
    *,
    computed: nn.Module | None = None,
    report: Callable[[str], object] = lambda _: None,
) -> graphs.Record:
    """Compare graphs with the model they were made from, after every number of scales; returns the record of that.

    What OpenVINO cannot run or says otherwise is reported and not for OpenVINO then; ONNX Runtime has to agree.

    Args:
        model: What they were made from.
        folder: Of the graphs.
        record: What they are.
        pictures: To compare on.
        computed: What a graph computes, for ONNX Runtime does not run bfloat16 on a CPU; None: it runs the graph.
        report: Gets a sentence about what is left out.

    Raises:
        BackendError: ONNX Runtime does not take a graph, or it deviates more than allowed.
    """
    of, limit = LIMITS[record.precision]
    if record.form == "stepped":
        return _prove_steps(model, folder, replace(record, pictures=len(pictures)), pictures, report)
    reference = TorchBackend(model, BackendOptions(decode=record.decode, max_scales=record.scales))
    backend: Backend = (
        WholeBackend(open_session(folder / graphs.WHOLE, session_options(None)), record)
        if computed is None
        else ComputedBackend(computed, record)
    )
    deviation = compare(reference, backend, pictures)
    demand(deviation, limit, of=of)
    return replace(record, pictures=len(pictures), deviation=deviation)


def _prove_steps(
    model: DepthART, folder: Path, record: graphs.Record, pictures: Pictures, report: Callable[[str], object]
) -> graphs.Record:
    """In ONNX Runtime, and in OpenVINO where that is installed: `record` names it then."""
    feeds = read_feeds(folder / graphs.FEEDS)
    references = {
        scales: Remembering(TorchBackend(model, BackendOptions(decode=record.decode, max_scales=scales)))
        for scales in range(record.scales, 0, -1)
    }
    of, limit = LIMITS[record.precision]
    deviation = _prove_runtime(references, OnnxParts(folder), feeds, record, pictures, (limit, of))
    if "openvino" not in record.versions:
        return replace(record, deviation=deviation)
    from depthart_core.backends.openvino import OpenVinoParts, precisions

    proven = []
    for precision in precisions():
        of, limit = LIMITS[precision]
        try:
            parts = OpenVinoParts(folder, precision=precision)
            found = _prove_runtime(references, parts, feeds, record, pictures, (limit, of))
        except BackendError as error:
            report(f"not for OpenVINO {record.versions['openvino']} in {precision}: {error}")
            continue
        proven.append(precision)
        deviation |= {f"{name} in OpenVINO in {precision}": each for name, each in found.items()}
    versions = {name: version for name, version in record.versions.items() if proven or name != "openvino"}
    return replace(record, deviation=deviation, versions=versions, openvino=proven)


def _prove_runtime(
    references: Mapping[int, Backend],
    parts: Parts,
    feeds: Feeds,
    record: graphs.Record,
    pictures: Pictures,
    limit: tuple[float, str],
) -> Deviation:
    """Compare with what PyTorch says after each number of scales."""
    result: Deviation = {}
    for scales, reference in references.items():
        every = scales == record.scales
        backend = SteppedBackend(parts, feeds, record, scales)
        deviation = compare(reference, backend, pictures if every else pictures[:FEW])
        demand(deviation, limit[0], of=limit[1])
        result |= deviation if every else {f"depth after {scales}": deviation["depth"]}
    return result


class Remembering:
    """A backend that is asked about every picture once, however many others are compared with it.

    Args:
        backend: The one that is asked.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend, self.input_size, self.heads = backend, backend.input_size, backend.heads
        self.scales, self.anytime, self.precision = backend.scales, False, backend.precision
        self._answers: dict[bytes, Inference] = {}

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:  # noqa: ARG002
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale, without a deadline."""
        key = rgb.tobytes()
        if key not in self._answers:
            self._answers[key] = self.backend.infer(rgb)
        return self._answers[key]


class ComputedBackend:
    """What a graph computes, in PyTorch.

    Args:
        graph: See `depthart_core.export.whole.Graph`.
        record: Of the graph.
    """

    def __init__(self, graph: nn.Module, record: graphs.Record) -> None:
        self.graph, self.input_size, self.heads = graph, record.input_size, record.heads
        self.scales, self.anytime, self.precision = record.scales, False, record.precision

    @torch.inference_mode()
    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:  # noqa: ARG002
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale."""
        found = self.graph(torch.from_numpy(np.array(rgb, order="C"))[None])
        names = output_names(self.scales, heads=self.heads)
        return Inference.of_outputs({name: v.numpy() for name, v in zip(names, found, strict=True)}, self.scales)
