"""An engine that is read: what is told of one that cannot be trusted or does not fit."""

import json
from dataclasses import replace

import pytest
from orin_engine import DATA, ORIN

from depthart_core import BackendError
from depthart_core.inference import BackendOptions
from depthart_core.store import engines
from depthart_core.store.engine_checks import read_engine
from depthart_core.store.machine import version_warning


def test_an_engine_asked_for_more_scales_than_there_are_says_how_many(engine, told):
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda", max_scales=99))
    assert sentence == "max_scales must be 1 to 3, the scales of this model, got 99"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gpu": "NVIDIA H200", "sm": "9.0"}, "gpu Orin (nvgpu) (here NVIDIA H200), sm 8.7 (here 9.0)"),
        ({"version": "10.3.0"}, "version 10.16.1 (here 10.3.0)"),
        ({"library": "tensorrt_rtx"}, "library tensorrt (here tensorrt_rtx)"),
        ({"platform": "Linux-x86_64"}, "platform Linux-aarch64 (here Linux-x86_64)"),
    ],
)
def test_another_machine_is_told_with_the_command_that_builds_for_it(engine, change, words, told):
    sentence = told(read_engine, engine, replace(ORIN, **change), BackendOptions("cuda"))
    assert sentence.endswith(f"was built for {words}; run on this machine: depthart-build-trt toy --workspace 512")


def test_an_engine_that_lies_elsewhere_is_built_again_there(engine, tmp_path, told):
    moved = tmp_path / "robot" / engine.name
    moved.parent.mkdir()
    for file in (engine, engines.record_path(engine)):
        file.rename(moved.parent / file.name)
    sentence = told(read_engine, moved, replace(ORIN, sm="9.0"), BackendOptions("cuda"))
    assert sentence.endswith(f"run on this machine: depthart-build-trt toy --workspace 512 --out {moved.parent}")


def test_a_truncated_engine_is_told(engine, told):
    engine.write_bytes(DATA[:100])
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda"))
    assert sentence.endswith("is truncated: 100 of 2048 bytes; run: depthart-build-trt toy --workspace 512")


def test_a_changed_engine_is_told(engine, told):
    engine.write_bytes(DATA[:-1] + b"!")
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda"))
    assert "is damaged" in sentence
    assert sentence.endswith("; run: depthart-build-trt toy --workspace 512")


def test_a_missing_engine_is_told(tmp_path, told):
    sentence = told(read_engine, tmp_path / "absent.engine", ORIN, BackendOptions("cuda"))
    assert sentence.endswith("absent.engine; run: depthart-build-trt MODEL")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, ".json, without which nothing there is trusted"),
        (lambda _: "{", "cannot be read"),
        (lambda _: "[1]", "is not of the format depthart-engine/1, got 'list'"),
        (lambda record: record | {"format": "other/2"}, "is not of the format depthart-engine/1, got 'other/2'"),
        (lambda record: record | {"scales": "3"}, "is damaged at scales"),
        (lambda record: record | {"extra": 1}, "is damaged at extra"),
        (lambda record: {name: record[name] for name in record if name != "heads"}, "is damaged at heads"),
    ],
)
def test_a_missing_or_damaged_record_is_told(engine, change, words, told):
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
def test_an_engine_that_does_something_else_is_told(engine, options, told):
    sentence = told(read_engine, engine, ORIN, BackendOptions("cuda", **options))
    assert "decodes 'expected' and 3 of 3 scales, asked for" in sentence


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


def test_an_engine_of_another_gpu_is_built_again_for_the_one_that_was_asked_for(engine, told):
    sentence = told(read_engine, engine, replace(ORIN, sm="9.0"), BackendOptions("cuda:1"))
    assert sentence.endswith("run on this machine: depthart-build-trt toy --device cuda:1 --workspace 512")


def test_commands_name_the_model_as_the_caller_does_and_quote_it(engine):
    with pytest.raises(BackendError, match=r"run on this machine: depthart-build-trt 'my model' --workspace 512$"):
        read_engine(engine, replace(ORIN, sm="9.0"), BackendOptions("cuda"), model="my model")
