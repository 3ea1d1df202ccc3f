"""Stepped graphs in int8: what ONNX Runtime's quantization makes of them, calibrated on pictures.

Static: convolutions and matrix products between Q/DQ, activations scaled as pictures showed them. Dynamic: the layers
of the transformer alone, activations scaled as they come, as `depthart export --precision int8` makes it where a
processor has no VNNI. With 7 bits for the weights sums of products cannot saturate, as they otherwise do without VNNI.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from depthart_core.backends.stepping import SteppedBackend, read_feeds
from depthart_core.export.convolutions import Heard, Listening
from depthart_core.export.int8 import quantize_layers
from depthart_core.preprocess import to_input
from depthart_core.store import exports


@dataclass(frozen=True)
class Variant:
    """How to quantize.

    Attributes:
        dynamic: Activations are scaled as they come, not by calibration.
        seven_bits: Weights have 7 bits.
    """

    dynamic: bool
    seven_bits: bool


VARIANTS = {
    "int8 static": Variant(dynamic=False, seven_bits=False),
    "int8 static, 7 bits": Variant(dynamic=False, seven_bits=True),
    "int8 dynamic": Variant(dynamic=True, seven_bits=False),
    "int8 dynamic, 7 bits": Variant(dynamic=True, seven_bits=True),
}

Feeds = Mapping[str, Sequence[dict[str, np.ndarray]]]


def quantized(folder: Path, target: Path, pictures: Sequence[np.ndarray]) -> dict[str, Path]:
    """Make int8 graphs of float32 ones; returns the folder of every variant, all of them in `target`."""
    record = exports.read_record(folder)
    parts = Listening(folder)
    backend = SteppedBackend(parts, read_feeds(folder / exports.FEEDS), record, record.scales)
    for picture in pictures:
        backend.infer(to_input(picture, record.input_size))
    logging.getLogger().setLevel(logging.ERROR)  # quantization warns of every layer it leaves
    prepared = target / "prepared"
    prepared.mkdir()
    for part in exports.PARTS:
        quant_pre_process(folder / f"{part}.onnx", prepared / f"{part}.onnx", skip_symbolic_shape=True)
    result = {}
    for name, variant in VARIANTS.items():
        result[name] = target / name
        result[name].mkdir()
        quantize(prepared, result[name], parts.heard, variant)
        for file in (exports.FEEDS, exports.RECORD):
            shutil.copy(folder / file, result[name] / file)
    return result


def quantize(prepared: Path, target: Path, heard: Feeds, variant: Variant) -> None:
    """Write the graphs of one variant; static weights have a scale per channel, biases stay float32."""
    for part in exports.PARTS:
        graph, reduced = prepared / f"{part}.onnx", variant.seven_bits
        if not variant.dynamic:
            quantize_static(
                graph,
                target / graph.name,
                Heard(heard[part]),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "MatMul", "Gemm"],
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
                per_channel=True,
                reduce_range=reduced,
            )
        elif part == "step":
            quantize_layers(graph, target / graph.name, seven_bits=reduced)
        else:
            shutil.copy(graph, target / graph.name)
