"""ONNX Runtime on the CPU: runs the graphs that `depthart export` makes and proves, without PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from depthart_core.backends import graphs
from depthart_core.errors import BackendError
from depthart_core.estimator import BackendOptions, Inference, ScaleGuess


class OnnxBackend:
    """Runs an exported graph.

    Args:
        session: Of a graph with the input `picture` and the outputs `depth` and, with heads, `confidence` and `size`.
        scales: How many scales the graph decodes.
    """

    def __init__(self, session: onnxruntime.InferenceSession, scales: int) -> None:
        self.session, self.scales, self.anytime = session, scales, False
        self.outputs = [output.name for output in session.get_outputs()]
        self.input_size = int(session.get_inputs()[0].shape[1])
        self.heads = "size" in self.outputs

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:  # noqa: ARG002
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale; the graph always decodes every scale."""
        picture = np.ascontiguousarray(rgb)[None]
        found = dict(zip(self.outputs, self.session.run(self.outputs, {"picture": picture}), strict=True))
        if not self.heads:
            return Inference(found["depth"][0], scales=self.scales)
        size, error = found["size"][0].tolist()
        guess = ScaleGuess.of_logarithms(size, error)
        return Inference(found["depth"][0], found["confidence"][0], guess, self.scales)


def load(model: str | Path, options: BackendOptions) -> OnnxBackend:
    """Load a graph for ONNX Runtime.

    Args:
        model: Path of a graph, or a model whose graph is in the cache.
        options: See `BackendOptions`.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: There is no proven graph for the model and these options, or it is damaged.
    """
    if options.device != "cpu":
        raise BackendError(f"backend 'onnx' runs on device 'cpu', got {options.device!r}")
    if options.decode not in graphs.DECODES:
        raise BackendError(f"backend 'onnx' decodes {' or '.join(graphs.DECODES)}, got {options.decode!r}")
    graph = Path(model) if graphs.is_graph(model) else graphs.find_graph(model, options)
    record = graphs.read_record(graph)
    graphs.check_options(graph, record, options)
    return open_graph(graphs.read_graph(graph, record), record.scales, threads=options.threads)


def open_graph(data: bytes, scales: int, *, threads: int | None = None) -> OnnxBackend:
    """Prepare a graph that decodes so many scales for running.

    Raises:
        BackendError: ONNX Runtime does not take it.
    """
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.intra_op_num_threads = threads or 0  # 0: its own choice
    try:
        session = onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        reason = str(error).splitlines()[0]
        raise BackendError(f"ONNX Runtime {onnxruntime.__version__} does not take the graph: {reason}") from error
    return OnnxBackend(session, scales)
