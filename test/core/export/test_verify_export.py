"""An export is kept only if its graphs say what PyTorch says; what OpenVINO cannot run is left to ONNX Runtime."""

import shutil
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest

from depthart_core import BackendError
from depthart_core.checkpoint import load_model
from depthart_core.export.agreement import structured_pictures
from depthart_core.inference import Inference, ScaleGuess

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

from depthart_core.export.onnx import ExportOptions, export_model  # noqa: E402
from depthart_core.export.verify_export import LIMITS, _named, _verified, verify_export  # noqa: E402
from depthart_core.store import exports  # noqa: E402


@pytest.fixture
def copied(tiny_export, tmp_path):
    """A copy of the export that may be damaged."""
    return Path(shutil.copytree(tiny_export.path, tmp_path / "copy"))


def verify(folder, model):
    verify_export(load_model(model), folder, exports.read_record(folder), structured_pictures(16))


def test_depth_and_size_are_compared_by_ratio_and_confidence_by_difference():
    deviation = _verified(said(), said(depth=2.0002, confidence=0.5001, size=3.0003), LIMITS["fp32"])
    assert {name: pytest.approx(each["max"], rel=0.01) for name, each in deviation.items()} == dict.fromkeys(
        ("depth", "confidence", "size"), 1e-4
    )
    with pytest.raises(BackendError, match=r"the graph is refused: size deviates .* by 10% \(max\), allowed is 0\.1%"):
        _verified(said(), said(size=2.7), LIMITS["fp32"])


def said(depth=2.0, confidence=0.5, size=3.0):
    values = np.full((2, 2), depth, np.float32)
    return [_named(Inference(values, np.full((2, 2), confidence, np.float32), ScaleGuess(size, 0.1)))]


@pytest.mark.parametrize(("part", "name"), [("step", "head"), ("prefix", "encoder"), ("decode", "decoder")])
def test_an_export_with_spoiled_weights_is_refused(copied, tiny_model_path, part, name):
    graph = onnx.load(copied / f"{part}.onnx")
    spoiled = [item for item in graph.graph.initializer if name in item.name]
    assert spoiled, [item.name for item in graph.graph.initializer][:40]
    for item in spoiled:
        values = onnx.numpy_helper.to_array(item)
        item.CopyFrom(onnx.numpy_helper.from_array(values * 1.5 + 0.01, item.name))
    onnx.save(graph, copied / f"{part}.onnx")
    with pytest.raises(
        BackendError, match=r"the graph is refused: depth deviates from PyTorch by .* \(max\), allowed is 0\.1%"
    ):
        verify(copied, tiny_model_path)


def test_what_is_no_graph_is_refused(copied, tiny_model_path):
    (copied / "step.onnx").write_bytes(b"noise" * 100)
    with pytest.raises(BackendError, match=r"ONNX Runtime [\d.]+ does not take step\.onnx: "):
        verify(copied, tiny_model_path)


@pytest.mark.parametrize("when", ["compile_model", "infer"])
def test_what_openvino_cannot_run_is_told_and_exported_for_onnx_runtime(tiny_model_path, tmp_path, monkeypatch, when):
    told = []
    monkeypatch.setitem(sys.modules, "openvino", make_openvino(when))
    monkeypatch.delitem(sys.modules, "depthart_core.backends.openvino", raising=False)
    try:
        record = export_model(tiny_model_path, tmp_path, report=told.append).record
    finally:
        sys.modules.pop("depthart_core.backends.openvino", None)
    assert "openvino" not in record.versions
    assert record.openvino == []
    assert set(record.deviation) == {"depth", "depth after 1"}
    how = {"compile_model": "does not take", "infer": "cannot run"}[when]
    assert told[-1] == f"not for OpenVINO 2026.9 in fp32: OpenVINO 2026.9 {how} prefix.onnx: no kernel for Conv"


def test_an_export_in_int8_is_not_tried_in_openvino_which_does_not_run_it(tiny_model_path, tmp_path, monkeypatch):
    told = []
    monkeypatch.setitem(sys.modules, "openvino", make_openvino("compile_model"))
    record = export_model(tiny_model_path, tmp_path, ExportOptions(precision="int8"), report=told.append).record
    assert "openvino" not in record.versions
    assert not [sentence for sentence in told if "OpenVINO" in sentence]


def make_openvino(fails):
    """An OpenVINO that fails at a call."""

    class Library:
        outputs = ()

        def call(self, name):
            if name == fails:
                raise RuntimeError("Exception from src/inference.cpp:74:\nno kernel for Conv\n")
            return self

        def get_property(self, _device, _name):
            return ["FP32"]

        def compile_model(self, *_):
            return self.call("compile_model")

        def create_infer_request(self):
            return self

        def set_tensor(self, *_):
            pass

        def infer(self):
            return self.call("infer")

    module = types.ModuleType("openvino")
    module.__spec__ = ModuleSpec("openvino", None)  # PyTorch asks for it
    module.__version__, module.Core, module.Tensor = "2026.9", Library, lambda array, **_: array
    return module
