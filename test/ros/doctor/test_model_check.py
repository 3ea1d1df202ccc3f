"""What the doctor says of parameters and model."""

import shutil

import pytest

from depthart_ros.doctor.findings import is_wrong
from depthart_ros.doctor.model import BY_DEFAULT, check_model, check_parameters
from depthart_ros.parameters.settings import Settings


def test_a_valid_file_gives_the_settings(tmp_path):
    (tmp_path / "file.yaml").write_text("/**:\n  ros__parameters: {scale: 2.0}\n")
    (finding,), settings = check_parameters(tmp_path / "file.yaml", ["min_range:=0.5"])
    assert finding.text == f"{tmp_path / 'file.yaml'} and min_range:=0.5: valid"
    assert (settings.scale, settings.min_range) == (2.0, 0.5)


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        ([], f"{BY_DEFAULT}; the scale is unknown, so neither metres nor a cloud will come"),
        (["scale:=1e0"], "scale:=1e0: valid"),
        (["scale_source:=model"], "scale_source:=model: valid"),
        (["cameras:=[front]", "front.scale:=1.2"], "cameras:=[front] and front.scale:=1.2: valid"),
        (
            ["cameras:=[a,b]", "a.scale:=2"],
            "cameras:=[a,b] and a.scale:=2: valid; the scale of b is unknown, so neither metres nor a cloud will come",
        ),
    ],
)
def test_who_gets_no_metres_is_said_of_every_camera_by_its_own_parameters(assignments, said):
    (finding,), _ = check_parameters(None, assignments)
    assert (finding.text, finding.cure) == (said, "")


def test_who_runs_a_node_and_gives_no_parameters_is_told_that_they_are_not_its_own():
    (finding,), _ = check_parameters(None, [], node_heard=True)
    assert finding.text.startswith(f"{BY_DEFAULT} (what a running node has stands below); ")
    (finding,), _ = check_parameters(None, ["scale:=1.0"], node_heard=True)
    assert finding.text == "scale:=1.0: valid"


def test_names_that_the_node_ignores_are_nothing_wrong_and_named(tmp_path):
    (file := tmp_path / "file.yaml").write_text("/**:\n  ros__parameters: {scael: 2.0}\n")
    found, settings = check_parameters(file, ["scale:=1.0"])
    assert found[0].text == f"unknown parameters of {file} are ignored: scael (did you mean scale?)"
    assert not is_wrong(found)
    assert settings.scale == 1.0


@pytest.mark.parametrize("whose", ["", "front."])
def test_a_calibration_that_is_not_there_is_wrong(tmp_path, whose):
    missing = tmp_path / "missing.yaml"
    (_, finding), settings = check_parameters(None, ["cameras:=[front]", f"{whose}camera_info_url:={missing}"])
    assert settings is not None, "the model can be checked nevertheless"
    assert f"camera front: camera_info_url is '{missing}'" in finding.text
    assert finding.cure == "bring the file, or correct the parameter"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("cameras: 5", "cameras is 5; expected a value of type string array"),
        ("scale: -1.0", "scale is -1.0; expected 0.0 to"),
        ("min_range: 200.0", "min_range is 200 and max_range is 100"),
        ("cameras: [front], front.scale: -1.0", "camera front: scale is -1.0"),
    ],
)
def test_a_wrong_parameter_is_named_with_the_file_to_correct(tmp_path, text, named):
    (file := tmp_path / "file.yaml").write_text(f"/**:\n  ros__parameters: {{{text}}}\n")
    (finding,), settings = check_parameters(file, [])
    assert settings is None
    assert named in finding.text
    assert finding.cure == f"correct {file}"


def test_a_model_that_runs_is_fine(toy_model_path, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = list(check_model(Settings(model=str(toy_model_path))))
    assert not is_wrong(found)
    texts = [finding.text for finding in found]
    assert "undamaged" in texts[0]
    command = f"depthart export {toy_model_path}"
    assert f"faster on a CPU: {command} --precision int8 (without --precision int8: less fast, and the same" in texts[1]
    exact = list(check_model(Settings(model=str(toy_model_path), precision="fp32")))
    assert exact[1].text.endswith(f"faster on a CPU: {command}")
    assert "ms for 640x480" in texts[2]


@pytest.mark.parametrize(
    "asked", [{"precision": "bf16"}, {"precision": "fp16"}, {"decode": "sample"}, {"device": "cuda"}]
)
def test_where_no_graph_does_what_is_asked_for_none_is_advised(toy_model_path, monkeypatch, tmp_path, asked):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = check_model(Settings(model=str(toy_model_path), **asked))
    assert "graph" not in {finding.about for finding in found}


def test_a_missing_model_is_wrong_with_the_packaged_ones_named():
    *_, finding = check_model(Settings(model="/nowhere/toy.safetensors"))
    assert "no model file" in finding.text
    assert "-p model:=nano" in finding.cure


def test_no_engine_is_built_though_the_node_would(toy_model_path, monkeypatch):
    """Asked to build, it would look first whether the engine can be kept."""
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/cache")
    settings = Settings(model=str(toy_model_path), backend="tensorrt", device="cuda", build_engine=True)
    *_, finding = check_model(settings)
    assert finding.cure
    assert "cannot be written" not in finding.text


def test_a_damaged_model_is_wrong(toy_model_path, tmp_path):
    (damaged := tmp_path / "damaged.safetensors").write_bytes(toy_model_path.read_bytes()[:-1000])
    *_, finding = check_model(Settings(model=str(damaged)))
    assert "damaged" in finding.text
    assert finding.cure


def test_a_missing_graph_is_wrong_where_onnx_is_asked_for_and_the_cure_is_the_command(
    toy_model_path, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = list(check_model(Settings(model=str(toy_model_path), backend="onnx")))
    assert any(finding.cure == f"depthart export {toy_model_path}" for finding in found)
    found = list(check_model(Settings(model=str(toy_model_path), precision="int8")))
    assert any(finding.cure == f"depthart export {toy_model_path} --precision int8" for finding in found)


def test_a_damaged_graph_is_wrong_and_the_one_beside_it_is_what_runs(toy_model_path, monkeypatch, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")
    from depthart_core.export.onnx import ExportOptions, export_model

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    good = export_model(toy_model_path, None, ExportOptions()).path
    damaged = good.with_name(good.name.replace("fp32", "int8"))
    shutil.copytree(good, damaged)
    (damaged / "step.onnx").write_bytes(b"nothing")
    told = [finding for finding in check_model(Settings(model=str(toy_model_path))) if finding.about == "graph"]
    assert [bool(finding.cure) for finding in told] == [True, False]
    assert f"{damaged / 'step.onnx'} is damaged" in told[0].text
    assert told[1].text.startswith(f"{good}: proven")


def test_an_engine_is_checked_as_such(tmp_path):
    *_, finding = check_model(Settings(model=str(tmp_path / "nano.engine"), backend="tensorrt", device="cuda"))
    assert "there is no engine" in finding.text
    assert finding.cure == "depthart-build-trt MODEL"
