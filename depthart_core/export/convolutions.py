"""Convolutions of a stepped export in int8, beside its transformer: for ONNX Runtime on processors with VNNI.

Those of the image features and of the guided decoder, where nearly all of their time goes; ranges of activations come
from pictures. In float32 stay the first of the features, whose errors all others inherit, and what makes numbers of the
last ones: the decoder's last two convolutions, of which depth is the exponential, and the heads. Weights have 8 bits,
7 are too few, so that sums saturate on x86-64 without VNNI (benchmarks/results/engines.md).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QDQQuantizer, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData, create_calibrator
from onnxruntime.quantization.shape_inference import quant_pre_process

from depthart_core.backends.onnx import OnnxParts
from depthart_core.backends.stepping import SteppedBackend, read_feeds
from depthart_core.errors import BackendError, running
from depthart_core.export.agreement import Pictures, resize_pictures
from depthart_core.export.tracing import quiet, weights_path
from depthart_core.export.verify_export import verify_export
from depthart_core.model import DepthART
from depthart_core.store import exports
from depthart_core.store.integrity import file_hash

PARTS = {
    "prefix": r"\.image\.backbone\.stages\.(1\.[1-9]|[2-6])\.",
    "decode": r"\.decoder\.levels\.\d+\.\d+\.conv[12]\.",
}
"""Part -> the weights of its convolutions that may be in int8, by name."""

MARGIN = {"prefix": 1.1, "decode": 1.5}
"""By how much activations may leave the range that the pictures showed; there is no room beyond it."""

Feed = dict[str, npt.NDArray[Any]]


class Listening(OnnxParts):
    """Graphs that remember what these parts of them were fed with: `heard`, by part."""

    def __init__(self, folder: Path, parts: Sequence[str] = exports.PARTS) -> None:
        super().__init__(folder)
        self.heard: dict[str, list[Feed]] = {part: [] for part in parts}

    def run(self, part: str, feed: Mapping[str, Any]) -> dict[str, Any]:
        """Remember and run."""
        if part in self.heard:
            self.heard[part].append({name: value.numpy().copy() for name, value in feed.items()})
        return super().run(part, feed)


class Heard(CalibrationDataReader):  # type: ignore[misc]  # of no type
    """What a part was fed with, once more."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self.feeds: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Feed | None:
        """One after the other."""
        return next(self.feeds, None)


def with_convolutions(
    model: DepthART,
    folder: Path,
    record: exports.Record,
    pictures: Pictures,
    *,
    report: Callable[[str], object] = lambda _: None,
) -> exports.Record:
    """Put graphs with convolutions in int8 in the place of those of a proven export, if they are proven as well.

    Args:
        model: What the export was made from.
        folder: Of the export, its convolutions in float32.
        record: Of the export.
        pictures: uint8 (H, W, 3) RGB to compare on; every second one scales activations as well.
        report: Gets a sentence where convolutions stay in float32 because they deviate.

    Returns:
        The record of what is in the folder now.
    """
    shown = resize_pictures(pictures, record.input_size)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        trial = Path(temporary)
        try:
            with running(f"ONNX Runtime {onnxruntime.__version__} cannot quantize them", Exception):
                parts = quantize_convolutions(folder, trial, record, shown[::2])  # the others show whether ranges hold
            if not parts:
                return record
            for name in record.files:
                if not (trial / name).exists():
                    shutil.copy(folder / name, trial / name)
            files = {name: file_hash(trial / name) for name in record.files}
            changed = replace(record, files=files, convolutions=parts)
            changed = verify_export(model, trial, changed, pictures, report=report)
        except (BackendError, OSError) as error:
            report(f"convolutions stay in float32: {error}")
            return record
        for part in parts:
            (trial / f"{part}.onnx").replace(folder / f"{part}.onnx")
    return changed


