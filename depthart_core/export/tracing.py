"""A PyTorch module -> an ONNX file: traced, constants folded, written."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthart_core.backends.precision import ISLANDS, attention
from depthart_core.errors import BackendError

OPSETS = {"whole": 18, "stepped": 20}
"""Of the graphs of a form: TensorRT 10.3 reads 18; 20 has GELU as one operator."""

LARGEST_WEIGHTS = 2_000_000_000
"""Bytes of weights that one ONNX file takes (it holds 2^31 - 1 in all); more go to a file beside it."""


def trace(
    graph: nn.Module,
    inputs: dict[str, Tensor],
    outputs: Sequence[str],
    *,
    opset: int,
    islands: Collection[str] = ISLANDS,
    dynamic: Sequence[Any] | None = None,
) -> Any:
    """The ONNX model of a module; what else the exporter could simplify, runtimes do in far less time.

    Args:
        graph: In evaluation mode.
        inputs: Names and examples, in the order of `forward`'s arguments.
        outputs: Names of what it returns.
        opset: Of ONNX.
        islands: See `depthart_core.backends.precision.attention`.
        dynamic: Of every argument of `forward` its axes that vary; None: none does.
    """
    from onnxscript import optimizer

    with torch.no_grad(), quiet("torch.onnx"):
        program: Any = torch.onnx.export(
            graph,
            tuple(inputs.values()),
            dynamo=True,
            opset_version=opset,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=None if dynamic is None else tuple(dynamic),
            custom_translation_table={torch.ops.aten.scaled_dot_product_attention.default: attention(islands)},
            optimize=False,
            verbose=False,
        )
        optimizer.fold_constants(program.model)
        optimizer.remove_unused_nodes(program.model)
    return program.model


def write(model: Any, target: Path) -> None:
    """Write an ONNX model (of onnx_ir), its weights to `weights_path` if one file is too small.

    Raises:
        BackendError: It cannot be written.
    """
    import onnx_ir

    large = sum(value.const_value.nbytes for value in model.graph.initializers.values()) > LARGEST_WEIGHTS
    try:
        onnx_ir.save(model, target, external_data=weights_path(target).name if large else None)
    except OSError as error:
        raise BackendError(f"{target} cannot be written: {error.strerror}") from error


def weights_path(graph: Path) -> Path:
    """The file of the weights of a graph that is too large for one file."""
    return graph.with_name(f"{graph.name}.data")


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """Keep the warnings of a library, by the name of its logger, to itself, such as those of its own deprecations."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
