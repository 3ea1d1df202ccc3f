"""ONNX Runtime says what PyTorch says, and the graphs it runs are those that were proven."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch

from depthart_core import BackendError, DepthEstimator
from depthart_core.advice import missing_export
from depthart_core.export.agreement import structured_pictures
from depthart_core.inference import BackendOptions
from depthart_core.store import exports, speeds
from depthart_core.store.cache import weights_folder
from depthart_core.store.records import write_record

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

from depthart_core.export.onnx import ExportOptions, export_model  # noqa: E402

CASES = {
    "heads": ("toy_heads_path", "expected"),
    "argmax": ("toy_model_path", "argmax"),
    "like VAR": ("small_model_path", "expected"),
    "nano": ("nano", "expected"),
}
SMALL = [case for case in CASES if case != "nano"]


@pytest.fixture(scope="session")
def exported(request, tmp_path_factory):
    """Case -> model's path, decoding and what its export gave, made once."""
    made = {}

    def export(case):
        if case not in made:
            fixture, decode = CASES[case]
            path = request.getfixturevalue(fixture) if fixture.endswith("_path") else fixture
            made[case] = path, decode, export_model(path, tmp_path_factory.mktemp("graphs"), ExportOptions(decode))
        return made[case]

    return export


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache folder for graphs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "depthart"


@pytest.fixture
def cached(exported):
    """The toy model with heads, its export in the cache; returns both paths."""
    path, _, done = exported("heads")
    folder = weights_folder(done.record.weights_sha256) / done.path.name
    shutil.copytree(done.path, folder)
    return path, folder


def some_pictures():
    generator = np.random.default_rng(0)
    return [*structured_pictures(50, 2), generator.integers(0, 255, (48, 70, 3), np.uint8)]


