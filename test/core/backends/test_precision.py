"""Half precision: what is computed in which type, and that it still says what the model says."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from depthart_core import BackendError
from depthart_core.backends.precision import ISLANDS, NORM, to_precision
from depthart_core.backends.torch import prepare
from depthart_core.checkpoint import load_model
from depthart_core.export.agreement import structured_pictures
from depthart_core.export.verify_engine import ATTEMPTS
from depthart_core.inference import BackendOptions

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

from depthart_core.export.whole import Graph, export_onnx  # noqa: E402

ELEMENTS = {"fp16": onnx.TensorProto.FLOAT16, "bf16": onnx.TensorProto.BFLOAT16}


@pytest.fixture(params=["tiny_model_path"])
def model(request):
    return load_model(request.getfixturevalue(request.param))


def outputs(model, picture):
    with torch.inference_mode():
        return Graph(model, BackendOptions())(torch.from_numpy(picture)[None])


@pytest.mark.parametrize(
    ("model", "precision", "islands", "limit"),
    [
        ("toy_heads_path", "fp16", ISLANDS, 5e-3),
        ("tiny_model_path", "fp16", frozenset(), 5e-3),
        ("tiny_model_path", "bf16", ISLANDS, 4e-2),
    ],
    indirect=["model"],
)
def test_half_precision_says_what_float32_says(model, precision, islands, limit):
    (picture,) = structured_pictures(model.config.tokenizer.input_size, 1)
    half = to_precision(model, precision, islands=islands)
    for expected, found in zip(outputs(model, picture), outputs(half, picture), strict=True):
        assert found.dtype == torch.float32
        assert not torch.equal(found, expected)
        torch.testing.assert_close(found, expected, rtol=limit, atol=limit)


def test_the_model_itself_is_left_alone(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    to_precision(model, "fp16")
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, after[name]) and value.dtype == torch.float32 for name, value in before.items())
    assert to_precision(model, "fp32") is model


def test_what_runs_in_bf16_is_the_model_itself_with_normalisation_of_pictures_in_bf16(model):
    (picture,) = structured_pictures(model.config.tokenizer.input_size, 1)
    exact = outputs(model, picture)
    half = prepare(model, "bf16", torch.device("cpu"))
    assert half is model
    kinds = {nn.GroupNorm: torch.bfloat16, nn.LayerNorm: torch.float32, nn.Conv2d: torch.bfloat16}
    for kind, dtype in kinds.items():
        layers = [part for part in half.tokenizer.decoder.modules() if isinstance(part, kind)]
        layers += [part for part in half.transformer.modules() if isinstance(part, kind)]
        assert {layer.weight.dtype for layer in layers} == {dtype}
    for expected, found in zip(exact, outputs(half, picture), strict=True):
        torch.testing.assert_close(found, expected, rtol=4e-2, atol=4e-2)


@pytest.fixture(scope="module")
def written(tiny_model_path, exported_graph):
    """(precision, islands) -> the small graph."""

    def load(precision, islands=("logits", "norm", "softmax")):
        return onnx.shape_inference.infer_shapes(
            onnx.load(exported_graph(tiny_model_path, precision=precision, islands=islands))
        )

    return load


def types_of(graph, operator):
    """Element types that the nodes of an operator take, with how often."""
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.graph.value_info, *graph.graph.input)}
    types |= {value.name: value.data_type for value in graph.graph.initializer}
    return Counter(types[node.input[0]] for node in graph.graph.node if node.op_type == operator)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_graph_has_its_weights_in_the_precision_and_its_inputs_and_outputs_as_always(written, precision):
    graph = written(precision)
    weights = Counter()
    for item in graph.graph.initializer:
        weights[item.data_type] += int(np.prod(item.dims))
    assert weights[ELEMENTS[precision]] > 0.9 * weights.total()
    (picture,), (depth,) = graph.graph.input, graph.graph.output
    assert picture.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert depth.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_islands_are_computed_in_float32_and_nothing_else_is_without_them(written):
    half, exact = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    with_islands, without = written("fp16"), written("fp16", ())
    assert set(types_of(with_islands, "LayerNormalization")) == {exact}
    assert set(types_of(without, "LayerNormalization")) == {half}
    scales = 2  # softmax of the logits, that of attention in the only block
    assert types_of(with_islands, "Softmax") == {exact: 2 * scales}
    assert types_of(without, "Softmax") == {exact: scales, half: scales}
    logits = types_of(with_islands, "MatMul")[exact] - types_of(without, "MatMul")[exact]
    assert logits == scales


def test_a_half_precision_graph_runs_and_agrees(written, tiny_model_path, tmp_path):
    onnx.save(written("fp16"), tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    (picture,) = structured_pictures(16, 1)
    (depth,) = session.run(None, {"picture": picture[None]})
    np.testing.assert_allclose(depth, outputs(load_model(tiny_model_path), picture)[0].numpy(), rtol=5e-3)


def test_every_attempt_of_an_engine_keeps_islands_in_float32():
    assert all(set(attempt) <= ISLANDS for attempt in ATTEMPTS)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"precision": "fp8"}, "precision must be one of fp32, fp16, bf16, got 'fp8'"),
        ({"precision": "fp16", "islands": {NORM, "sea"}}, "islands must be of logits, norm, softmax, got sea"),
    ],
)
def test_what_is_unknown_is_told(tiny_model_path, tmp_path, options, told):
    with pytest.raises(BackendError, match=told):
        export_onnx(load_model(tiny_model_path), tmp_path / "a.onnx", **options)
    assert list(tmp_path.iterdir()) == []
