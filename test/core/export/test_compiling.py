"""Every graph is taken by NVIDIA's own parser and builder: TensorRT-RTX builds engines without a GPU."""

import logging
import signal
from dataclasses import replace

import pytest

from depthart_core import BackendError
from depthart_core.export.compiling import CompileOptions, Phases, compile_graph, make_monitor

for name in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(name, reason=f"{name} is not installed (extra `onnx`)")
trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (x86-64 Linux alone, extra `dev`)")

TARGETS = ("SM86", "SM120")


@pytest.fixture(scope="module")
def models(tiny_model_path, small_model_path):
    """Name -> model; "d16" has the parts of the released one and is small, "tiny" has not even all of them."""
    return {"tiny": tiny_model_path, "d16": small_model_path, "nano": "nano"}


@pytest.mark.parametrize(
    ("name", "decode", "precision"),
    [
        ("tiny", "expected", "bf16"),
        ("d16", "expected", "fp32"),
        ("d16", "argmax", "fp16"),
        ("nano", "expected", "fp32"),
        ("nano", "expected", "fp16"),
    ],
)
def test_a_graph_builds_for_cards_that_are_not_here(models, exported_graph, name, decode, precision):
    graph = exported_graph(models[name], decode=decode, precision=precision, islands=(), stages=True)
    shares = []
    done = compile_graph(trt, graph, CompileOptions(targets=TARGETS, progress=shares.append))
    assert len(done.data) > 0.5 * graph.stat().st_size
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.fixture(scope="module")
def tiny_graph(tiny_model_path, exported_graph):
    return exported_graph(tiny_model_path, stages=True)


def test_stages_stand_in_the_engine_on_request_alone(tiny_graph):
    how = CompileOptions(targets=("SM86",))
    names = {stages: compile_graph(trt, tiny_graph, replace(how, stages=stages)).data for stages in (False, True)}
    assert b"stage_scale_1" in names[True]
    assert b"stage_scale_1" not in names[False]


def test_tensorrt_rtx_measures_no_kernels_and_is_not_asked_to(tiny_graph, recwarn):
    assert compile_graph(trt, tiny_graph, CompileOptions(targets=("SM86",), timing_cache=b"noise")).timing_cache == b""
    assert not [warning for warning in recwarn if "iming cache" in str(warning.message)]


def test_half_precision_islands_are_other_engines(tiny_model_path, exported_graph):
    made = set()
    for islands in ((), ("norm", "softmax"), ("logits", "norm", "softmax")):
        graph = exported_graph(tiny_model_path, precision="fp16", islands=islands)
        made.add(compile_graph(trt, graph, CompileOptions(targets=("SM86",))).data)
    assert len(made) == 3


def test_what_is_no_graph_is_told(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"noise" * 100)
    with pytest.raises(BackendError, match=r"tensorrt_rtx [\d.]+ does not take the graph: .*") as told:
        compile_graph(trt, tmp_path / "a.onnx", CompileOptions(targets=("SM86",)))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("where", ["progress", "log"])
def test_ctrl_c_ends_a_build_wherever_it_comes(tiny_graph, where, monkeypatch):
    """Callbacks of the builder swallow what is raised in them, and the signal comes in any of them."""
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_words):
        signal.raise_signal(signal.SIGINT)

    if where == "log":
        monkeypatch.setattr(logging.getLogger("depthart_core.backends.library"), "log", interrupt)
    progress = interrupt if where == "progress" else lambda _: None
    with pytest.raises(KeyboardInterrupt):
        compile_graph(trt, tiny_graph, CompileOptions(targets=("SM86",), progress=progress, interruptible=True))
    assert signal.getsignal(signal.SIGINT) is before


def test_nested_phases_are_one_share_that_never_falls():
    phases = Phases()
    phases.start("whole", None, 2)
    phases.start("first half", "whole", 4)
    shares = [phases.step("first half", step) for step in range(4)]
    phases.finish("first half")
    shares.append(phases.step("whole", 0))
    phases.start("second half", "whole", 1)
    shares.append(phases.step("second half", 0))
    phases.start("second half again", "whole", 2)
    shares.append(phases.step("second half again", 0))
    assert shares == [0.125, 0.25, 0.375, 0.5, 0.5, 1.0, 1.0]


def test_a_phase_without_steps_is_one():
    phases = Phases()
    phases.start("empty", None, 0)
    assert phases.step("empty", 0) == 1.0


def test_the_monitor_is_one_of_tensorrt():
    assert isinstance(make_monitor(trt, print), trt.IProgressMonitor)
