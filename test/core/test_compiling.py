"""Every graph is taken by NVIDIA's own parser and builder: TensorRT-RTX builds engines without a GPU."""

from dataclasses import replace

import pytest
import torch

from depthart_core import BackendError
from depthart_core.backends.compiling import Compiling, Phases, compile_graph, make_monitor
from depthart_core.checkpoint import load_model
from depthart_core.model import DepthART

for name in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(name, reason=f"{name} is not installed (extra `onnx`)")
trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (x86-64 Linux alone, extra `dev`)")

from depthart_core.backends.whole import export_onnx  # noqa: E402

TARGETS = ("SM86", "SM120")
CASES = [
    ("toy", "argmax", "fp16"),
    ("toy", "expected", "bf16"),
    ("d16", "expected", "fp32"),
    ("d16", "expected", "fp16"),
    ("nano", "expected", "fp32"),
    ("nano", "expected", "fp16"),
]


@pytest.fixture(scope="module")
def models(toy_heads_path, small_config):
    """Name -> what loads it; "d16" has the parts of the released one and is small."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        d16 = DepthART(small_config)
    return {
        "toy": lambda: load_model(toy_heads_path),
        "d16": lambda: d16.eval().requires_grad_(False),
        "nano": lambda: load_model("nano"),
    }


@pytest.mark.parametrize(("name", "decode", "precision"), CASES)
def test_a_graph_builds_for_cards_that_are_not_here(models, tmp_path, name, decode, precision):
    export_onnx(models[name](), tmp_path / "a.onnx", decode=decode, precision=precision, islands=(), stages=True)
    shares = []
    done = compile_graph(trt, tmp_path / "a.onnx", Compiling(targets=TARGETS, progress=shares.append))
    weights = (tmp_path / "a.onnx").stat().st_size
    assert len(done.data) > 0.5 * weights
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.fixture(scope="module")
def tiny_graph(tiny_model_path, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "tiny.onnx"
    export_onnx(load_model(tiny_model_path), path, stages=True)
    return path


def test_stages_stand_in_the_engine_on_request_alone(tiny_graph):
    how = Compiling(targets=("SM86",))
    names = {stages: compile_graph(trt, tiny_graph, replace(how, stages=stages)).data for stages in (False, True)}
    assert b"stage_scale_1" in names[True]
    assert b"stage_scale_1" not in names[False]


def test_tensorrt_rtx_measures_no_kernels_and_is_not_asked_to(tiny_graph, recwarn):
    assert compile_graph(trt, tiny_graph, Compiling(targets=("SM86",), timing_cache=b"noise")).timing_cache == b""
    assert not [warning for warning in recwarn if "iming cache" in str(warning.message)]


def test_half_precision_islands_are_other_engines(tiny_model_path, tmp_path):
    made = set()
    for islands in ((), ("norm", "softmax"), ("norm", "softmax", "logits")):
        export_onnx(load_model(tiny_model_path), tmp_path / "a.onnx", precision="fp16", islands=islands)
        made.add(compile_graph(trt, tmp_path / "a.onnx", Compiling(targets=("SM86",))).data)
    assert len(made) == 3


def test_what_is_no_graph_is_told(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"noise" * 100)
    with pytest.raises(BackendError, match=r"tensorrt_rtx [\d.]+ does not take the graph: .*") as told:
        compile_graph(trt, tmp_path / "a.onnx", Compiling(targets=("SM86",)))
    assert "\n" not in str(told.value)


def test_ctrl_c_ends_a_build(tiny_graph):
    def interrupt(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_graph(trt, tiny_graph, Compiling(targets=("SM86",), progress=interrupt))


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