def quantize_convolutions(
    folder: Path, target: Path, record: exports.Record, pictures: Sequence[npt.NDArray[np.uint8]]
) -> list[str]:
    """Write the parts of a stepped export that have such convolutions once more, with these in int8.

    Args:
        folder: The export, its convolutions in float32.
        target: Folder to write to.
        record: Of the export.
        pictures: uint8 (S, S, 3) RGB that show what activations there are.

    Returns:
        Which parts were written: none of a model with neither such features nor such a decoder.
    """
    names = [part for part in PARTS if _fits(folder / f"{part}.onnx", part)]
    if not names:
        return []
    listening = Listening(folder, names)
    backend = SteppedBackend(listening, read_feeds(folder / exports.FEEDS), record, record.scales)
    for picture in pictures:
        backend.infer(picture)
    for part in names:
        with tempfile.TemporaryDirectory(dir=target) as temporary, quiet("root"):
            prepared = Path(temporary) / f"{part}.onnx"
            quant_pre_process(folder / f"{part}.onnx", prepared, skip_symbolic_shape=True)
            _quantize(prepared, target / f"{part}.onnx", part, listening.heard[part])
    return names


def _quantize(prepared: Path, target: Path, part: str, feeds: Sequence[Feed]) -> None:
    """Write one part; weights have a scale per channel."""
    graph = onnx.load(prepared)
    convolutions = _convolutions(graph, part)
    if not convolutions:  # of which ONNX Runtime would make all
        raise BackendError(f"{part}.onnx has lost the names of its convolutions")
    ranges = _widened(graph, _ranges(prepared, feeds), MARGIN[part])
    nodes = _with_limits(graph, convolutions)
    kinds = ["Conv", "Clip", "Relu"]
    options = {"WeightSymmetric": True}
    quantizer = QDQQuantizer(graph, True, False, QuantType.QInt8, QuantType.QUInt8, ranges, nodes, [], kinds, options)
    quantizer.quantize_model()
    quantizer.model.save_model_to_file(str(target))


def _fits(graph: Path, part: str) -> bool:
    """Whether a graph is one file and has such convolutions."""
    return not weights_path(graph).exists() and bool(_convolutions(onnx.load(graph), part))


def _convolutions(graph: onnx.ModelProto, part: str) -> list[str]:
    """Names of the convolutions that may be in int8, in order; the last one of the decoder is not among them."""
    found = [node.name for node in graph.graph.node if node.op_type == "Conv" and re.search(PARTS[part], node.input[1])]
    return found[:-1] if part == "decode" else found


def _with_limits(graph: onnx.ModelProto, convolutions: Sequence[str]) -> list[str]:
    """The convolutions and the Clip and Relu before and behind them, which become limits of their ranges."""
    chosen = [node for node in graph.graph.node if node.name in convolutions]
    before, behind = {node.input[0] for node in chosen}, {node.output[0] for node in chosen}
    limits = [
        node.name
        for node in graph.graph.node
        if node.op_type in ("Clip", "Relu") and (node.output[0] in before or node.input[0] in behind)
    ]
    return [*convolutions, *limits]


def _ranges(prepared: Path, feeds: Sequence[Feed]) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every activation."""
    augmented = str(prepared.with_name("augmented.onnx"))
    calibrator = create_calibrator(prepared, ["Conv", "Clip", "Relu"], augmented_model_path=augmented)
    calibrator.collect_data(Heard(feeds))
    found = {name: data.range_value for name, data in calibrator.compute_data().items()}
    return {name: (float(np.min(low)), float(np.max(high))) for name, (low, high) in found.items()}


def _widened(graph: onnx.ModelProto, ranges: Mapping[str, tuple[float, float]], margin: float) -> TensorsData:
    """Ranges with a margin, but none beyond the bounds of a Clip, which is left out where it is a limit."""
    values = {item.name: item for item in graph.graph.initializer}
    bounds = {
        node.output[0]: [float(numpy_helper.to_array(values[name])) for name in node.input[1:]]
        for node in graph.graph.node
        if node.op_type == "Clip" and len(node.input) == 3 and all(name in values for name in node.input[1:])
    }
    wide = {
        name: np.clip(np.multiply((low, high), margin), *bounds.get(name, (-np.inf, np.inf))).astype(np.float32)
        for name, (low, high) in ranges.items()
    }
    return TensorsData(
        CalibrationMethod.MinMax, {name: TensorData(lowest=low, highest=high) for name, (low, high) in wide.items()}
    )
