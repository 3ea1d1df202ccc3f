"""The export: what it refuses, and that nothing half done ever has the name of a graph."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from depthart_core import BackendError, CheckpointError, DepthEstimator
from depthart_core.checkpoint import load_model
from depthart_core.export.agreement import Limits, structured_pictures
from depthart_core.inference import BackendOptions

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

from depthart_core.export import tracing  # noqa: E402
from depthart_core.export.build import build_engine  # noqa: E402
from depthart_core.export.onnx import LIBRARIES, ExportOptions, export_model  # noqa: E402
from depthart_core.export.verify_export import LIMITS  # noqa: E402
from depthart_core.export.whole import Graph, export_onnx  # noqa: E402
from depthart_core.store.exports import read_record  # noqa: E402


def test_an_export_leaves_its_folder_alone(tiny_export):
    assert [path.name for path in tiny_export.path.parent.iterdir()] == ["tiny-expected-stepped-fp32"]
    names = sorted(path.name for path in tiny_export.path.iterdir())
    assert names == ["decode.onnx", "prefix.onnx", "record.json", "scales.npz", "step.onnx"]
    assert sorted(tiny_export.record.files) == [name for name in names if name != "record.json"]


def test_what_a_killed_export_left_goes_a_day_later_and_stays_until_then(tiny_model_path, tmp_path):
    old, new = (tmp_path / f".tiny-expected-whole1-fp32.{name}.export" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    done = export_model(tiny_model_path, tmp_path, ExportOptions(form="whole", max_scales=1))
    assert sorted(tmp_path.iterdir()) == sorted([new, done.path])


def test_an_older_pytorch_is_refused_before_it_leaves_our_translation_out(tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.5.0a0+nv24")
    with pytest.raises(BackendError, match=r"export needs PyTorch 2\.6 or newer, here is 2\.5\.0a0\+nv24; run: pip"):
        export_model(tiny_model_path, tmp_path)


def test_an_export_takes_the_place_of_an_older_one_unless_it_deviates(tiny_model_path, tmp_path, monkeypatch):
    wish = ExportOptions(form="whole", max_scales=1)
    first = export_model(tiny_model_path, tmp_path, wish).path
    (first / "left over").touch()
    assert export_model(tiny_model_path, tmp_path, wish).path == first
    files = {path.name: path.stat() for path in first.iterdir()}
    assert sorted(files) == ["record.json", "whole.onnx"]
    monkeypatch.setitem(LIMITS, "fp32", Limits(max=-1.0))
    with pytest.raises(
        BackendError, match=r"the graph is refused: depth deviates from PyTorch by .* \(max\), allowed is -100"
    ):
        export_model(tiny_model_path, tmp_path, wish)
    assert {path.name: path.stat() for path in first.iterdir()} == files
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-expected-whole1-fp32"]


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_half_precision_export_is_whole_and_proven(tiny_model_path, tmp_path, precision):
    record = export_model(tiny_model_path, tmp_path, ExportOptions(precision=precision)).record
    assert (record.form, record.precision, record.opset) == ("whole", precision, 18)
    assert 0.0 < record.deviation["depth"]["mean"] < 3e-2


def test_an_int8_export_has_the_layers_of_the_transformer_in_int8_and_is_proven(tiny_model_path, tmp_path):
    done = export_model(tiny_model_path, tmp_path, ExportOptions(precision="int8"))
    assert (done.record.form, done.record.precision, done.path.name) == (
        "stepped",
        "int8",
        "tiny-expected-stepped-int8",
    )
    assert 0.0 < done.record.deviation["depth"]["mean"] < 1e-2
    config = load_model(tiny_model_path).config
    layers = 4 * config.transformer.blocks + (config.tokenizer.codebook_size >= config.transformer.width)
    nodes = [node.op_type for node in onnx.load(done.path / "step.onnx").graph.node]
    assert nodes.count("MatMulInteger") == layers


def test_weights_that_are_too_large_for_int8_are_told(tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(tracing, "LARGEST_WEIGHTS", 3_000)
    with pytest.raises(BackendError, match="weights of the step beyond 2 GB cannot be made int8; export it in fp32"):
        export_model(tiny_model_path, tmp_path, ExportOptions(precision="int8"))
    assert list(tmp_path.iterdir()) == []


def test_weights_that_one_file_cannot_hold_go_beside_it(tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(tracing, "LARGEST_WEIGHTS", 10_000)
    done = export_model(tiny_model_path, tmp_path)
    assert {name for name in done.record.files if name.endswith(".data")} == {"prefix.onnx.data", "decode.onnx.data"}
    assert (done.path / "prefix.onnx").stat().st_size < (done.path / "prefix.onnx.data").stat().st_size
    DepthEstimator.load(done.path)


def test_a_graph_says_on_request_what_it_computes_on_the_way(tiny_model_path, exported_graph):
    model = load_model(tiny_model_path)
    graph = exported_graph(tiny_model_path, stages=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    assert names == ["depth", "stage_prefix", "stage_scale_0", "stage_scale_1"]
    (picture,) = structured_pictures(16, 1)
    expected = Graph(model, BackendOptions(), stages=True)(torch.from_numpy(picture)[None])
    for found, tensor in zip(session.run(names, {"picture": picture[None]}), expected, strict=True):
        np.testing.assert_allclose(found, tensor.numpy(), rtol=1e-3, atol=1e-4)


def test_a_full_disk_is_told_and_nothing_is_left(tiny_model_path, tmp_path, files_of_at_most):
    with files_of_at_most(4096), pytest.raises(BackendError, match=r"prefix\.onnx cannot be written: File too large"):
        export_model(tiny_model_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"precision": "fp8"}, r"precision must be one of fp32, fp16, bf16(, int8)?, got 'fp8'"),
        ({"decode": "sample"}, "a graph decodes expected or argmax, got 'sample'"),
        ({"decode": "best"}, "decode must be one of expected, argmax, sample, got 'best'"),
        ({"max_scales": 3}, "max_scales must be 1 to 2, the scales of this model, got 3"),
    ],
)
def test_what_cannot_be_exported_is_told(tiny_model_path, tmp_path, options, told):
    with pytest.raises(BackendError, match=told):
        export_model(tiny_model_path, tmp_path / "new", ExportOptions(**options))
    with pytest.raises(BackendError, match=told):
        export_onnx(load_model(tiny_model_path), tmp_path / "new.onnx", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"form": "round"}, "form must be one of stepped, whole, got 'round'"),
        ({"form": "stepped", "precision": "fp16"}, "a stepped export is fp32 or int8 and decodes any number of scales"),
        ({"form": "stepped", "max_scales": 1}, "a stepped export is fp32 or int8 and decodes any number of scales"),
        ({"precision": "int8", "max_scales": 1}, "an int8 export decodes any number of scales; leave --max-scales out"),
        ({"form": "whole", "precision": "int8"}, "a whole graph is one of fp32, fp16, bf16, got 'int8'; use --form st"),
    ],
)
def test_a_form_that_cannot_be_is_told(tiny_model_path, tmp_path, wish, told):
    with pytest.raises(BackendError, match=told):
        export_model(tiny_model_path, tmp_path / "new", ExportOptions(**wish))


def test_a_missing_model_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="no model file"):
        export_model(tmp_path / "absent.safetensors", tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tiny_model_path, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BackendError, match="cannot be written: Not a directory"):
        export_model(tiny_model_path, tmp_path / "file" / "folder")


def test_what_is_not_installed_is_told_with_its_cure(tiny_model_path, tmp_path, monkeypatch):
    for name in LIBRARIES[1:]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendError, match="not installed: onnx onnxscript onnxruntime; run: pip install onnx onnxscr"):
        export_model(tiny_model_path, tmp_path)
    with pytest.raises(BackendError, match=r"not installed: onnx onnxscript; run: pip install onnx onnxscript$"):
        build_engine(tiny_model_path, BackendOptions("cuda"))


def test_what_exports_can_be_imported_without_the_libraries_so_that_all_are_named(tiny_model_path):
    program = f"""import sys