WITHOUT = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
RUNTIMES = ["onnx", pytest.param("openvino", marks=[pytest.mark.openvino, WITHOUT])]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_nano_says_in_every_runtime_what_it_says_in_torch(exported, runtime):
    reference, found = (
        DepthEstimator.load(model, backend=backend)
        for model, backend in (("nano", "torch"), (exported("nano")[2].path, runtime))
    )
    for a, b in ((reference(picture), found(picture)) for picture in some_pictures()):
        np.testing.assert_allclose(b.values, a.values, rtol=1e-4)
        np.testing.assert_allclose(b.confidence, a.confidence, atol=1e-4)
        assert b.canonical.metres_per_unit == pytest.approx(a.canonical.metres_per_unit, rel=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_any_thread_may_ask_and_gets_its_own_answer(exported, runtime):
    _, _, done = exported("heads")
    estimator = DepthEstimator.load(done.path, backend=runtime)
    shown = some_pictures() * 20
    alone = [estimator(picture).values for picture in shown]
    with ThreadPoolExecutor(4) as threads:
        for expected, found in zip(alone, threads.map(estimator, shown), strict=True):
            np.testing.assert_allclose(found.values, expected, rtol=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("scales", [None, 1, 2])
def test_runtimes_say_what_torch_says_after_any_number_of_scales(exported, case, scales, runtime):
    path, decode, done = exported(case)
    reference, found = (
        DepthEstimator.load(model, decode=decode, max_scales=scales, backend=backend)
        for model, backend in ((path, "torch"), (done.path, runtime))
    )
    assert (reference.heads, found.heads) == (case == "heads", case == "heads")
    assert reference.scales == found.scales
    for picture in some_pictures():
        a, b = reference(picture), found(picture)
        assert a.scales == b.scales == (scales or found.scales)
        np.testing.assert_allclose(b.values, a.values, rtol=1e-4)
        assert (a.confidence is None) == (b.confidence is None) == (case != "heads")
        if a.confidence is not None:
            np.testing.assert_allclose(b.confidence, a.confidence, atol=1e-5)
            assert b.canonical.metres_per_unit == pytest.approx(a.canonical.metres_per_unit, rel=1e-5)
            assert b.canonical.relative_error == pytest.approx(a.canonical.relative_error, rel=1e-5)


@pytest.mark.parametrize("case", SMALL)
def test_depth_of_a_graph_depends_on_the_picture(exported, case):
    _, decode, done = exported(case)
    found = DepthEstimator.load(done.path, decode=decode)
    first, second, _ = (found(picture).values for picture in some_pictures())
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_deadline_gives_what_fewer_scales_give(exported, runtime):
    path = exported("heads")[2].path
    some, one = (DepthEstimator.load(path, backend=runtime, max_scales=scales) for scales in (None, 1))
    picture = some_pictures()[0]
    some(picture)  # now it knows how long scales take
    found, coarse = some(picture, deadline=time.monotonic()), one(picture)
    assert (some.anytime, found.scales) == (True, 1)
    np.testing.assert_array_equal(found.values, coarse.values)
    np.testing.assert_array_equal(found.confidence, coarse.confidence)
    assert some(picture, deadline=time.monotonic() + 1e3).scales == 3


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_depth_stays_when_the_next_picture_comes(exported, runtime):
    backend = DepthEstimator.load(exported("heads")[2].path, backend=runtime).backend
    first, second = structured_pictures(64, 2)
    found = backend.infer(first)
    depth, confidence = found.depth.copy(), found.confidence.copy()
    backend.infer(second)
    np.testing.assert_array_equal(found.depth, depth)
    np.testing.assert_array_equal(found.confidence, confidence)


def test_the_record_tells_what_was_made_of_what_and_how_well_it_agrees(exported):
    path, _, done = exported("argmax")
    record = json.loads((done.path / exports.RECORD).read_text())
    assert exports.read_record(done.path) == done.record
    names = ("format", "model", "decode", "form", "precision", "scales", "of_scales", "input_size", "heads", "opset")
    assert {name: record[name] for name in names} == {
        "format": "depthart-onnx/2", "model": str(path), "decode": "argmax", "form": "stepped", "precision": "fp32",
        "scales": 3, "of_scales": 3, "input_size": 64, "heads": False, "opset": 20,
    }  # fmt: skip
    assert record["versions"]["torch"] == torch.__version__
    names = {"depth", "depth after 2", "depth after 1"}
    proven = names | {f"{name} in OpenVINO in {each}" for name in names for each in record["openvino"]}
    assert set(record["deviation"]) == proven
    assert all(0.0 <= each["mean"] <= each["max"] < 1e-4 for each in record["deviation"].values())
    opsets = {item.domain: item.version for item in onnx.load(done.path / "step.onnx").opset_import}
    assert opsets[""] == 20


def test_weights_are_stored_once(exported):
    path, _, done = exported("heads")
    weights = sum(values.nbytes for values in safetensors.numpy.load_file(path).values())
    files = sum(file.stat().st_size for file in done.path.glob("*.onnx"))
    assert files < weights + 500_000  # of structure


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


def hide_runtime(monkeypatch, library="onnxruntime", backend="onnx"):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"depthart_core.backends.{backend}", raising=False)


def test_threads_are_given_to_the_runtime(cached):
    sessions = DepthEstimator.load(cached[0], backend="onnx", threads=2).backend.parts.sessions
    assert {session.get_session_options().intra_op_num_threads for session in sessions.values()} == {2}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_read_only_and_reversed_memory_is_fine(cached, runtime):
    estimator = DepthEstimator.load(cached[0], backend=runtime)
    picture, *_ = structured_pictures(estimator.backend.input_size)
    frozen = np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.shape)
    np.testing.assert_array_equal(estimator(frozen).values, estimator(picture).values)
    backwards = np.ascontiguousarray(picture[..., ::-1])[..., ::-1]
    np.testing.assert_array_equal(estimator(backwards).values, estimator(picture).values)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_estimating_with_a_graph_loads_no_torch(cached, runtime):
    program = f"""import sys, numpy
from depthart_core import DepthEstimator
estimator = DepthEstimator.load({str(cached[0])!r}, backend={runtime!r}, threads=1)
estimator(numpy.zeros((30, 40, 3), numpy.uint8))
print(estimator.name, "torch" in sys.modules)"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip() == f"toy_heads ({runtime} on cpu, expected) False"


@pytest.mark.openvino
@WITHOUT
def test_openvino_runs_only_what_was_proven_in_it(cached):
    record = exports.read_record(cached[1])
    unproven = {name: value for name, value in record.versions.items() if name != "openvino"}
    write_record(cached[1] / exports.RECORD, replace(record, versions=unproven))
    with pytest.raises(BackendError, match=r"was not compared with PyTorch in OpenVINO; run: depthart export .*toy_"):
        DepthEstimator.load(cached[0], backend="openvino")


@pytest.mark.openvino
@WITHOUT
def test_auto_takes_what_was_measured_as_the_fastest(cached):
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.3, "onnx": 0.2, "openvino": 0.1})
    assert "openvino" in DepthEstimator.load(cached[0]).name
    assert "onnx" in DepthEstimator.load(cached[1]).name
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.1, "onnx": 0.2, "openvino": 0.3})
    assert "torch" in DepthEstimator.load(cached[0]).name


def test_auto_takes_an_int8_graph_that_was_made_and_the_name_says_so(cached):
    export_model(cached[0], None, ExportOptions(precision="int8"))
    fast, exact = (DepthEstimator.load(cached[0], precision=precision) for precision in ("auto", "fp32"))
    assert "(onnx in int8 on cpu" in fast.name
    assert "(onnx in fp32 on cpu" in exact.name
    for picture in some_pictures():
        a, b = exact(picture), fast(picture)
        assert 0.0 < np.abs(b.values / a.values - 1.0).mean() < 1e-2
        assert np.abs(b.confidence - a.confidence).mean() < 1e-2
        assert b.canonical == a.canonical


def test_a_precision_that_no_graph_is_in_has_neither_a_warning_nor_advice(cached, caplog, monkeypatch):
    asked = BackendOptions(precision="bf16")
    with pytest.raises(BackendError, match="backend 'onnx' computes in int8 or fp32, got 'bf16'"):
        exports.find_exports(cached[0], asked, backend="onnx", form="stepped")
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


def test_speeds_that_are_measured_later_are_put_beside_the_earlier_ones(cached):
    model = cached[0]
    speeds.write_speeds(model, "expected", "auto", {"torch": 0.3, "onnx": 0.2})
    speeds.write_speeds(model, "expected", "auto", {"torch": 0.1})
    assert speeds.read_speeds(model, "expected", "auto") == {"torch": 0.1, "onnx": 0.2}
    assert "torch" in DepthEstimator.load(model).name
    assert "onnx" in DepthEstimator.load(model, precision="fp32").name  # in which nothing was measured


def test_speeds_of_another_processor_do_not_count_here(cached, monkeypatch, tmp_path):
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.1, "onnx": 0.2})
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Another 9000\n")
    monkeypatch.setattr(speeds, "PROCESSORS", tmp_path / "cpuinfo")
    assert "onnx" in DepthEstimator.load(cached[0]).name


def test_an_export_that_auto_does_not_take_leaves_what_was_measured(cached):
    speeds.write_speeds(cached[0], "expected", "auto", {"torch": 0.1, "onnx": 0.2})
    export_model(cached[0], None, ExportOptions(form="whole", max_scales=1))
    assert "torch" in DepthEstimator.load(cached[0]).name


def test_another_version_of_the_runtime_is_warned_of_with_the_command_that_proves_anew(cached, caplog):
    record = exports.read_record(cached[1])
    older = replace(record, versions={**record.versions, "onnxruntime": "1.0"})
    DepthEstimator.load(cached[0])
    assert not caplog.text
    write_record(cached[1] / exports.RECORD, older)
    DepthEstimator.load(cached[0])
    here = onnxruntime.__version__
    assert (
        f"was compared with PyTorch in onnxruntime 1.0, here is {here}; prove it anew with: depthart e" in caplog.text
    )


@pytest.mark.openvino
@WITHOUT
def test_openvino_computes_only_in_what_it_was_proven_in(cached):
    record = replace(exports.read_record(cached[1]), openvino=["bf16"])
    write_record(cached[1] / exports.RECORD, record)
    with pytest.raises(BackendError, match=r"in OpenVINO in bf16, not in fp32; run: depthart export "):
        DepthEstimator.load(cached[0], backend="openvino", precision="fp32")


@pytest.mark.openvino
@WITHOUT
def test_a_folder_of_graphs_runs_in_openvino_where_onnx_runtime_is_missing(cached, monkeypatch, caplog):
    hide_runtime(monkeypatch)
    assert "(openvino on cpu" in DepthEstimator.load(cached[1]).name
    assert "backend auto takes openvino for " in caplog.text
    with pytest.raises(BackendError, match="'onnx' needs the package onnxruntime"):
        DepthEstimator.load(cached[1], decode="argmax")
