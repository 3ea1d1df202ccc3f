"""What is said where a library cannot run a model that it has loaded."""

import importlib.util
import subprocess
import sys

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

RUNS_OUT = """
import resource, sys
import numpy as np
from depthart_core import BackendError, DepthEstimator
picture = np.zeros((48, 64, 3), np.uint8)
estimator = DepthEstimator.load(sys.argv[1], backend=sys.argv[2], threads=1)
estimator(picture)
(taken,) = (int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (taken, taken))
try:
    estimator(picture)
except BackendError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells no VmSize")
@pytest.mark.parametrize("backend", ["torch", pytest.param("onnx", marks=WITHOUT)])
def test_memory_that_runs_out_is_one_sentence_with_model_and_cure(request, backend):
    model = "nano" if backend == "torch" else request.getfixturevalue("exported")("nano")[2].path
    done = subprocess.run(
        [sys.executable, "-c", RUNS_OUT, str(model), backend], capture_output=True, text=True, check=True
    )
    (sentence,) = done.stdout.splitlines()
    assert sentence.startswith(f"nano{'' if backend == 'torch' else '-expected-stepped-fp32'} ({backend} on cpu, ")
    assert sentence.endswith(f"; {OUT_OF_MEMORY}")


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


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "MemoryError"),
        (MemoryError("std::bad_alloc"), "std::bad_alloc"),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB.\nmore"), "CUDA out .* 20 MiB."),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"), "CUDA error: out of memory"),
    ],
)
def test_memory_is_recognised_in_the_words_of_every_library(error, reason):
    with pytest.raises(BackendError, match=f"^this cannot run: {reason}; {OUT_OF_MEMORY}$"), \
            running("this cannot run", RuntimeError, MemoryError):  # fmt: skip
        raise error


def test_what_is_no_error_of_the_library_stays_what_it_is():
    with pytest.raises(KeyError), running("this cannot run", RuntimeError):
        raise KeyError
