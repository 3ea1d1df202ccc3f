"""What TensorRT's backend, its builder and the GPU say where something is missing, on machines without a GPU."""

import subprocess
import sys
import types

import numpy as np
import pytest

from depthart_core import BackendError, CheckpointError, DepthEstimator
from depthart_core.backends.cuda import open_device
from depthart_core.backends.library import KEPT, import_library, start
from depthart_core.backends.runner import Tensor
from depthart_core.backends.tensorrt import EngineProgram
from depthart_core.errors import importing


def gpu_is_there():
    try:
        open_device("cuda")
    except BackendError:
        return False
    return True


without_gpu = pytest.mark.skipif(gpu_is_there(), reason="there is a GPU here")


@pytest.fixture
def no_library(monkeypatch):
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)


def test_without_tensorrt_it_says_how_to_get_it(no_library):
    with pytest.raises(BackendError, match=r"TensorRT is not installed; on a Jetson: sudo apt install .*pip install"):
        DepthEstimator.load("nano", backend="tensorrt", device="cuda")


def test_a_library_that_does_not_load_is_told_with_its_reason(monkeypatch, tmp_path):
    (tmp_path / "tensorrt.py").write_text("raise ImportError('libnvinfer.so.10: cannot open shared object file')")
    (tmp_path / "tensorrt_rtx.py").write_text("import no_such_bindings")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(BackendError, match=r"libnvinfer.so.10: cannot open .*tensorrt_rtx lacks no_such_bindings"):
        import_library()


def test_bindings_that_get_nothing_from_the_library_are_one_sentence():
    """What TensorRT's bindings raise where the driver is too old for it, say."""

    class Builder:
        def __init__(self, _logger):
            raise TypeError("pybind11::init(): factory function returned nullptr")

    class Logger:
        errors = ("CUDA initialization failure with error: 35",)

    with pytest.raises(BackendError, match=r"TensorRT cannot start on this GPU: CUDA init.* 35; look at: nvidia-smi"):
        start(Builder, Logger())


class Library:
    """A TensorRT whose engine complains twice at every run, and fails when it is told to."""

    __name__, __version__ = "tensorrt", "10.16.1"

    class ILogger:
        ERROR, INTERNAL_ERROR, WARNING = range(3)

    class Runtime:
        num_io_tensors, fails = 0, False

        def __init__(self, logger):
            self.ears, self.runs = logger, 0

        def deserialize_cuda_engine(self, _data):
            return self

        def create_execution_context(self):
            return self

        def execute_async_v3(self, _stream):
            self.runs += 1
            for word in ("cause", "consequence"):
                self.ears.log(Library.ILogger.ERROR, f"{word} of run {self.runs}\nin detail")
            return not self.fails


def test_a_run_that_fails_is_told_with_its_own_first_error_and_no_run_is_remembered_for_ever():
    program = EngineProgram(Library(), b"")
    for _ in range(3):
        program.enqueue(0)
    program.context.fails = True
    with pytest.raises(BackendError, match=r"TensorRT cannot run the engine: cause of run 4$"):
        program.enqueue(0)
    for _ in range(100):
        program.logger.log(Library.ILogger.INTERNAL_ERROR, "again")
    assert len(program.logger.errors) == KEPT


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModuleNotFoundError("no", name="pycuda"), "this needs the package pycuda: pip install pycuda"),
        (ImportError("libcudnn.so.9: cannot open\nmore"), "this cannot import its library: libcudnn.so.9: cannot open"),
        (OSError("libcublas.so.13: no such file"), "this cannot import its library: libcublas.so.13: no such file"),
    ],
)
def test_a_library_that_does_not_import_is_one_sentence(error, sentence):
    with pytest.raises(BackendError) as told, importing("this"):
        raise error
    assert str(told.value) == sentence


@without_gpu
def test_without_a_gpu_it_says_where_to_look():
    pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed (extra `tensorrt`)")
    with pytest.raises(BackendError, match=r"no GPU that CUDA can use here \(cudaError\w+.*\); look at: nvidia-smi"):
        open_device("cuda")


@without_gpu
def test_without_a_gpu_an_engine_is_not_even_looked_for():
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (x86-64 Linux alone, extra `dev`)")
    with pytest.raises(BackendError, match="there is no GPU that CUDA can use here"):
        DepthEstimator.load("nano", backend="tensorrt", device="cuda")


@pytest.mark.parametrize("device", ["cpu", "cuda:x", "gpu"])
def test_a_device_that_is_none_of_cuda_is_told(device):
    with pytest.raises(BackendError, match=f"an engine runs on device cuda or cuda:N, got device '{device}'"):
        open_device(device)


def test_without_bindings_it_says_how_to_get_them(monkeypatch):
    for name in ("cuda.bindings.runtime", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendError, match=r"needs cuda-bindings or pycuda .*: pip install cuda-bindings"):
        open_device("cuda")


def test_an_engine_is_for_the_backend_tensorrt_alone(tmp_path):
    (tmp_path / "a.engine").touch()
    with pytest.raises(BackendError, match="is an engine for backend 'tensorrt', got backend 'torch'"):
        DepthEstimator.load(tmp_path / "a.engine", backend="torch")


def test_the_modules_of_the_runtime_load_no_torch():
    program = "import sys, depthart_core.backends.tensorrt; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_buffer_has_the_bytes_of_its_shape():
    assert Tensor("picture", (1, 4, 4, 3), np.uint8, is_input=True).size == 48
    assert Tensor("depth", (1, 4, 4), np.float32, is_input=False).size == 64


@pytest.mark.parametrize(
    ("model", "options", "error", "words"),
    [
        ("absent.safetensors", {}, CheckpointError, "no model file"),
        ("nano", {"decode": "sample"}, BackendError, "a graph decodes expected or argmax, got 'sample'"),
        ("nano", {"max_scales": 99}, BackendError, "max_scales must be 1 to "),
    ],
)
def test_what_cannot_be_built_is_told_before_a_gpu_is_looked_for(model, options, error, words):
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")
    from depthart_core.export.build import build_engine
    from depthart_core.inference import BackendOptions

    with pytest.raises(error, match=words):
        build_engine(model, BackendOptions("cuda", **options))


def make_bindings(error, count):
    """cuda-bindings that count GPUs, or fail."""
    module = types.ModuleType("cuda.bindings.runtime")
    module.cudaGetDeviceCount = lambda: (types.SimpleNamespace(name=error), count)
    return module


def make_pycuda(count):
    """A pycuda that counts GPUs."""

    class Device:
        def __init__(self, _index):
            pass

        def name(self):
            return "GPU"

        def compute_capability(self):
            return 8, 7

        def retain_primary_context(self):
            return None

        count = staticmethod(lambda: count)

    module = types.ModuleType("pycuda.driver")
    module.init, module.Device, module.Error = lambda: None, Device, RuntimeError
    return module


def test_pycuda_is_taken_where_the_bindings_are_too_new_for_the_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", make_bindings("cudaErrorInsufficientDriver", None))
    monkeypatch.setitem(sys.modules, "pycuda.driver", make_pycuda(1))
    assert (open_device("cuda").name, open_device("cuda").capability) == ("GPU", "8.7")
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(BackendError, match=r"Driver; with an old driver: pip install .*'cuda-bindings<13'\); look at"):
        open_device("cuda")
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", make_bindings("cudaErrorNoDevice", None))
    with pytest.raises(BackendError, match=r"can use here \(cudaErrorNoDevice\); look at: nvidia-smi"):
        open_device("cuda")
