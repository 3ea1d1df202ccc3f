"""ONNX Runtime and OpenVINO say what PyTorch says, and the graphs they run are those that were proven."""

import importlib.util
import json
import os
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
from depthart_core.export.agreement import structured_pictures
from depthart_core.store import exports
from depthart_core.store.records import write_record

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

pytestmark = pytest.mark.usefixtures("cache")

SMALL = ["heads", "argmax", "like VAR"]
WITHOUT = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
RUNTIMES = ["onnx", pytest.param("openvino", marks=[pytest.mark.openvino, WITHOUT])]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_nano_says_in_every_runtime_what_it_says_in_torch(exported, runtime, some_pictures):
    reference, found = (
        DepthEstimator.load(model, backend=backend, precision="fp32")
        for model, backend in (("nano", "torch"), (exported("nano")[2].path, runtime))
    )
    for a, b in ((reference(picture), found(picture)) for picture in some_pictures):
        np.testing.assert_allclose(b.values, a.values, rtol=1e-4)
        np.testing.assert_allclose(b.confidence, a.confidence, atol=1e-4)
        assert b.canonical.metres_per_unit == pytest.approx(a.canonical.metres_per_unit, rel=1e-5)


def test_onnx_runtime_reports_nothing_to_its_maker(exported, tmp_path):
    """What it would report, it keeps in the home folder until it has a connection; where CI is set it keeps quiet."""
    program = f"""if True:
        import numpy, depthart_core
        depthart_core.DepthEstimator.load({str(exported("heads")[2].path)!r})(numpy.zeros((48, 64, 3), numpy.uint8))
        """
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    home = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TMPDIR"), str(tmp_path))
    subprocess.run([sys.executable, "-c", program], env=inherited | home, check=True, timeout=120)
    assert not list(tmp_path.rglob("*onnxruntime*"))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_any_thread_may_ask_and_gets_its_own_answer(exported, runtime, some_pictures):
    _, _, done = exported("heads")
    estimator = DepthEstimator.load(done.path, backend=runtime)
    shown = some_pictures * 20
    alone = [estimator(picture).values for picture in shown]
    with ThreadPoolExecutor(4) as threads:
        for expected, found in zip(alone, threads.map(estimator, shown), strict=True):
            np.testing.assert_allclose(found.values, expected, rtol=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("scales", [None, 1, 2])
def test_runtimes_say_what_torch_says_after_any_number_of_scales(exported, case, scales, runtime, some_pictures):
    path, decode, done = exported(case)
    reference, found = (
        DepthEstimator.load(model, decode=decode, max_scales=scales, backend=backend, precision="fp32")
        for model, backend in ((path, "torch"), (done.path, runtime))
    )
    assert (reference.heads, found.heads) == (case == "heads", case == "heads")
    assert reference.scales == found.scales
    for picture in some_pictures:
        a, b = reference(picture), found(picture)
        assert a.scales == b.scales == (scales or found.scales)
        np.testing.assert_allclose(b.values, a.values, rtol=1e-4)
        assert (a.confidence is None) == (b.confidence is None) == (case != "heads")
        if a.confidence is not None:
            np.testing.assert_allclose(b.confidence, a.confidence, atol=1e-5)
            assert b.canonical.metres_per_unit == pytest.approx(a.canonical.metres_per_unit, rel=1e-5)
            assert b.canonical.relative_error == pytest.approx(a.canonical.relative_error, rel=1e-5)


@pytest.mark.parametrize("case", SMALL)
def test_depth_of_a_graph_depends_on_the_picture(exported, case, some_pictures):
    _, decode, done = exported(case)
    found = DepthEstimator.load(done.path, decode=decode)
    first, second, _ = (found(picture).values for picture in some_pictures)
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_deadline_gives_what_fewer_scales_give(exported, runtime, some_pictures):
    path = exported("heads")[2].path
    some, one = (DepthEstimator.load(path, backend=runtime, max_scales=scales) for scales in (None, 1))
    picture = some_pictures[0]
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
estimator = DepthEstimator.load({str(cached[0])!r}, backend={runtime!r}, threads=1, precision="fp32")
estimator(numpy.zeros((30, 40, 3), numpy.uint8))
print(estimator.name, "torch" in sys.modules)"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip() == f"toy_heads ({runtime} in fp32 on cpu, expected) False"


@pytest.mark.openvino
@WITHOUT
def test_openvino_runs_only_what_was_proven_in_it(cached):
    record = exports.read_record(cached[1])
    unproven = {name: value for name, value in record.versions.items() if name != "openvino"}
    write_record(cached[1] / exports.RECORD, replace(record, versions=unproven))
    with pytest.raises(BackendError, match=r"was not compared with PyTorch in OpenVINO; run: depthart export .*toy_"):
        DepthEstimator.load(cached[0], backend="openvino")


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
