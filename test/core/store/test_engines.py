"""Engines on the disk: which one is found; reading one is in test_engine_checks.py."""

import json
from dataclasses import replace

import pytest
from orin_engine import DATA, ORIN, RECORD, in_cache

from depthart_core import BackendError, DepthEstimator
from depthart_core.errors import MissingEngineError
from depthart_core.inference import BackendOptions
from depthart_core.model_files import fingerprint
from depthart_core.store import engines
from depthart_core.store.engine_checks import read_engine
from depthart_core.store.writing import write_engine

pytestmark = pytest.mark.usefixtures("cache")


def test_device_auto_tries_the_engine_of_a_model_and_says_why_it_takes_the_processor(toy_model_path, engine, caplog):
    estimator = DepthEstimator.load(toy_model_path)
    assert estimator.name == "toy (torch on cpu, expected)"
    assert "backend auto takes the processor: " in caplog.text
    caplog.clear()
    DepthEstimator.load(toy_model_path, device="cpu")
    DepthEstimator.load(toy_model_path, backend="torch")
    assert not caplog.text


def test_device_auto_means_the_gpu_for_an_engine(toy_model_path, engine, told):
    """With the library of engines but without a GPU: before it looks for one, a device that is none is refused."""
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (x86-64 Linux alone, extra `dev`)")
    for model, backend in ((toy_model_path, "tensorrt"), (engine, "auto")):
        assert "got device" not in told(
            lambda model=model, backend=backend: DepthEstimator.load(model, backend=backend)
        )


def test_an_engine_comes_back_with_its_record_and_is_found_by_model_and_machine(toy_model_path, engine):
    assert engines.find_engines(toy_model_path, BackendOptions("cuda"), ORIN)[0] == engine
    record, data = read_engine(engine, ORIN, BackendOptions("cuda"))
    assert data == DATA
    assert record == replace(RECORD, weights_sha256=fingerprint(toy_model_path).sha256)


def test_the_name_and_the_record_say_what_the_engine_is_tied_to(engine):
    assert engine.name == "toy-fp16-expected-3-tensorrt10.16.1-orin-nvgpu-sm87.engine"
    told = json.loads(engines.record_path(engine).read_text())
    assert told["machine"] == {
        "library": "tensorrt", "version": "10.16.1", "gpu": "Orin (nvgpu)", "sm": "8.7", "platform": "Linux-aarch64",
    }  # fmt: skip
    assert told["float32"] == ["norm", "softmax"]
    assert told["deviation"]["depth"]["mean"] < told["limits"]["mean"]


def test_half_precision_is_taken_before_float32(toy_model_path):
    slow = in_cache(toy_model_path, precision="fp32")
    assert engines.find_engines(toy_model_path, BackendOptions("cuda"), ORIN)[0] == slow
    fast = in_cache(toy_model_path)
    assert engines.find_engines(toy_model_path, BackendOptions("cuda"), ORIN)[0] == fast


def test_the_precision_that_is_asked_for_is_taken_and_no_other(toy_model_path, engine, told):
    slow = in_cache(toy_model_path, precision="fp32")
    exact, brain = (BackendOptions("cuda", precision=precision) for precision in ("fp32", "bf16"))
    assert engines.find_engines(toy_model_path, exact, ORIN)[0] == slow
    sentence = told(engines.find_engines, toy_model_path, brain, ORIN)
    assert sentence.startswith(f"there is no engine of {toy_model_path} in bf16 for ")
    assert sentence.endswith(f"run: depthart-build-trt {toy_model_path} --precision bf16")
    sentence = told(read_engine, engine, ORIN, exact)
    assert sentence.endswith(
        "computes in fp16, asked for fp32; run: depthart-build-trt toy --precision fp32 --workspace 512"
    )


def test_an_engine_of_other_weights_in_the_folder_of_a_model_is_not_taken(toy_model_path, engine, told):
    write_engine(engine, DATA, RECORD)
    sentence = told(engines.find_engines, toy_model_path, BackendOptions("cuda"), ORIN)
    assert sentence.startswith(f"there is no engine of {toy_model_path} for ")


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (BackendOptions("cuda"), "depthart-build-trt {model}"),
        (BackendOptions("cuda:1"), "depthart-build-trt {model} --device cuda:1"),
        (
            BackendOptions("cuda", "argmax", max_scales=2),
            "depthart-build-trt {model} --decode argmax --max-scales 2",
        ),
    ],
)
def test_no_engine_is_told_with_the_command_that_builds_it(toy_model_path, options, command, told):
    sentence = told(engines.find_engines, toy_model_path, options, ORIN)
    assert "for TensorRT 10.16.1 on Orin (nvgpu) (SM 8.7, Linux-aarch64) in " in sentence
    assert sentence.endswith("run: " + command.format(model=toy_model_path))


def test_an_engine_of_another_machine_is_mentioned_where_none_fits(toy_model_path, engine, told):
    sentence = told(engines.find_engines, toy_model_path, BackendOptions("cuda"), replace(ORIN, version="10.3.0"))
    assert f"only {engine.name}, of another precision, machine or version; run: depthart-build-trt" in sentence


def test_an_engine_replaces_an_older_one_and_leaves_nothing_beside(engine, toy_model_path):
    assert in_cache(toy_model_path) == engine
    assert sorted(path.name for path in engine.parent.iterdir()) == [engine.name, f"{engine.name}.json"]


def test_all_engines_are_found_the_preferred_one_first(toy_model_path, engine):
    slow = in_cache(toy_model_path, precision="fp32")
    assert engines.find_engines(toy_model_path, BackendOptions("cuda"), ORIN) == [engine, slow]


def test_only_what_a_build_cures_is_told_as_a_missing_engine(toy_model_path, engine):
    with pytest.raises(MissingEngineError):
        engines.find_engines(toy_model_path, BackendOptions("cuda", decode="argmax"), ORIN)
    with pytest.raises(MissingEngineError):
        read_engine(engine, replace(ORIN, sm="9.0"), BackendOptions("cuda"))
    engine.write_bytes(b"")
    with pytest.raises(MissingEngineError):
        read_engine(engine, ORIN, BackendOptions("cuda"))
    for action in (engines.find_engines, lambda _, *rest: read_engine(engine, rest[1], rest[0])):
        with pytest.raises(BackendError, match="max_scales must be") as error:
            action(toy_model_path, BackendOptions("cuda", max_scales=99), ORIN)
        assert type(error.value) is BackendError
