"""ONNX Runtime on the CPU: runs the graphs that `depthart export` makes and proves, without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from depthart_core.backends.stepping import SteppedBackend, read_feeds
from depthart_core.errors import BackendError, running
from depthart_core.inference import BackendOptions, Inference
from depthart_core.store import exports
from depthart_core.store.integrity import warn_of_version


class OnnxParts:
    """The graphs of a folder in ONNX Runtime.

    Args:
        folder: See `depthart_core.store.exports`.
        threads: CPU threads; None: its own choice.

    Raises:
        BackendError: ONNX Runtime does not take a graph.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        settings = session_options(threads)
        self.sessions = {part: open_session(folder / f"{part}.onnx", settings) for part in exports.PARTS}
        self.outputs = {
            part: [output.name for output in session.get_outputs()] for part, session in self.sessions.items()
        }

    def value(self, array: npt.NDArray[Any]) -> Any:
        """The array as a value, not copied."""
        with running_graph("the graphs"):
            return onnxruntime.OrtValue.ortvalue_from_numpy(array)

    def array(self, value: Any) -> npt.NDArray[Any]:
        """A value as an array."""
        return np.asarray(value.numpy())

    def run(self, part: str, feed: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs by name -> outputs by name.

        Raises:
            BackendError: ONNX Runtime cannot run the graph.
        """
        names = self.outputs[part]
        with running_graph(f"{part}.onnx"):
            found = self.sessions[part].run_with_ort_values(names, dict(feed))
        return dict(zip(names, found, strict=True))


class WholeBackend:
    """Runs a graph of the whole model, which cannot stop early; for comparisons, `SteppedBackend` is faster.

    Args:
        session: Of a graph with the input `picture` and the outputs `depth` and, with heads, `confidence` and `size`.
        record: Of the graph.
    """

    def __init__(self, session: onnxruntime.InferenceSession, record: exports.Record) -> None:
        self.session, self.scales, self.anytime, self.precision = session, record.scales, False, record.precision
        self.outputs = [output.name for output in session.get_outputs()]
        self.input_size = int(session.get_inputs()[0].shape[1])
        self.heads = "size" in self.outputs

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:  # noqa: ARG002
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale; see `Backend.infer`."""
        picture = np.ascontiguousarray(rgb)[None]
        with running_graph("the graph"):
            found = self.session.run(self.outputs, {"picture": picture})
        return Inference.of_outputs(dict(zip(self.outputs, found, strict=True)), self.scales)


def load(model: str | Path, options: BackendOptions) -> SteppedBackend:
    """Load graphs for ONNX Runtime.

    Args:
        model: Folder of graphs, or a model whose graphs are in the cache.
        options: See `BackendOptions`.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: There are no proven graphs for the model and these options, or they are damaged, or made for
            processors of another kind.
    """
    options.demand_precision("onnx", *exports.RUNNABLE["onnx"])
    folder, record, scales = exports.open_export(model, options, backend="onnx")
    warn_of_version(folder, record, "onnxruntime", onnxruntime.__version__)
    return open_parts(folder, record, scales, threads=options.threads)


def open_parts(folder: Path, record: exports.Record, scales: int, *, threads: int | None = None) -> SteppedBackend:
    """Prepare graphs for running, whether they were proven or not.

    Raises:
        BackendError: ONNX Runtime does not take a graph.
    """
    return SteppedBackend(OnnxParts(folder, threads=threads), read_feeds(folder / exports.FEEDS), record, scales)


def session_options(threads: int | None) -> onnxruntime.SessionOptions:
    """As all graphs here want them."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.intra_op_num_threads = threads or 0  # 0: its own choice
    # Threads that wait for the next part of one graph would take the processor from another graph's.
    settings.add_session_config_entry("session.force_spinning_stop", "1")
    return settings


def running_graph(name: str) -> AbstractContextManager[None]:
    """Make a BackendError of what ONNX Runtime raises while it runs a graph; its errors have no common base."""
    return running(f"ONNX Runtime {onnxruntime.__version__} cannot run {name}", Exception)


def open_session(graph: Path, settings: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """A graph ready to run.

    Raises:
        BackendError: ONNX Runtime does not take it.
    """
    try:
        return onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        reason = str(error).splitlines()[0]
        raise BackendError(f"ONNX Runtime {onnxruntime.__version__} does not take {graph.name}: {reason}") from error
