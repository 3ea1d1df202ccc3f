"""How an engine is refused, shown on a CPU: graphs of nano with spoiled weights, run by ONNX Runtime.

Usage: python -m benchmarks.refusal [MODEL]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from depthart_core import BackendError
from depthart_core.checkpoint import load_model
from depthart_core.export.agreement import Arrays, Outputs, Pictures, resize_pictures, torch_outputs
from depthart_core.export.verify_engine import LIMITS, accept
from depthart_core.export.whole import STAGE, export_onnx
from depthart_core.inference import BackendOptions
from depthart_ros.driver.sources import sample_pictures

DAMAGES = {
    "none": "",
    "image features": "fine_proj",
    "attention of the last block": "blocks.{last}.attention.proj",
    "logits": "transformer.head",
    "convolution of the last scales": "phi.{phi}",
    "decoder": "decoder.output",
}
"""What is spoiled -> part of the names of its weights."""


class GraphCandidate:
    """A graph under ONNX Runtime in the place of an engine; see `verify_engine.Candidate`."""

    def __init__(self, graph: onnx.ModelProto) -> None:
        import onnxruntime  # after depthart_core, which keeps it from reporting to its maker

        self.session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def outputs(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """What it says."""
        return self._run([name for name in self.names if not name.startswith(STAGE)], rgb)

    def stages(self, rgb: npt.NDArray[np.uint8]) -> Arrays:
        """That, and what it computes on the way."""
        return self._run(self.names, rgb)

    def _run(self, names: list[str], rgb: npt.NDArray[np.uint8]) -> Arrays:
        return dict(zip(names, self.session.run(names, {"picture": rgb[None]}), strict=True))


def spoiled(graph: onnx.ModelProto, part: str, *, factor: float = 1.3) -> onnx.ModelProto:
    """A copy with the weights multiplied whose names hold `part`; none where it is empty."""
    result = onnx.ModelProto()
    result.CopyFrom(graph)
    found = [item for item in result.graph.initializer if part and part in item.name]
    assert found or not part, f"no weights of the name {part}"
    for item in found:
        values = onnx.numpy_helper.to_array(item)
        item.CopyFrom(onnx.numpy_helper.from_array((values * factor).astype(values.dtype), item.name))
    return result


def main() -> None:
    """Print one line for each damage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="nano")
    model = load_model(parser.parse_args().model)
    config = model.config
    pictures = resize_pictures(sample_pictures()[:3], config.tokenizer.input_size)
    expected = torch_outputs(model, BackendOptions(), pictures, stages=True)
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(model, Path(folder) / "model.onnx", stages=True)
        graph = onnx.load(Path(folder) / "model.onnx")
    places = {"last": config.transformer.blocks - 1, "phi": config.tokenizer.phi_indices[-1]}
    for name, part in DAMAGES.items():
        damaged = spoiled(graph, part.format(**places))
        print(f"spoiled: {name}\n    {verdict(damaged, expected, pictures)}", flush=True)


def verdict(graph: onnx.ModelProto, expected: Outputs, pictures: Pictures) -> str:
    """What is said about a graph, in one sentence."""
    try:
        accepted = accept(lambda _: GraphCandidate(graph), expected, pictures, limits=LIMITS["fp32"], attempts=((),))
    except BackendError as error:
        return str(error)
    return f"accepted: depth {accepted.deviation['depth']['mean']:.1e} from PyTorch on average"


if __name__ == "__main__":
    main()
