"""The comparison of an export with the PyTorch model it was made from, without which it gets no name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from depthart_core.backends.onnx import OnnxParts, WholeBackend, open_session, session_options
from depthart_core.backends.precision import to_precision
from depthart_core.backends.stepping import Feeds, Parts, SteppedBackend, read_feeds
from depthart_core.backends.torch import TorchBackend
from depthart_core.errors import BackendError
from depthart_core.export.agreement import (
    Arrays,
    Deviation,
    Limits,
    Outputs,
    Pictures,
    measure,
    objection,
    resize_pictures,
    torch_outputs,
)  # fmt: skip
from depthart_core.inference import Backend, BackendOptions, Inference
from depthart_core.model import DepthART
from depthart_core.store import exports

LIMITS = {"fp32": Limits(max=1e-3), "fp16": Limits(mean=5e-3), "bf16": Limits(mean=3e-2), "int8": Limits(mean=1e-2)}
"""By precision; in float32 rounding alone makes a thousandth of it anywhere."""

COARSE_LIMITS = LIMITS | {"int8": Limits(mean=2e-2)}
"""After fewer scales than all, which leave depth 0.1 to 0.4 from the truth anyway."""

FEW = 1
"""Pictures that suffice for stopping after fewer scales."""


def verify_export(
    model: DepthART,
    folder: Path,
    record: exports.Record,
    pictures: Pictures,
    *,
    report: Callable[[str], object] = lambda _: None,
) -> exports.Record:
    """Compare graphs with the model they were made from, after every number of scales; returns the record of that.

    What OpenVINO cannot run or says otherwise is reported and not for OpenVINO then; ONNX Runtime has to agree.

    Args:
        model: What they were made from.
        folder: Of the graphs.
        record: What they are.
        pictures: uint8 (H, W, 3) RGB to compare on.
        report: Gets a sentence about what is left out.

    Raises:
        BackendError: ONNX Runtime does not take a graph, or it deviates more than allowed.
    """
    shown = resize_pictures(pictures, record.input_size)
    record = replace(record, pictures=len(shown))
    if record.form == "stepped":
        return _verify_steps(model, folder, record, shown, report)
    options = BackendOptions(decode=record.decode, max_scales=record.scales)
    if record.precision == "bf16":  # what the graph computes, for ONNX Runtime does not run bfloat16 on a CPU
        _check_form(folder / exports.WHOLE)
        computed = torch_outputs(to_precision(model, "bf16"), options, shown)
        found = [_named(Inference.of_outputs(each, record.scales)) for each in computed]
    else:
        found = _answers(WholeBackend(open_session(folder / exports.WHOLE, session_options(None)), record), shown)
    deviation = _verified(_answers(TorchBackend(model, options), shown), found, LIMITS[record.precision])
    return replace(record, deviation=deviation)


def _check_form(graph: Path) -> None:
    """Demand that a graph which nothing here can run is one at least.

    Raises:
        BackendError: It is damaged.
    """
    import onnx

    try:
        onnx.checker.check_model(str(graph))
    except Exception as error:  # of protobuf or the checker
        raise BackendError(f"the graph is refused: {str(error).partition(chr(10))[0]}") from error


def _verify_steps(
    model: DepthART, folder: Path, record: exports.Record, shown: Pictures, report: Callable[[str], object]
) -> exports.Record:
    """In ONNX Runtime, and in OpenVINO where that is installed: `record` names it then."""
    feeds = read_feeds(folder / exports.FEEDS)
    expected = {
        scales: _answers(
            TorchBackend(model, BackendOptions(decode=record.decode, max_scales=scales)),
            shown if scales == record.scales else shown[:FEW],
        )
        for scales in range(record.scales, 0, -1)
    }
    deviation = _verify_runtime(expected, OnnxParts(folder), feeds, record, shown, precision=record.precision)
    if "openvino" not in record.versions:
        return replace(record, deviation=deviation)
    from depthart_core.backends.openvino import OpenVinoParts, precisions

    proven = []
    for precision in precisions():
        try:
            parts = OpenVinoParts(folder, precision=precision)
            found = _verify_runtime(expected, parts, feeds, record, shown, precision=precision)
        except BackendError as error:
            report(f"not for OpenVINO {record.versions['openvino']} in {precision}: {error}")
            continue
        proven.append(precision)
        deviation |= {f"{name} in OpenVINO in {precision}": each for name, each in found.items()}
    versions = {name: version for name, version in record.versions.items() if proven or name != "openvino"}
    return replace(record, deviation=deviation, versions=versions, openvino=proven)


def _verify_runtime(
    expected: Mapping[int, Outputs],
    parts: Parts,
    feeds: Feeds,
    record: exports.Record,
    shown: Pictures,
    *,
    precision: str,
) -> Deviation:
    """Compare with what PyTorch says after each number of scales, of all pictures or the first of them."""
    result: Deviation = {}
    for scales, reference in expected.items():
        found = _answers(SteppedBackend(parts, feeds, record, scales), shown[: len(reference)])
        limits = (LIMITS if scales == record.scales else COARSE_LIMITS)[precision]
        deviation = _verified(reference, found, limits)
        result |= deviation if scales == record.scales else {f"depth after {scales}": deviation["depth"]}
    return result


def _verified(reference: Outputs, found: Outputs, limits: Limits) -> Deviation:
    """How far a graph is from PyTorch; depth and size are compared by ratio, confidence by difference.

    Raises:
        BackendError: It is further than the limits allow.
    """
    deviation = measure(reference, found, relative=("depth", "size"))
    if reason := objection(deviation, limits):
        raise BackendError(f"the graph is refused: {reason}")
    return deviation


def _answers(backend: Backend, shown: Pictures) -> list[Arrays]:
    """What a backend says of pictures uint8 (S, S, 3)."""
    return [_named(backend.infer(rgb)) for rgb in shown]


def _named(said: Inference) -> Arrays:
    """The outputs by name; `size` is in metres per unit."""
    if said.confidence is None or said.canonical is None:
        return {"depth": said.depth}
    return {"depth": said.depth, "confidence": said.confidence, "size": np.array([said.canonical.metres_per_unit])}
