"""Engines on the disk: which one is found, and what is told of those that cannot be trusted or do not fit."""

import hashlib
import json
from dataclasses import asdict, replace

import pytest

from depthart_core import BackendError, DepthEstimator
from depthart_core.errors import MissingEngineError
from depthart_core.inference import BackendOptions
from depthart_core.model_files import fingerprint
from depthart_core.store import engines
from depthart_core.store.cache import weights_folder
from depthart_core.store.engine_checks import read_engine
from depthart_core.store.machine import Machine, version_warning
from depthart_core.store.writing import write_engine

ORIN = Machine("tensorrt", "10.16.1", "Orin (nvgpu)", "8.7", "Linux-aarch64")
DATA = bytes(range(256)) * 8
RECORD = engines.EngineRecord(
    model="toy",
    weights_sha256="0" * 64,
    engine_sha256=hashlib.sha256(DATA).hexdigest(),
    engine_bytes=len(DATA),
    precision="fp16",
    float32=["norm", "softmax"],
    decode="expected",
    scales=3,
    of_scales=3,
    input_size=64,
    heads=False,
    machine=asdict(ORIN),
    workspace_mib=512,
    built="2026-11-25T12:00:00+00:00",
    versions={"torch": "2"},
    pictures=10,
    deviation={"depth": {"mean": 1e-3, "p99": 1e-2, "max": 0.1, "not_finite": 0.0}},
    limits={"mean": 5e-3, "p99": 5e-2, "stage": 3e-2},
)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "depthart"


def in_cache(model, machine=ORIN, **changes):
    """An engine where the one of a model belongs."""
    weights = fingerprint(model).sha256
    record = replace(RECORD, weights_sha256=weights, machine=asdict(machine), **changes)
    name = engines.engine_name("toy", record.precision, record.decode, record.scales, machine)
    path = weights_folder(weights) / name
    write_engine(path, DATA, record)
    return path


@pytest.fixture
def engine(toy_model_path):
    return in_cache(toy_model_path)


def told(action, *arguments):
    with pytest.raises(BackendError) as error:
        action(*arguments)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def test_device_auto_tries_the_engine_of_a_model_and_says_why_it_takes_the_processor(toy_model_path, engine, caplog):
    estimator = DepthEstimator.load(toy_model_path)
    assert estimator.name == "toy (torch on cpu, expected)"
    assert "backend auto takes the processor: " in caplog.text
    caplog.clear()
    DepthEstimator.load(toy_model_path, device="cpu")
    DepthEstimator.load(toy_model_path, backend="torch")
    assert not caplog.text


def test_device_auto_means_the_gpu_for_an_engine(toy_model_path, engine):
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


def test_the_precision_that_is_asked_for_is_taken_and_no_other(toy_model_path, engine):
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


def test_an_engine_of_other_weights_in_the_folder_of_a_model_is_not_taken(toy_model_path, engine):
    write_engine(engine, DATA, RECORD)
    sentence = told(engines.find_engines, toy_model_path, BackendOptions("cuda"), ORIN)
    assert sentence.startswith(f"there is no engine of {toy_model_path} for ")


def test_an_engine_asked_for_more_scales_than_there_are_says_how_many(engine):
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda", max_scales=99))
    assert sentence == "max_scales must be 1 to 3, the scales of this model, got 99"


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
def test_no_engine_is_told_with_the_command_that_builds_it(toy_model_path, options, command):
    sentence = told(engines.find_engines, toy_model_path, options, ORIN)
    assert "for TensorRT 10.16.1 on Orin (nvgpu) (SM 8.7, Linux-aarch64) in " in sentence
    assert sentence.endswith("run: " + command.format(model=toy_model_path))


def test_an_engine_of_another_machine_is_mentioned_where_none_fits(toy_model_path, engine):
    sentence = told(engines.find_engines, toy_model_path, BackendOptions("cuda"), replace(ORIN, version="10.3.0"))
    assert f"only {engine.name}, of another precision, machine or version; run: depthart-build-trt" in sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gpu": "NVIDIA H200", "sm": "9.0"}, "gpu Orin (nvgpu) (here NVIDIA H200), sm 8.7 (here 9.0)"),
        ({"version": "10.3.0"}, "version 10.16.1 (here 10.3.0)"),
        ({"library": "tensorrt_rtx"}, "library tensorrt (here tensorrt_rtx)"),
        ({"platform": "Linux-x86_64"}, "platform Linux-aarch64 (here Linux-x86_64)"),
    ],
)
def test_another_machine_is_told_with_the_command_that_builds_for_it(engine, change, words):
    sentence = told(read_engine, engine, replace(ORIN, **change), BackendOptions("cuda"))
    assert sentence.endswith(f"was built for {words}; run on this machine: depthart-build-trt toy --workspace 512")


