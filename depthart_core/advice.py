"""What would make a model faster where "auto" runs it in PyTorch."""

from __future__ import annotations

from pathlib import Path

from depthart_core.errors import BackendError
from depthart_core.inference import BackendOptions
from depthart_core.store import exports

EXACT = "without --precision int8: less fast, and the same depth as PyTorch's"
"""What to say beside a command of `advised_export` that holds ``--precision int8`` although none was asked for."""


def prefers_export(options: BackendOptions) -> bool:
    """Whether "auto" would take an export before PyTorch.

    Not where ONNX Runtime does not compute in the precision that is asked for (bfloat16, which OpenVINO makes of a
    float32 export on some processors, included).
    """
    possible = options.precision in ("auto", *exports.RUNNABLE["onnx"])
    return possible and options.device in ("auto", "cpu") and options.decode != "sample"


def advised_export(model: str | Path, options: BackendOptions) -> str:
    """The command that makes the graph which "auto" then takes on a CPU: the fastest, in int8, unless one is asked for.

    Args:
        model: See `DepthEstimator.load`.
        options: What is asked for.
    """
    precision = "int8" if options.precision == "auto" else options.precision
    return exports.export_command(model, options.decode, precision=precision)


def missing_export(model: str | Path, options: BackendOptions) -> str:
    """The command that makes the graph which "auto" prefers to PyTorch on a CPU; "" where it is there or of no use.

    Args:
        model: See `DepthEstimator.load`.
        options: What is asked for.

    Raises:
        CheckpointError: The model is missing or damaged.
    """
    if not prefers_export(options):
        return ""
    try:
        exports.find_exports(model, options, backend="onnx")
    except BackendError:
        return advised_export(model, options)
    return ""
