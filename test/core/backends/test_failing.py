"""What is said where a library cannot run a model that it has loaded."""

import importlib.util
import traceback

import numpy as np
import pytest
import torch

from depthart_core import BackendError, DepthEstimator
from depthart_core.errors import OUT_OF_MEMORY, running

PICTURE = np.zeros((48, 64, 3), np.uint8)
WITHOUT = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("onnxscript") is None,
    reason="onnxruntime or onnxscript is not installed (extra `onnx`)",
)

WITHOUT_OPENVINO = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")


def test_memory_that_runs_out_in_pytorch_is_one_sentence_with_model_and_cure(toy_model_path):
    estimator = DepthEstimator.load(toy_model_path, backend="torch")
    estimator.backend.model.embed.register_forward_pre_hook(lambda *_: torch.empty(2**48))  # a million GiB
    with pytest.raises(BackendError) as told:
        estimator(PICTURE)
    assert str(told.value).startswith(f"toy (torch on cpu, expected): PyTorch {torch.__version__} cannot run the model")
    assert str(told.value).endswith(f"; {OUT_OF_MEMORY}")


def repeating(times):
    """A graph that repeats the picture."""
    from onnx import TensorProto, helper

    shape = [1, 64, 64, 3]
    graph = helper.make_graph(
        [helper.make_node("Expand", ["picture", "shape"], ["pictures"])],
        "repeating",
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, [times, *shape[1:]])],
        [helper.make_tensor("shape", TensorProto.INT64, [4], [times, *shape[1:]])],
    )
    opset = helper.make_opsetid("", 20)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


@WITHOUT
def test_memory_that_runs_out_in_onnx_runtime_is_one_sentence_with_model_and_cure(exported):
    from onnxruntime import InferenceSession

    _, _, done = exported("heads")
    estimator = DepthEstimator.load(done.path, backend="onnx")
    parts = estimator.backend.parts
    parts.sessions["prefix"] = InferenceSession(repeating(2**36), providers=["CPUExecutionProvider"])  # a million GiB
    parts.outputs["prefix"] = ["pictures"]
    with pytest.raises(BackendError) as told:
        estimator(PICTURE)
    assert str(told.value).startswith(f"{done.path.name} (onnx on cpu, expected): ONNX Runtime ")
    assert str(told.value).endswith(f"; {OUT_OF_MEMORY}")


def test_what_pytorch_cannot_run_names_the_model_and_keeps_the_cause(toy_model_path):
    estimator = DepthEstimator.load(toy_model_path, backend="torch")
    embed = estimator.backend.model.embed
    embed.weight.data = embed.weight.data[:, :3]
    with pytest.raises(BackendError) as told:
        estimator(PICTURE)
    said = f"toy (torch on cpu, expected): PyTorch {torch.__version__} cannot run the model: mat1 and mat2 shapes"
    assert str(told.value).startswith(said)
    assert OUT_OF_MEMORY not in str(told.value)
    assert isinstance(told.value.__cause__, RuntimeError)


def test_an_error_without_a_cause_still_says_where_it_came_from(toy_model_path):
    estimator = DepthEstimator.load(toy_model_path, backend="torch")

    def refuse(*_):
        raise BackendError("refused")

    estimator.backend.model.embed.register_forward_pre_hook(refuse)
    with pytest.raises(BackendError, match=r"^toy \(torch on cpu, expected\): refused$") as told:
        estimator(PICTURE)
    assert told.value.__cause__ is None
    assert "in refuse" in "".join(traceback.format_exception(told.value))


@WITHOUT
def test_what_onnx_runtime_cannot_run_names_the_model_and_keeps_the_cause(exported):
    _, _, done = exported("heads")
    estimator = DepthEstimator.load(done.path, backend="onnx")
    estimator.backend.input_size = 5
    with pytest.raises(BackendError) as told:
        estimator(PICTURE)
    assert str(told.value).startswith(f"{done.path.name} (onnx on cpu, expected): ONNX Runtime ")
    assert "cannot run prefix.onnx: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT" in str(told.value)
    assert OUT_OF_MEMORY not in str(told.value)
    assert type(told.value.__cause__).__module__.startswith("onnxruntime")
    estimator.backend.input_size = 64
    assert np.isfinite(estimator(PICTURE).values).all()  # the next picture has its turn


@WITHOUT
def test_values_that_onnx_runtime_cannot_hold_are_one_sentence(exported):
    parts = DepthEstimator.load(exported("heads")[2].path, backend="onnx").backend.parts
    with pytest.raises(BackendError, match=r"^ONNX Runtime .* cannot run the graphs: "):
        parts.value(np.zeros(1, "datetime64[s]"))


@pytest.mark.openvino
@WITHOUT
@WITHOUT_OPENVINO
def test_what_openvino_cannot_run_names_the_model_and_keeps_the_cause(exported):
    _, _, done = exported("heads")
    estimator = DepthEstimator.load(done.path, backend="openvino")
    estimator.backend.input_size = 5
    with pytest.raises(BackendError, match=r" \(openvino .*: OpenVINO .* cannot run prefix\.onnx: ") as told:
        estimator(PICTURE)
    assert OUT_OF_MEMORY not in str(told.value)
    assert isinstance(told.value.__cause__, RuntimeError)
    with pytest.raises(BackendError, match=r"^OpenVINO .* cannot run the graphs: "):
        estimator.backend.parts.value(np.zeros(1, "datetime64[s]"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "MemoryError"),
        (MemoryError("std::bad_alloc"), "std::bad_alloc"),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB.\nmore"), "CUDA out .* 20 MiB."),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"), "CUDA error: out of memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when"), "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"), "cuDNN error: .*_FAILED"),
        (RuntimeError("Failed to allocate memory for requested buffer"), "Failed to allocate memory for .* buffer"),
    ],
)
def test_memory_is_recognised_in_the_words_of_every_library(error, reason):
    with pytest.raises(BackendError, match=f"^this cannot run: {reason}; {OUT_OF_MEMORY}$"), \
            running("this cannot run", RuntimeError, MemoryError):  # fmt: skip
        raise error


def test_an_allocator_that_is_named_is_no_lack_of_memory():
    with pytest.raises(BackendError, match=r"^this cannot run: No requested allocator available$"), \
            running("this cannot run", RuntimeError):  # fmt: skip
        raise RuntimeError("No requested allocator available")


def test_what_is_no_error_of_the_library_stays_what_it_is():
    with pytest.raises(KeyError), running("this cannot run", RuntimeError):
        raise KeyError