sys.modules.update(dict.fromkeys({LIBRARIES[1:]}))
from depthart_core.export.onnx import export_model
export_model(sys.argv[1])"""
    found = subprocess.run([sys.executable, "-c", program, tiny_model_path], capture_output=True, text=True)
    assert "export needs what is not installed: onnx onnxscript onnxruntime" in found.stderr.splitlines()[-1]


def test_an_export_of_other_weights_is_not_replaced(tiny_model_path, small_model_path, tmp_path):
    (tmp_path / "other").mkdir()
    same_name = shutil.copy(small_model_path, tmp_path / "other" / tiny_model_path.name)
    wish = ExportOptions(form="whole", max_scales=1)
    export_model(tiny_model_path, tmp_path, wish)
    with pytest.raises(BackendError, match=rf"is of {tiny_model_path} \(weights .* not of {same_name} .* with --out$"):
        export_model(same_name, tmp_path, wish)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_damaged_graph_in_half_precision_is_refused(tiny_model_path, tmp_path, monkeypatch, precision):
    monkeypatch.setattr(tracing, "write", lambda _, path: path.write_bytes(b"this is no graph"))
    with pytest.raises(BackendError, match=r"the graph is refused|whole\.onnx"):
        export_model(tiny_model_path, tmp_path, ExportOptions(precision=precision))
    assert not list(tmp_path.iterdir())


def test_an_export_of_other_weights_that_came_meanwhile_is_not_replaced(tiny_model_path, small_model_path, tmp_path):
    (tmp_path / "other").mkdir()
    same_name = shutil.copy(small_model_path, tmp_path / "other" / tiny_model_path.name)
    wish, out = ExportOptions(form="whole", max_scales=1), tmp_path / "out"
    meanwhile = [lambda: export_model(same_name, out, wish)]
    with pytest.raises(BackendError, match=f"is of {same_name} .* not of {tiny_model_path}"):
        export_model(tiny_model_path, out, wish, report=lambda _: meanwhile and meanwhile.pop()())
    assert [read_record(folder).model for folder in out.iterdir()] == [str(same_name)]


def test_the_record_names_the_model_so_that_every_folder_finds_it(tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tiny_model_path.parent)
    done = export_model(tiny_model_path.name, tmp_path, ExportOptions(form="whole", max_scales=1))
    assert done.record.model == str(tiny_model_path.resolve())
