"""Stepped graphs in static int8 (Q/DQ): what ONNX Runtime's quantization makes of them, calibrated on pictures."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from depthart_core.backends import graphs
from depthart_core.backends.onnx import OnnxParts
from depthart_core.backends.stepping import SteppedBackend, read_feeds
from depthart_core.preprocess import to_input


class Listening(OnnxParts):
    """Graphs that remember what they were fed with."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.heard: dict[str, list[dict[str, np.ndarray]]] = {part: [] for part in graphs.PARTS}

    def run(self, part: str, feed: Mapping[str, Any]) -> dict[str, Any]:
        """Remember and run."""
        self.heard[part].append({name: value.numpy().copy() for name, value in feed.items()})
        return super().run(part, feed)


class Heard(CalibrationDataReader):
    """What a part was fed with, once more."""

    def __init__(self, feeds: Sequence[dict[str, np.ndarray]]) -> None:
        self.feeds: Iterator[dict[str, np.ndarray]] = iter(feeds)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return one after the other."""
        return next(self.feeds, None)


def quantized(folder: Path, target: Path, pictures: Sequence[np.ndarray]) -> Path:
    """Make int8 graphs of float32 ones: symmetric, weights per channel, biases left; returns their folder."""
    record = graphs.read_record(folder)
    parts = Listening(folder)
    backend = SteppedBackend(parts, read_feeds(folder / graphs.FEEDS), record, record.scales)
    for picture in pictures:
        backend.infer(to_input(picture, record.input_size))
    logging.getLogger().setLevel(logging.ERROR)  # quantize_static warns of every layer it leaves
    for part in graphs.PARTS:
        prepared = target / f"{part}.prepared.onnx"
        quant_pre_process(folder / f"{part}.onnx", prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target / f"{part}.onnx",
            Heard(parts.heard[part]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
        )
        prepared.unlink()
    for name in (graphs.FEEDS, graphs.RECORD):
        shutil.copy(folder / name, target / name)
    return target
