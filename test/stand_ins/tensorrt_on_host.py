"""What stands in for TensorRT: its engines are ONNX graphs that ONNX Runtime computes, with the host as the device."""

import ctypes
import sys
import types
from importlib.machinery import ModuleSpec

import numpy as np
import pytest


class Network:
    """A parsed graph; its outputs are what is asked of it."""

    model = None

    @property
    def num_outputs(self):
        return len(self.model.graph.output)

    def get_output(self, place):
        return self.model.graph.output[place]

    def unmark_output(self, tensor):
        self.model.graph.output.remove(tensor)


class Parser:
    num_errors = 0

    def __init__(self, network, _logger):
        self.network = network

    def parse_from_file(self, path):
        import onnx

        self.network.model = onnx.load(path)
        return True


class Config:
    """Remembers what is set."""

    def __init__(self):
        self.pools, self.cleared, self.cache, self.progress_monitor = {}, [], None, None

    def set_memory_pool_limit(self, pool, size):
        self.pools[pool] = size

    def clear_flag(self, flag):
        self.cleared.append(flag)

    def create_timing_cache(self, data):
        return types.SimpleNamespace(data=data, serialize=lambda: data + b"measured;")

    def set_timing_cache(self, cache, *, ignore_mismatch):
        self.cache = cache
        return ignore_mismatch or cache.data != b"of another GPU"

    def get_timing_cache(self):
        return self.cache


class Builder:
    """Makes an engine of a graph; the builds of the numbers in `spoils` are spoiled."""

    def __init__(self, _logger):
        pass

    def create_network(self, flags):
        assert flags == 2
        return Network()

    def create_builder_config(self):
        self.configs.append(Config())
        return self.configs[-1]

    def build_serialized_network(self, network, config):
        monitor = config.progress_monitor
        monitor.phase_start("building", None, 2)
        if not (monitor.step_complete("building", 0) and monitor.step_complete("building", 1)):
            return None
        monitor.phase_finish("building")
        if len(self.configs) - 1 in self.spoils:
            negate_depth(network.model.graph)
        return network.model.SerializeToString()


def negate_depth(graph):
    import onnx

    (last,) = [node for node in graph.node if "depth" in node.output]
    last.output[list(last.output).index("depth")] = "depth_"
    graph.node.extend([onnx.helper.make_node("Neg", ["depth_"], ["depth"])])


class Runtime:
    """Reads an engine for a `device`."""

    def __init__(self, _logger):
        pass

    def deserialize_cuda_engine(self, data):
        import onnxruntime

        return Engine(self.device, onnxruntime.InferenceSession(bytes(data)))


class Logger:
    """The levels of a TensorRT logger."""

    ERROR, INTERNAL_ERROR, WARNING = range(3)


def make_tensorrt(device, *, spoils=()):
    """A TensorRT 10.16 that spoils the builds of these numbers; `configs` are those of its builds."""
    trt = types.ModuleType("tensorrt")
    trt.__spec__ = ModuleSpec("tensorrt", None)  # PyTorch asks for it
    trt.__version__, trt.configs = "10.16.1", []
    trt.ILogger, trt.IProgressMonitor, trt.OnnxParser = Logger, object, Parser
    trt.Builder = type("Builder", (Builder,), {"configs": trt.configs, "spoils": spoils})
    trt.Runtime = type("Runtime", (Runtime,), {"device": device})
    trt.NetworkDefinitionCreationFlag = types.SimpleNamespace(STRONGLY_TYPED=1)
    trt.MemoryPoolType, trt.BuilderFlag = types.SimpleNamespace(WORKSPACE=0), types.SimpleNamespace(TF32=7)
    trt.TensorIOMode, trt.nptype = types.SimpleNamespace(INPUT="input"), np.dtype
    return trt


class Engine:
    """A graph in ONNX Runtime that reads and writes at addresses when the stream comes to it."""

    def __init__(self, device, session):
        self.device, self.session, self.arrays = device, session, {}
        kinds = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
        self.shapes = {
            io.name: (tuple(io.shape), kinds[io.type]) for io in (*session.get_inputs(), *session.get_outputs())
        }

    num_io_tensors = property(lambda self: len(self.shapes))

    def get_tensor_name(self, place):
        return list(self.shapes)[place]

    def get_tensor_shape(self, name):
        return self.shapes[name][0]

    def get_tensor_dtype(self, name):
        return self.shapes[name][1]

    def get_tensor_mode(self, name):
        return "input" if name == "picture" else "output"

    def create_execution_context(self):
        return self

    def set_tensor_address(self, name, address):
        shape, kind = self.shapes[name]
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        self.arrays[name] = np.frombuffer((ctypes.c_uint8 * size).from_address(address), kind).reshape(shape)

    def execute_async_v3(self, stream):
        (queued,) = (held for held in self.device.held if id(held) == stream)
        queued.append(self.run)
        return True

    def run(self):
        names = [name for name in self.shapes if name != "picture"]
        found = self.session.run(names, {"picture": self.arrays["picture"]})
        for name, values in zip(names, found, strict=True):
            self.arrays[name][...] = values


@pytest.fixture
def machine(monkeypatch, tmp_path, make_host):
    """A function that puts a TensorRT and a GPU in place and returns both."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def put(**options):
        device = make_host()
        trt = make_tensorrt(device, **options)
        monkeypatch.setitem(sys.modules, "tensorrt", trt)
        from depthart_core.backends import tensorrt
        from depthart_core.export import build

        for module in (build, tensorrt):
            monkeypatch.setattr(module, "open_device", lambda _: device)
        return trt, device

    return put
