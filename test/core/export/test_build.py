"""From a model to an engine that is found and run, as on a machine with a GPU.

What is not here stands in (fixture `machine`): a TensorRT whose engines are ONNX graphs that ONNX Runtime computes, and
the host as the device. Everything of ours is the real thing.
"""

import gc
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from depthart_core import BackendError, DepthEstimator
from depthart_core.errors import MissingEngineError
from depthart_core.export import build
from depthart_core.export.agreement import structured_pictures
from depthart_core.export.compiling import CompileOptions, compile_graph
from depthart_core.inference import BackendOptions
from depthart_core.store import engines
from depthart_core.store.cache import cache_folder
from depthart_core.store.locking import locked

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

OPTIONS = BackendOptions("cuda")


def test_an_engine_is_built_proven_kept_found_and_run(machine, toy_heads_path):
    trt, _ = machine()
    shares = []
    done = build.build_engine(toy_heads_path, OPTIONS, build.EngineOptions("fp32", 64), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    (config,) = trt.configs
    assert (config.pools, config.cleared) == ({0: 64 << 20}, [7])
    record = engines.read_engine_record(done.path)
    assert record == done.record
    assert (record.precision, record.float32, record.scales, record.heads) == ("fp32", [], 3, True)
    assert record.machine["library"] == "tensorrt"
    assert set(record.deviation) == {"depth", "confidence", "size"}
    assert record.deviation["depth"]["mean"] < 1e-4
    (timings,) = cache_folder().glob("*.timings")
    assert timings.read_bytes() == b"measured;"
    (rgb,) = structured_pictures(64, 1)
    ours, torch = (DepthEstimator.load(toy_heads_path, **way)(rgb) for way in (
        {"backend": "auto", "device": "cuda"}, {"backend": "torch"}
    ))  # fmt: skip
    np.testing.assert_allclose(ours.values, torch.values, rtol=1e-3)
    np.testing.assert_allclose(ours.confidence, torch.confidence, atol=1e-4)
    assert ours.canonical.metres_per_unit == pytest.approx(torch.canonical.metres_per_unit, rel=1e-3)


@pytest.mark.parametrize(("before", "begun"), [(b"earlier;", b"earlier;"), (b"of another GPU", b"")])
def test_measurements_of_earlier_builds_are_used_unless_they_do_not_fit(
    machine, exported_graph, toy_heads_path, before, begun
):
    trt, _ = machine()
    done = compile_graph(trt, exported_graph(toy_heads_path, stages=True), CompileOptions(timing_cache=before))
    assert trt.configs[0].cache.data == begun
    assert done.timing_cache == begun + b"measured;"


def test_a_refused_engine_is_built_again_with_more_in_float32_and_leaves_nothing_on_the_gpu(machine, tiny_model_path):
    trt, device = machine(spoils=(0, 1))  # the engine, and its twin that shows the stages
    told = []
    gc.disable()
    try:
        done = build.build_engine(tiny_model_path, OPTIONS, build.EngineOptions("fp16"), report=told.append)
        assert device.held == []
    finally:
        gc.enable()
    assert len(trt.configs) == 3
    assert done.record.float32 == ["norm", "softmax"]
    assert any(sentence.startswith("refused as built: depth deviates from PyTorch by") for sentence in told)


def test_an_engine_that_stays_wrong_is_not_kept(machine, tiny_model_path):
    machine(spoils=range(9))
    with pytest.raises(BackendError, match=r"the engine is refused as built: depth deviates .* the decoder \(every"):
        build.build_engine(tiny_model_path, OPTIONS, build.EngineOptions("fp32"))
    assert not list(cache_folder().rglob("*.engine*"))
    with pytest.raises(BackendError, match=r"there is no engine of .* run: depthart-build-trt"):
        DepthEstimator.load(tiny_model_path, backend="tensorrt", device="cuda")


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_auto_takes_the_next_engine_where_the_preferred_one_is_damaged_and_says_so(
    machine, tiny_model_path, caplog, device
):
    machine()
    fast, exact = (build.build_engine(tiny_model_path, OPTIONS, build.EngineOptions(each)) for each in ("fp16", "fp32"))
    assert "(tensorrt in fp16" in DepthEstimator.load(tiny_model_path, device=device).name
    fast.path.write_bytes(b"damaged")
    assert "(tensorrt on cuda" in DepthEstimator.load(tiny_model_path, device=device).name
    assert f"backend auto does without {fast.path.name} in tensorrt: {fast.path} is truncated" in caplog.text
    exact.path.write_bytes(b"damaged")
    assert "(torch on cpu" in DepthEstimator.load(tiny_model_path).name


def test_whoever_waits_for_the_build_of_the_same_engine_takes_what_was_built(machine, tiny_model_path, monkeypatch):
    trt, device = machine()
    waits, told = threading.Event(), []

    def open_second(_):
        waits.set()
        return device

    with ThreadPoolExecutor(1) as threads:
        others = []

        def start_second(_):
            if not others:
                monkeypatch.setattr(build, "open_device", open_second)
                others.append(threads.submit(build.build_engine, tiny_model_path, OPTIONS, report=told.append))
                waits.wait(60.0)
                time.sleep(0.5)  # until it comes to the lock

        first = build.build_engine(tiny_model_path, OPTIONS, progress=start_second)
        assert others[0].result(60.0) == first
    assert told == [
        "another process is building this engine: waiting for it",
        "another process has built it meanwhile",
    ]
    assert len(trt.configs) == 1
    assert sorted(path.name for path in first.path.parent.iterdir()) == [first.path.name, f"{first.path.name}.json"]


def test_an_engine_that_lay_there_before_is_not_taken_for_what_was_waited_for(machine, tiny_model_path):
    trt, _ = machine()
    older, waits = build.build_engine(tiny_model_path, OPTIONS), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        with locked(older.path):
            second = threads.submit(build.build_engine, tiny_model_path, OPTIONS, report=lambda _: waits.set())
            assert waits.wait(60.0)
        assert second.result(60.0).path == older.path
    assert len(trt.configs) == 2


def test_an_engine_that_tensorrt_does_not_take_is_cured_by_building_it_anew(machine, tiny_model_path, monkeypatch):
    trt, _ = machine()
    build.build_engine(tiny_model_path, OPTIONS, build.EngineOptions(workspace_mib=64))
    monkeypatch.setattr(trt.Runtime, "deserialize_cuda_engine", lambda *_: None)
    cure = f"depthart-build-trt {tiny_model_path} --workspace 64"
    with pytest.raises(MissingEngineError, match=rf"10\.16\.1 does not take the engine: .*; build it anew: {cure}$"):
        DepthEstimator.load(tiny_model_path, backend="tensorrt", device="cuda")


def test_a_lock_that_cannot_be_taken_is_one_sentence(machine, tiny_model_path):
    machine()
    path = build.build_engine(tiny_model_path, OPTIONS).path
    path.with_name(f".{path.name}.lock").mkdir()
    with pytest.raises(BackendError, match=r"cannot be written \(Is a directory\); give a folder that can: depthart-b"):
        build.build_engine(tiny_model_path, OPTIONS)


def test_an_engine_of_other_weights_is_not_replaced(machine, tiny_model_path, small_model_path, tmp_path):
    machine()
    (tmp_path / "other").mkdir()
    same_name = shutil.copy(small_model_path, tmp_path / "other" / tiny_model_path.name)
    wish = build.EngineOptions(out=tmp_path / "engines")
    options = BackendOptions("cuda", max_scales=2)
    done = build.build_engine(tiny_model_path, options, wish)
    assert build.build_engine(tiny_model_path, options, wish).path == done.path
    with pytest.raises(BackendError, match=rf"is of {tiny_model_path} \(weights .* not of {same_name} .* with --out$"):
        build.build_engine(same_name, options, wish)