def test_an_engine_that_lies_elsewhere_is_built_again_there(engine, tmp_path):
    moved = tmp_path / "robot" / engine.name
    moved.parent.mkdir()
    for file in (engine, engines.record_path(engine)):
        file.rename(moved.parent / file.name)
    sentence = told(read_engine, moved, replace(ORIN, sm="9.0"), BackendOptions("cuda"))
    assert sentence.endswith(f"run on this machine: depthart-build-trt toy --workspace 512 --out {moved.parent}")


def test_a_truncated_engine_is_told(engine):
    engine.write_bytes(DATA[:100])
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda"))
    assert sentence.endswith("is truncated: 100 of 2048 bytes; run: depthart-build-trt toy --workspace 512")


def test_a_changed_engine_is_told(engine):
    engine.write_bytes(DATA[:-1] + b"!")
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda"))
    assert "is damaged" in sentence
    assert sentence.endswith("; run: depthart-build-trt toy --workspace 512")


def test_a_missing_engine_is_told(tmp_path):
    sentence = told(read_engine, tmp_path / "absent.engine", ORIN, BackendOptions("cuda"))
    assert sentence.endswith("absent.engine; run: depthart-build-trt MODEL")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "is missing, without which its neighbour is not trusted"),
        (lambda _: "{", "cannot be read"),
        (lambda _: "[1]", "is not of the format depthart-engine/1, got 'list'"),
        (lambda record: record | {"format": "other/2"}, "is not of the format depthart-engine/1, got 'other/2'"),
        (lambda record: record | {"scales": "3"}, "is damaged at scales"),
        (lambda record: record | {"extra": 1}, "is damaged at extra"),
        (lambda record: {name: record[name] for name in record if name != "heads"}, "is damaged at heads"),
    ],
)
def test_a_missing_or_damaged_record_is_told(engine, change, words):
    path = engines.record_path(engine)
    if change is None:
        path.unlink()
    else:
        changed = change(json.loads(path.read_text()))
        path.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda"))
    assert words in sentence
    assert sentence.endswith("; build both anew with: depthart-build-trt MODEL")


@pytest.mark.parametrize("options", [{"decode": "argmax"}, {"max_scales": 2}])
def test_an_engine_that_does_something_else_is_told(engine, options):
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda", **options))
    assert "decodes 'expected' and 3 of 3 scales, asked for" in sentence


def test_an_engine_replaces_an_older_one_and_leaves_nothing_beside(engine, toy_model_path):
    assert in_cache(toy_model_path) == engine
    assert sorted(path.name for path in engine.parent.iterdir()) == [engine.name, f"{engine.name}.json"]


@pytest.mark.parametrize(
    ("library", "version", "bad"),
    [
        ("tensorrt", "10.3.0", True),
        ("tensorrt", "10.4.0.26", True),
        ("tensorrt", "10.16.1", False),
        ("tensorrt", "10.30.1", False),
        ("tensorrt", "11.4.0", False),
        ("tensorrt_rtx", "1.7.1", False),
    ],
)
def test_versions_known_to_be_bad_are_warned_about_by_number(library, version, bad):
    assert version_warning(library, version).startswith(f"TensorRT {version} ") == bad


def test_an_engine_of_another_gpu_is_built_again_for_the_one_that_was_asked_for(engine):
    sentence = told(read_engine, engine, replace(ORIN, sm="9.0"), BackendOptions("cuda:1"))
    assert sentence.endswith("run on this machine: depthart-build-trt toy --device cuda:1 --workspace 512")


def test_commands_name_the_model_as_the_caller_does_and_quote_it(engine):
    with pytest.raises(BackendError, match=r"run on this machine: depthart-build-trt 'my model' --workspace 512$"):
        read_engine(engine, replace(ORIN, sm="9.0"), BackendOptions("cuda"), model="my model")


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
