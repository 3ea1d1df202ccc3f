"""Convolutions in int8: where they are made, that they are proven, and what is made where they are not."""

import re

import numpy as np
import pytest

from depthart_core import BackendError, DepthEstimator, processor
from depthart_core.export.agreement import Limits, structured_pictures

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

from depthart_core.export.onnx import ExportOptions, export_model  # noqa: E402
from depthart_core.export.verify_export import COARSE_LIMITS, LIMITS  # noqa: E402
from depthart_core.inference import BackendOptions  # noqa: E402
from depthart_core.store.exports import open_export, read_record  # noqa: E402


@pytest.fixture(scope="module")
def real_vnni():
    """Graphs with convolutions in int8 compute what they should: told before any test says otherwise of VNNI."""
    if not processor.has_vnni():
        pytest.skip("this processor has no VNNI, without which sums saturate")


@pytest.fixture
def vnni(real_vnni, monkeypatch, tmp_path):
    """What says whether the processor has VNNI: it does, until told otherwise."""

    def tell(has):
        described = tmp_path / "cpuinfo"
        described.write_text(f"flags : avx2{' avx512_vnni' * has}\n")
        monkeypatch.setattr(processor, "PROCESSORS", described)

    tell(True)
    return tell


def int8(model, folder, **options):
    return export_model(model, folder, ExportOptions(precision="int8"), **options)


def kinds(done, part):
    return [node.op_type for node in onnx.load(done.path / f"{part}.onnx").graph.node]


def weights_in_int8(done, part):
    graph = onnx.load(done.path / f"{part}.onnx").graph
    types = {item.name: item.data_type for item in graph.initializer}
    weights = [node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"]
    return [name for name in weights if types.get(name) == onnx.TensorProto.INT8]


@pytest.fixture(scope="module")
def both(real_vnni, toy_heads_path, tmp_path_factory):
    """Exports in int8 without and with VNNI."""
    with pytest.MonkeyPatch.context() as patch:
        made = []
        for flags in ("avx2", "avx512_vnni"):
            folder = tmp_path_factory.mktemp("int8")
            (folder / "cpuinfo").write_text(flags)
            patch.setattr(processor, "PROCESSORS", folder / "cpuinfo")
            made.append(int8(toy_heads_path, folder / "graphs"))
    return made


def test_with_vnni_convolutions_are_in_int8_and_the_record_says_so(both):
    without, done = both
    assert (without.record.convolutions, done.record.convolutions) == ([], ["prefix", "decode"])
    assert read_record(done.path) == done.record
    assert len(weights_in_int8(done, "prefix")) == 42
    assert len(weights_in_int8(done, "decode")) == 7
    assert "DequantizeLinear" not in kinds(without, "prefix") + kinds(without, "decode")
    assert (done.path / "step.onnx").read_bytes() == (without.path / "step.onnx").read_bytes()


def test_depth_is_close_to_that_of_float32_on_pictures_that_ranges_were_not_taken_from(both, toy_heads_path, vnni):
    exact, fast = DepthEstimator.load(toy_heads_path, backend="torch"), DepthEstimator.load(both[1].path)
    for picture in structured_pictures(64, 8)[4:]:
        a, b = exact(picture), fast(picture)
        assert 0.0 < np.abs(b.values / a.values - 1.0).mean() < 3e-2
        assert np.abs(b.confidence - a.confidence).mean() < 1e-2


def test_ranges_end_where_a_clip_ends(both):
    graph = onnx.load(both[1].path / "prefix.onnx").graph
    scales = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer if "scale" in item.name}
    limits = [values for name, values in scales.items() if name.startswith("hardtanh")]
    assert limits
    assert max(float(values) for values in limits) <= 6.0 / 255 + 1e-6


def test_graphs_are_the_same_every_time(both, toy_heads_path, tmp_path, vnni):
    assert int8(toy_heads_path, tmp_path).record.files == both[1].record.files


def test_convolutions_that_deviate_stay_in_float32_and_it_is_told(both, toy_heads_path, tmp_path, vnni, monkeypatch):
    without, done = both
    worst = [max(figures["mean"] for figures in each.record.deviation.values()) for each in (without, done)]
    assert worst[0] < worst[1]
    for limits in (LIMITS, COARSE_LIMITS):
        monkeypatch.setitem(limits, "int8", Limits(mean=sum(worst) / 2))
    told = []
    kept = int8(toy_heads_path, tmp_path / "graphs", report=told.append)
    assert told[-1].startswith("convolutions stay in float32: the graph is refused: ")
    assert (kept.record.convolutions, kept.record.files) == ([], without.record.files)


@pytest.mark.parametrize("strict", [LIMITS, COARSE_LIMITS], ids=["all scales", "fewer"])
def test_after_fewer_scales_than_all_other_limits_hold(both, toy_heads_path, tmp_path, vnni, monkeypatch, strict):
    for limits in (LIMITS, COARSE_LIMITS):
        monkeypatch.setitem(limits, "int8", Limits(mean=0.5))
    key = "depth" if strict is LIMITS else "depth after 2"
    without, done = (each.record.deviation[key]["mean"] for each in both)
    assert without < done
    monkeypatch.setitem(strict, "int8", Limits(mean=(without + done) / 2))
    told = []
    int8(toy_heads_path, tmp_path, report=told.append)
    assert "the graph is refused: depth deviates" in told[-1]


def test_an_export_is_made_where_the_quantizer_fails(toy_heads_path, tmp_path, vnni, monkeypatch):
    monkeypatch.delattr("onnxruntime.quantization.QDQQuantizer.quantize_model")
    told = []
    done = int8(toy_heads_path, tmp_path, report=told.append)
    assert not done.record.convolutions
    assert told[-1].startswith("convolutions stay in float32: ONNX Runtime ")
    assert "cannot quantize them: " in told[-1]
    DepthEstimator.load(done.path)


def test_a_model_without_such_convolutions_is_exported_as_without_vnni(tiny_model_path, tmp_path, vnni):
    assert not int8(tiny_model_path, tmp_path).record.convolutions


def test_without_vnni_an_export_for_it_is_refused_with_the_cure(both, vnni, monkeypatch):
    DepthEstimator.load(both[1].path)
    vnni(False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    told = (
        r"was made for processors with VNNI, .*; make it anew with: depthart export \S+ --precision int8 --out (\S+)$"
    )
    with pytest.raises(BackendError, match=told) as refused:
        open_export(both[1].path, BackendOptions(), backend="onnx")  # as the doctor does
    assert re.search(told, str(refused.value))[1] == str(both[1].path.parent)
    with pytest.raises(BackendError, match=told):
        DepthEstimator.load(both[1].path)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    DepthEstimator.load(both[1].path)
