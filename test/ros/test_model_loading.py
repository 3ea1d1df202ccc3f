"""What the node says of a faster way to run its model."""

import sys
from dataclasses import replace

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from depthart_core import BackendError
from depthart_ros.model_loading import faster_with, load_estimator
from depthart_ros.parameters.settings import Settings


def advice(world):
    return [line for line in world.logs if "depthart export" in line]


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_node_that_auto_gave_torch_names_the_command_that_makes_it_faster_once(world, toy_model_path):
    world.listen_to_log()
    node = world.depth_node(model=str(toy_model_path), threads=1, backend="auto")
    world.until(lambda: advice(world), what="the advice")
    node.trigger_deactivate()
    node.trigger_cleanup()
    node.trigger_configure()
    world.until(lambda: sum("configured: " in line for line in world.logs) == 2, what="the second configuration")
    assert sum(line.startswith("loading model ") for line in world.logs) == 2
    world.spin_for(0.5)
    command = f"depthart export {toy_model_path} --precision int8"
    assert advice(world) == [f"backend auto took torch as it found no exported graph; faster on a CPU: {command}"]


@pytest.mark.parametrize("asked", [{"backend": "torch"}, {"decode": "sample"}])
def test_nothing_is_said_where_torch_was_asked_for_or_is_needed(toy_model_path, asked):
    settings = Settings(model=str(toy_model_path), threads=1, **asked)
    assert faster_with(settings, load_estimator(settings)) == ""


def test_the_command_names_the_decoding(toy_model_path):
    settings = Settings(model=str(toy_model_path), threads=1, decode="argmax")
    command = f"depthart export {toy_model_path} --decode argmax"
    assert faster_with(settings, load_estimator(settings)) == f"{command} --precision int8"
    exact = replace(settings, precision="fp32")
    assert faster_with(exact, load_estimator(exact)) == command


def test_nothing_is_said_once_the_graph_is_there(toy_model_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")
    from depthart_ros.cli.main import main

    settings = Settings(model=str(toy_model_path), threads=1)
    on_torch = load_estimator(settings)
    assert faster_with(settings, on_torch)
    assert main(["export", str(toy_model_path)]) == 0
    assert faster_with(settings, on_torch) == ""
    assert faster_with(settings, load_estimator(settings)) == ""


def test_an_engine_that_cannot_be_used_is_told_and_none_is_built_from_it(tmp_path):
    engine = tmp_path / "other.engine"
    engine.write_bytes(b"of another machine")
    settings = Settings(model=str(engine), backend="tensorrt", device="cuda", build_engine=True)
    with pytest.raises(BackendError) as told:
        load_estimator(settings)
    assert "safetensors" not in str(told.value)


def test_no_engine_is_built_where_no_build_helps(toy_model_path, monkeypatch):
    for name in ("tensorrt", "tensorrt_rtx", "onnx", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
    settings = Settings(model=str(toy_model_path), backend="tensorrt", device="cuda", build_engine=True)
    with pytest.raises(BackendError, match=r"^TensorRT is not installed"):  # a build would miss onnx first
        load_estimator(settings)


def test_a_node_that_builds_its_engine_hands_every_sentence_on(machine, toy_heads_path, capfd):
    for name in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(name, reason=f"{name} is not installed (extra `onnx`)")
    machine()
    said = []
    asked = Settings(model=str(toy_heads_path), backend="tensorrt", device="cuda", build_engine=True, precision="fp32")
    assert "tensorrt" in load_estimator(asked, report=said.append).name
    assert said[:3] == ["exporting in fp32", "building with tensorrt 10.16.1", "built to 50 %"]
    assert said[-1].endswith(" MB in fp32; kept in float32 besides: nothing")
    assert capfd.readouterr().out == ""
