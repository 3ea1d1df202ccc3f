"""OpenVINO on the CPU: runs the graphs that `depthart export` makes and proves, without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino

from depthart_core.backends.stepping import SteppedBackend, read_feeds
from depthart_core.errors import BackendError, running
from depthart_core.inference import BackendOptions
from depthart_core.store import exports
from depthart_core.store.integrity import warn_of_version

TYPES = {"fp32": "f32", "bf16": "bf16"}
"""Precision -> OpenVINO's word for it."""

REQUESTS = {"prefix": 1, "step": 2, "decode": 1}
"""Part -> requests that take turns: a step reads what the step before it wrote."""


class OpenVinoParts:
    """The graphs of a folder in OpenVINO.

    Args:
        folder: See `depthart_core.store.exports`.
        threads: CPU threads; None: its own choice.
        precision: One of `precisions`.

    Raises:
        BackendError: OpenVINO does not take a graph.
    """

    def __init__(self, folder: Path, *, precision: str, threads: int | None = None) -> None:
        core = openvino.Core()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads or 0,
            "INFERENCE_PRECISION_HINT": TYPES[precision],
        }
        self.outputs: dict[str, list[str]] = {}
        self._requests = {}
        for part in exports.PARTS:
            with _telling(f"does not take {part}.onnx"):
                compiled = core.compile_model(folder / f"{part}.onnx", "CPU", settings)
            self.outputs[part] = [output.any_name for output in compiled.outputs]
            self._requests[part] = cycle([compiled.create_infer_request() for _ in range(REQUESTS[part])])

    def value(self, array: npt.NDArray[Any]) -> Any:
        """The array as a value, copied only where it may not be written to, which OpenVINO demands."""
        with _telling("cannot run the graphs"):
            return openvino.Tensor(array if array.flags.writeable else array.copy(), shared_memory=True)

    def array(self, value: Any) -> npt.NDArray[Any]:
        """A value as an array."""
        return np.asarray(value.data)

    def run(self, part: str, feed: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs by name -> outputs by name.

        Raises:
            BackendError: OpenVINO cannot run the graph.
        """
        request = next(self._requests[part])
        with _telling(f"cannot run {part}.onnx"):
            for name, value in feed.items():
                request.set_tensor(name, value)
            request.infer()
            return {name: request.get_tensor(name) for name in self.outputs[part]}


def _telling(what: str) -> AbstractContextManager[None]:
    """Make one sentence of OpenVINO's own errors, whose last line is the reason."""
    return running(f"OpenVINO {openvino.__version__} {what}", RuntimeError, MemoryError, line=-1)


def load(model: str | Path, options: BackendOptions) -> SteppedBackend:
    """Load graphs for OpenVINO.

    Args:
        model: Folder of graphs, or a model whose graphs are in the cache.
        options: See `BackendOptions`.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: There are no proven graphs for the model and these options, or they are damaged.
    """
    possible = precisions()
    options.demand_precision("openvino", *possible)
    folder, record, scales = exports.open_export(model, options, backend="openvino")
    if "openvino" not in record.versions:
        raise BackendError(f"{folder} was not compared with PyTorch in OpenVINO; run: {record.export_command()}")
    wanted = possible if options.precision == "auto" else [options.precision]
    proven = [each for each in wanted if each in (record.openvino or possible)]
    if not proven:
        raise BackendError(
            f"{folder} was compared with PyTorch in OpenVINO in {' and '.join(record.openvino)}, not in "
            f"{' or '.join(wanted)}; run: {record.export_command()}"
        )
    warn_of_version(folder, record, "openvino", openvino.__version__)
    parts = OpenVinoParts(folder, threads=options.threads, precision=proven[0])
    return SteppedBackend(parts, read_feeds(folder / exports.FEEDS), record, scales, precision=proven[0])


def precisions() -> list[str]:
    """What OpenVINO computes float32 graphs in on this processor, what it takes by itself first."""
    bfloat16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ["bf16", "fp32"] if bfloat16 else ["fp32"]
