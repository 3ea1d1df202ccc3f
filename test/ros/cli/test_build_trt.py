"""`depthart build-trt` where it cannot work: one sentence each."""

import sys
from dataclasses import replace

import pytest

from depthart_core import BackendError
from depthart_ros.cli import build_trt
from depthart_ros.cli.main import main
from depthart_ros.model_loading import build_engine, load_estimator, options_of
from depthart_ros.parameters.settings import Settings

for name in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(name, reason=f"{name} is not installed (extra `onnx`)")


@pytest.fixture(autouse=True)
def no_library(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["absent.safetensors"], "no model file 'absent.safetensors'"),
        (["nano", "--precision", "fp4"], "precision must be one of fp16, bf16, fp32, got 'fp4'"),
        (["nano", "--workspace", "0"], "workspace must be at least 1 MiB, got 0"),
        (["nano", "--decode", "sample"], "a graph decodes expected or argmax, got 'sample'"),
        (["nano", "--max-scales", "99"], "max_scales must be 1 to "),
        (
            ["nano", "--out", "/dev/null/engines"],
            "/dev/null/engines cannot be written (Not a directory); give a folder",
        ),
        (["nano"], "TensorRT is not installed; on a Jetson: "),
    ],
)
def test_what_cannot_work_is_one_sentence_with_status_1(capsys, options, sentence):
    assert main(["build-trt", *options]) == 1
    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1].startswith(f"depthart: {sentence}")
    assert shown.out == ""


def test_the_program_of_its_own_is_the_same_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["depthart-build-trt", "absent.safetensors"])
    assert build_trt.main() == 1
    assert "no model file 'absent.safetensors'" in capsys.readouterr().err


def test_a_node_builds_its_engine_in_the_precision_of_its_settings(toy_model_path):
    asked = Settings(model=str(toy_model_path), backend="tensorrt", device="cuda", build_engine=True, precision="int8")
    with pytest.raises(BackendError, match="backend 'tensorrt' computes in fp16 or bf16 or fp32, got 'int8'"):
        load_estimator(asked)  # which no build cures
    with pytest.raises(BackendError, match="precision must be one of fp16, bf16, fp32, got 'int8'"):
        build_engine(asked.model, options_of(asked), report=print)
    with pytest.raises(BackendError, match="TensorRT is not installed; on a Jetson: "):
        build_engine(asked.model, options_of(replace(asked, precision="auto")), report=print)
