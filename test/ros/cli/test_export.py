"""`depthart export` and what the other commands make of its graph."""

import cv2
import numpy as np
import pytest

from depthart_ros.cli.main import main

for name in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(name, reason=f"{name} is not installed (extra `onnx`)")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def environment(monkeypatch, cache):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


def test_the_graph_goes_to_the_cache_where_predict_finds_it(tiny_model_path, tmp_path, cache, capsys):
    assert main(["export", str(tiny_model_path), "--decode", "argmax"]) == 0
    shown = capsys.readouterr().out
    assert "tracing tiny (stepped, fp32, 2 scales)" in shown
    assert "comparing with PyTorch on 10 pictures" in shown
    assert "depth: at most" in shown
    (record,) = cache.rglob("record.json")
    assert f"{record.parent}: " in shown
    assert record.parent.name == "tiny-argmax-stepped-fp32"
    assert shown.endswith("backend auto takes it with --decode argmax\n")
    cv2.imwrite(str(tmp_path / "room.png"), np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8))
    command = ["predict", tmp_path / "room.png", "--out", tmp_path / "out", "--model", tiny_model_path]
    assert main([*map(str, command), "--decode", "argmax"]) == 0
    assert "(tiny (onnx on cpu, argmax), relative)" in capsys.readouterr().out
    assert main([*map(str, command), "--decode", "argmax", "--precision", "int8"]) == 1
    assert main([*map(str, command), "--decode", "argmax", "--max-scales", "1"]) == 0
    one = np.load(tmp_path / "out" / "room.npy")
    assert main([*map(str, command), "--decode", "argmax", "--max-scales", "2"]) == 0
    assert np.abs(np.load(tmp_path / "out" / "room.npy") - one).max() > 0.0


def test_a_whole_graph_is_told_for_other_programs(tiny_model_path, tmp_path, capsys):
    assert (
        main(["export", str(tiny_model_path), "--out", str(tmp_path), "--precision", "fp16", "--max-scales", "1"]) == 0
    )
    assert capsys.readouterr().out.endswith(f"its graph: {tmp_path}/tiny-expected-whole1-fp16/whole.onnx\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["absent.safetensors"], "no model file 'absent.safetensors'"),
        (["nano", "--decode", "sample"], "a graph decodes expected or argmax, got 'sample'"),
        (["nano", "--max-scales", "99"], "max_scales must be 1 to "),
        (["nano", "--out", "/dev/null/graphs"], "/dev/null/graphs/nano-expected-stepped-fp32 cannot be written: "),
        (["nano", "--precision", "fp8"], "precision must be one of fp32, fp16, bf16, int8, got 'fp8'"),
        (
            ["nano", "--precision", "int8", "--max-scales", "2"],
            "an int8 export decodes any number of scales; leave --",
        ),
        (["nano", "--form", "stepped", "--max-scales", "2"], "a stepped export is fp32 or int8 and decodes any number"),
    ],
)
def test_what_cannot_work_is_one_sentence_with_status_1(capsys, options, sentence):
    assert main(["export", *options]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith(f"depthart: {sentence}")
    assert shown.err.count("\n") == 1
    assert shown.out == ""
