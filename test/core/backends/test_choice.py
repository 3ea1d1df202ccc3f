"""Which backend `auto` takes, and what is told of those it does without."""

import importlib.util
import re
import shutil
import sys

import numpy as np
import pytest

from depthart_core import BackendError, DepthEstimator, processor
from depthart_core.advice import missing_export
from depthart_core.inference import BackendOptions
from depthart_core.store import exports, speeds

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

from depthart_core.export.onnx import ExportOptions, export_model  # noqa: E402

WITHOUT = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")


def hide_runtime(monkeypatch, library="onnxruntime", backend="onnx"):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"depthart_core.backends.{backend}", raising=False)


def test_the_cached_graph_is_found_and_taken_by_auto_and_the_name_says_so(cached):
    model, _ = cached
    for backend in ("onnx", "auto"):
        estimator = DepthEstimator.load(model, backend=backend)
        assert estimator.name == "toy_heads (onnx on cpu, expected)"
        assert estimator.backend_name == "onnx"
    assert DepthEstimator.load(model, backend="torch").name == "toy_heads (torch on cpu, expected)"
    assert "onnx" in DepthEstimator.load(model, max_scales=2).name


def test_a_copy_of_the_model_finds_the_graph_too(cached, tmp_path):
    shutil.copy(cached[0], tmp_path / "copy.safetensors")
    assert DepthEstimator.load(tmp_path / "copy.safetensors").name == "copy (onnx on cpu, expected)"


@pytest.mark.parametrize("options", [{"decode": "argmax"}, {"decode": "sample"}])
def test_auto_takes_torch_where_the_graph_does_something_else(cached, options):
    assert "torch" in DepthEstimator.load(cached[0], **options).name


@pytest.mark.parametrize("damage", ["graph", "record", "runtime"])
def test_auto_takes_torch_where_the_graph_cannot_be_trusted_or_run(cached, monkeypatch, damage, caplog):
    model, graph = cached
    if damage == "runtime":
        hide_runtime(monkeypatch)
        hide_runtime(monkeypatch, "openvino", "openvino")
    else:
        path = graph / ("step.onnx" if damage == "graph" else exports.RECORD)
        path.write_bytes(path.read_bytes()[:-40])
    assert "torch" in DepthEstimator.load(model).name
    assert f"backend auto does without {graph.name} in onnx: " in caplog.text


@pytest.mark.parametrize("damaged", ["step.onnx", exports.RECORD])
def test_auto_takes_the_float32_graph_where_the_int8_one_is_damaged_and_says_so(cached, caplog, damaged):
    model, _ = cached
    fast = export_model(model, None, ExportOptions(precision="int8")).path
    (fast / damaged).write_bytes((fast / damaged).read_bytes()[:-40])
    assert "(onnx on cpu" in DepthEstimator.load(model).name
    assert caplog.text.count("does without") == 1
    assert f"backend auto does without {fast.name} in onnx: {fast / damaged} " in caplog.text
    assert "make it anew with: depthart export" in caplog.text
    with pytest.raises(BackendError, match=re.escape(str(fast / damaged))):
        DepthEstimator.load(model, backend="onnx")
    with pytest.raises(BackendError, match=re.escape(str(fast / damaged))):
        DepthEstimator.load(model, precision="int8")


@pytest.mark.openvino
@WITHOUT
def test_auto_takes_what_was_measured_as_the_fastest(cached):
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.3, "onnx": 0.2, "openvino": 0.1})
    assert "openvino" in DepthEstimator.load(cached[0]).name
    assert "onnx" in DepthEstimator.load(cached[1]).name
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.1, "onnx": 0.2, "openvino": 0.3})
    assert "torch" in DepthEstimator.load(cached[0]).name


def test_auto_takes_an_int8_graph_that_was_made_and_the_name_says_so(cached, some_pictures):
    export_model(cached[0], None, ExportOptions(precision="int8"))
    fast, exact = (DepthEstimator.load(cached[0], precision=precision) for precision in ("auto", "fp32"))
    assert "(onnx in int8 on cpu" in fast.name
    assert "(onnx in fp32 on cpu" in exact.name
    for picture in some_pictures:
        a, b = exact(picture), fast(picture)
        assert 0.0 < np.abs(b.values / a.values - 1.0).mean() < 3e-2
        assert np.abs(b.confidence - a.confidence).mean() < 1e-2
        assert b.canonical.metres_per_unit == pytest.approx(a.canonical.metres_per_unit, rel=3e-2)


