"""The step of a stepped export in int8: the layers of the transformer, for ONNX Runtime on a CPU.

Weights are quantized once, one scale for a matrix; activations as they come, so nothing is calibrated. All else stays
in float32: the spread of codes, which is a small difference of large numbers and what confidence is made of, would
drown, and with all convolutions in int8 depth becomes up to a third worse (benchmarks/results/engines.md); for
some of them on processors with VNNI see `convolutions`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from depthart_core.errors import BackendError
from depthart_core.export.tracing import quiet, weights_path


def quantize_step(folder: Path) -> None:
    """Put an int8 graph in the place of the float32 one of the step.

    Raises:
        BackendError: Its weights are too large for one file, or it has no layers.
    """
    if weights_path(folder / "step.onnx").exists():
        raise BackendError("weights of the step beyond 2 GB cannot be made int8; export it in fp32")
    with tempfile.TemporaryDirectory(prefix="depthart-") as temporary:
        prepared, step = Path(temporary) / "step.onnx", folder / "step.onnx"
        with quiet("root"):  # it warns of every layer it leaves
            quant_pre_process(step, prepared, skip_symbolic_shape=True)
            quantize_layers(prepared, step)


def quantize_layers(prepared: Path, target: Path, *, seven_bits: bool = True) -> None:
    """Write the step with the layers of its transformer in int8.

    Args:
        prepared: What `quant_pre_process` made of a float32 step.
        target: Where to write.
        seven_bits: Whether weights have 7 bits. Sums of products then cannot saturate, as they otherwise do on
            processors without VNNI.

    Raises:
        BackendError: No layer was found.
    """
    layers = _layers(onnx.load(prepared, load_external_data=False))
    if not layers:  # of which ONNX Runtime would make all products
        raise BackendError(f"{target.name} has no layers that can be int8; export it in fp32")
    # One scale for a matrix: with scales per channel ONNX Runtime 1.32 refuses to run the step.
    quantize_dynamic(
        prepared,
        target,
        ["MatMul"],
        nodes_to_quantize=layers,
        weight_type=QuantType.QInt8,
        reduce_range=seven_bits,
    )


def _layers(step: onnx.ModelProto) -> list[str]:
    """Names of the products with weights that are at least as wide as a token in both directions."""
    tokens = next(given for given in step.graph.input if given.name == "x")
    width = tokens.type.tensor_type.shape.dim[2].dim_value
    matrices = {values.name: values.dims for values in step.graph.initializer if len(values.dims) == 2}
    large = {name for name, sides in matrices.items() if min(sides) >= width > 0}
    return [node.name for node in step.graph.node if node.op_type == "MatMul" and node.input[1] in large]
