"""Every name of TensorRT and of CUDA that our code uses is there in the real bindings, from TensorRT 10.3 to 11.4.

NVIDIA's bindings are imported without the libraries they belong to: stubs define the few functions that they link to.
What our code uses is read from its syntax: attributes of the module `trt`, and those of every variable that is
annotated as one of `tensorrt`'s types. What it asks for by `hasattr` or `getattr` may be missing.
"""

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "depthart_core"
OURS = [CORE / f"{name}.py" for name in ("backends/library", "export/compiling", "backends/tensorrt")]
VERSIONS = {
    "10.3.0": "tensorrt-cu12-bindings==10.3.0",
    "10.13": "tensorrt-cu12-bindings==10.13.*",
    "10.16": "tensorrt-cu13-bindings==10.16.*",
    "11.4": "tensorrt-cu13-bindings==11.4.*",
}
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "depthart-tests"
FUNCTIONS = (
    "createInferBuilder_INTERNAL", "createInferRefitter_INTERNAL", "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL", "createNvOnnxParser_INTERNAL", "getBuilderPluginRegistry",
    "getNvOnnxParserVersion", "getPluginRegistry", "initLibNvInferPlugins",
)  # fmt: skip
LIBRARIES = ("libnvinfer", "libnvonnxparser", "libnvinfer_plugin")
REPORT = """
import json, sys
import tensorrt_bindings as trt
used = json.loads(sys.stdin.read())
def missing(chain):
    value = trt
    for name in chain.split("."):
        if not hasattr(value, name):
            return True
        value = getattr(value, name)
    return False
print(json.dumps([trt.__version__, [chain for chain in used if missing(chain)]]))
"""


def chain_of(node):
    """`a.b.c` -> ["a", "b", "c"], None for what is no such chain."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else None


def types_of(tree):
    """Variable, as `name` or `self.name`, -> the type of TensorRT that it is annotated as."""
    found = {}
    for node in ast.walk(tree):
        target = node.target if isinstance(node, ast.AnnAssign) else node if isinstance(node, ast.arg) else None
        words = re.search(r"\btensorrt\.([\w.]+)", ast.unparse(node.annotation)) if target and node.annotation else None
        if words:
            found[target.arg if isinstance(target, ast.arg) else ast.unparse(target)] = words[1]
    return found


def used_names(source):
    """Names in the module of TensorRT that a source needs, such as `IBuilderConfig.set_memory_pool_limit`."""
    tree = ast.parse(source)
    types = types_of(tree)
    used = set(types.values())
    for node in ast.walk(tree):
        chain = chain_of(node)
        if not chain or len(chain) < 2:
            continue
        if chain[0] == "trt" and not chain[1].startswith("__"):
            used.add(".".join(chain[1:]))
        for length in (1, 2):
            owner = types.get(".".join(chain[:length]))
            if owner and len(chain) > length:
                used.add(f"{owner}.{chain[length]}")
    asked = {
        f"{'.'.join(chain_of(call.args[0])[1:])}.{call.args[1].value}"
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "hasattr"
        and isinstance(call.args[1], ast.Constant) and chain_of(call.args[0])[0] == "trt"
    }  # fmt: skip
    return used - asked


@pytest.fixture(scope="session")
def used():
    return sorted(set().union(*(used_names(path.read_text()) for path in OURS)) - RTX_ALONE)


RTX_ALONE = {"ComputeCapability", "IBuilderConfig.num_compute_capabilities", "IBuilderConfig.set_compute_capability"}
"""What is used only for targets that are not here, which TensorRT-RTX alone builds for."""


@pytest.fixture(scope="session")
def bindings(tmp_path_factory):
    """Version -> folder to import its bindings from, made once, with stubs beside them."""
    if sys.platform != "linux" or shutil.which("cc") is None:
        pytest.skip("needs Linux and a C compiler (cc) for stub libraries")

    def unpack(version):
        wheel = wheel_of(VERSIONS[version])
        folder = tmp_path_factory.mktemp("bindings")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        source = folder / "stub.c"
        source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in FUNCTIONS))
        for library in LIBRARIES:
            name = f"{library}.so.{version.split('.')[0]}"
            subprocess.run(["cc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", folder / name, source], check=True)
        return folder

    return unpack


def wheel_of(requirement):
    """The wheel, from the folder of earlier runs or from the package index."""
    folder = CACHE / re.sub(r"\W+", "-", requirement)
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]
        try:
            done = subprocess.run([*command, folder, requirement], capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired as error:
            pytest.skip(f"no package index gave {requirement} within {error.timeout:g} s")
        if done.returncode:
            pytest.skip(f"no package index offers {requirement}: {done.stderr.strip().splitlines()[-1][:200]}")
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.parametrize("version", VERSIONS)
def test_every_name_of_tensorrt_is_there(bindings, used, version):
    folder = bindings(version)
    environment = os.environ | {"PYTHONPATH": str(folder), "LD_LIBRARY_PATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", REPORT], input=json.dumps(used), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found, missing = json.loads(done.stdout)
    assert found.startswith(version)
    assert missing == []


def test_every_name_of_tensorrt_rtx_is_there():
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed (x86-64 Linux alone, extra `dev`)")
    for chain in sorted(set().union(*(used_names(path.read_text()) for path in OURS))):
        value = trt
        for name in chain.split("."):
            value = getattr(value, name)


def test_names_are_read_from_our_sources(used):
    """Some of each kind: a type, a method of an annotated variable, one of an attribute, a member of an enumeration."""
    assert {
        "Builder",
        "IBuilderConfig.set_memory_pool_limit",
        "IExecutionContext.execute_async_v3",
        "MemoryPoolType.WORKSPACE",
        "OnnxParser.parse_from_file",
    } <= set(used)
    assert "NetworkDefinitionCreationFlag.STRONGLY_TYPED" not in used


def test_a_name_that_is_not_there_would_be_found():
    source = "def f(trt, config: tensorrt.IBuilderConfig):\n    config.no_such_method()\n    trt.NoSuchThing.MEMBER\n"
    assert {"IBuilderConfig.no_such_method", "NoSuchThing.MEMBER"} <= used_names(source)


def test_every_name_of_cuda_bindings_is_there():
    pytest.importorskip("cuda.bindings", reason="cuda-bindings is not installed (extra `tensorrt`)")
    runtime = importlib.import_module("cuda.bindings.runtime")
    names = set(re.findall(r"\bcuda[A-Z]\w+", (CORE / "backends" / "cuda_devices.py").read_text()))
    names |= set(re.findall(r"\bruntime\.(cuda\w+)", (CORE / "backends" / "cuda.py").read_text()))
    assert len(names) > 25
    members = {name for kind in ("cudaDeviceAttr", "cudaMemcpyKind", "cudaStreamCaptureMode")
               for name in dir(getattr(runtime, kind))}  # fmt: skip
    assert sorted(name for name in names if not hasattr(runtime, name) and name not in members) == []
    driver = importlib.import_module("cuda.bindings.driver")
    driven = set(re.findall(r"\bdriver\.(cu[A-Z]\w+)", (CORE / "backends" / "cuda_devices.py").read_text()))
    assert "cuCtxPushCurrent" in driven
    assert sorted(name for name in driven if not hasattr(driver, name)) == []