def test_a_precision_that_no_graph_is_in_has_neither_a_warning_nor_advice(cached, caplog, monkeypatch):
    asked = BackendOptions(precision="bf16")
    with pytest.raises(BackendError, match="backend 'onnx' computes in int8 or fp32, got 'bf16'"):
        exports.find_exports(cached[0], asked, backend="onnx")
    hide_runtime(monkeypatch, "openvino", "openvino")
    estimator = DepthEstimator.load(cached[0], precision="bf16")
    assert "torch in bf16" in estimator.name
    assert "does without" not in caplog.text
    shutil.rmtree(cached[1])
    assert "depthart export" in missing_export(cached[0], BackendOptions())
    assert missing_export(cached[0], asked) == ""


def test_a_new_graph_in_the_cache_makes_auto_forget_what_was_the_fastest(cached):
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.1, "onnx": 0.2})
    assert "torch" in DepthEstimator.load(cached[0]).name
    export_model(cached[0])
    assert "onnx" in DepthEstimator.load(cached[0]).name


def test_speeds_that_cannot_be_read_are_told_and_ignored(cached, caplog):
    (cached[1].parent / "speeds-expected.json").write_text("[")
    assert "onnx" in DepthEstimator.load(cached[0]).name
    assert "measure anew with: depthart benchmark" in caplog.text


def test_a_missing_runtime_is_named_with_its_cure(cached, monkeypatch):
    hide_runtime(monkeypatch)
    with pytest.raises(BackendError, match="'onnx' needs the package onnxruntime: pip install onnxruntime"):
        DepthEstimator.load(cached[0], backend="onnx")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"decode": "argmax"}, "finds no graph of .*toy_heads.* run: depthart export .*safetensors --decode argmax$"),
        ({"max_scales": 4}, "max_scales must be 1 to 3, the scales of this model, got 4"),
        ({"decode": "sample"}, "backend 'onnx' decodes expected or argmax, got 'sample'"),
        ({"device": "cuda"}, "backend 'onnx' runs on device 'cpu', got 'cuda'"),
        ({"threads": 0}, "threads must be 1 to 256, got 0"),
        ({"precision": "fp16"}, "backend 'onnx' computes in int8 or fp32, got 'fp16'"),
    ],
)
def test_an_option_without_a_graph_is_named(cached, options, sentence):
    with pytest.raises(BackendError, match=sentence):
        DepthEstimator.load(cached[0], backend="onnx", **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"decode": "argmax"}, "decodes 'expected', asked for 'argmax'; run: depthart export .* --decode argmax"),
        ({"max_scales": 0}, "max_scales must be 1 to 3, the scales of this model, got 0"),
        ({"max_scales": 4}, "max_scales must be 1 to 3, the scales of this model, got 4"),
        ({"backend": "torch"}, "is an export, which backend 'torch' does not run; give the model itself"),
    ],
)
def test_a_graph_that_does_something_else_than_asked_for_is_named(cached, options, sentence):
    with pytest.raises(BackendError, match=sentence):
        DepthEstimator.load(cached[1], **options)


def test_speeds_hold_for_the_precision_that_was_asked_for(cached):
    model = cached[0]
    speeds.write_speeds(model, "expected", "auto", {"torch": 0.1, "onnx": 0.2})
    speeds.write_speeds(model, "expected", "bf16", {"torch": 0.3})
    assert speeds.read_speeds(model, "expected", "auto") == {"torch": 0.1, "onnx": 0.2}
    assert "torch" in DepthEstimator.load(model).name
    assert "onnx" in DepthEstimator.load(model, precision="fp32").name  # in which nothing was measured


def test_speeds_of_another_processor_do_not_count_here(cached, monkeypatch, tmp_path):
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.1, "onnx": 0.2})
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Another 9000\n")
    monkeypatch.setattr(processor, "PROCESSORS", tmp_path / "cpuinfo")
    assert "onnx" in DepthEstimator.load(cached[0]).name


def test_an_export_that_auto_does_not_take_leaves_what_was_measured(cached):
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.1, "onnx": 0.2})
    export_model(cached[0], None, ExportOptions(form="whole", max_scales=1))
    assert "torch" in DepthEstimator.load(cached[0]).name


@pytest.mark.openvino
@WITHOUT
def test_a_folder_of_graphs_runs_in_openvino_where_onnx_runtime_is_missing(cached, monkeypatch, caplog):
    hide_runtime(monkeypatch)
    assert " (openvino " in DepthEstimator.load(cached[1]).name  # in bf16 where the processor multiplies it
    assert "backend auto takes openvino for " in caplog.text
    with pytest.raises(BackendError, match="'onnx' needs the package onnxruntime"):
        DepthEstimator.load(cached[1], decode="argmax")
