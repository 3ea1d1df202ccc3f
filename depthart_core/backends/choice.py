"""Which backend runs a model: the one that was asked for, or with "auto" the fastest that can."""

from __future__ import annotations

import importlib
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.backends import engines, graphs
from depthart_core.backends.speeds import fastest_first
from depthart_core.errors import BackendError, importing
from depthart_core.model_files import is_engine, is_export

if TYPE_CHECKING:
    from depthart_core.estimator import Backend, BackendOptions

_log = logging.getLogger(__name__)

MODULES = {
    "torch": "depthart_core.backends.torch",
    "onnx": "depthart_core.backends.onnx",
    "openvino": "depthart_core.backends.openvino",
    "tensorrt": "depthart_core.backends.tensorrt",
}
"""Name of a backend -> its module, which imports its library only then and has a function `load`."""

BACKENDS = ("auto", *MODULES)


def load_backend(backend: str, model: str | Path, options: BackendOptions) -> tuple[str, Backend]:
    """Load a model for a backend, one of `BACKENDS`; returns the name of the one that runs it, and that one.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: An unknown backend, one that is not installed or cannot do what is asked for.
    """
    if backend not in BACKENDS:
        raise BackendError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    return _load_any(model, options) if backend == "auto" else (backend, _load(backend, model, options))


def _load_any(model: str | Path, options: BackendOptions) -> tuple[str, Backend]:
    """The fastest backend that can do it, and its name; PyTorch can always, or says what is wrong."""
    if is_export(model):
        return "onnx", _load("onnx", model, options)
    if is_engine(model):
        return "tensorrt", _load("tensorrt", model, options)
    if options.precision == "int8":  # in which nothing else computes
        return "onnx", _load("onnx", model, options)
    if options.device.startswith("cuda"):
        return _load_on_gpu(model, options)
    for backend in fastest_first(model, options.decode, ("onnx", "openvino", "torch")):
        if backend == "torch":
            break
        try:
            exports = graphs.find_exports(model, options, backend=backend, form="stepped")
        except BackendError as error:
            _log.info("backend auto does without %s: %s", backend, error)
            continue
        loaded = _load_first(backend, exports, options)
        if loaded is not None:
            return backend, loaded
    return "torch", _load("torch", model, options)


def _load_first(backend: str, exports: list[Path], options: BackendOptions) -> Backend | None:
    """The first export that a backend can run, each that it cannot with a message why; None: it runs none."""
    for export in exports:
        try:
            return _load(backend, export, options)
        except BackendError as error:  # somebody made the graph and will miss it, unless another precision is asked for
            exact = options.precision in ("auto", *graphs.RUNNABLE[backend])
            level = logging.WARNING if exact else logging.INFO
            _log.log(level, "backend auto does without %s in %s: %s", export.name, backend, error)
    return None


def _load_on_gpu(model: str | Path, options: BackendOptions) -> tuple[str, Backend]:
    """The same for a GPU: an engine where one is there, PyTorch elsewhere."""
    try:
        return "tensorrt", _load("tensorrt", model, options)
    except BackendError as error:  # whoever built an engine will miss it
        _log.log(_weight(model), "backend auto takes torch: %s", error)
    return "torch", _load("torch", model, options)


def _weight(model: str | Path) -> int:
    """The level of a message that no engine of a model can be used."""
    with suppress(BackendError):
        return logging.WARNING if engines.any_engine(model) else logging.INFO
    return logging.INFO


def _load(backend: str, model: str | Path, options: BackendOptions) -> Backend:
    """Import a backend's library and load a model for it.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: The library is not installed, or cannot do what is asked for.
    """
    if is_export(model) and backend == "torch":
        raise BackendError(f"{model} is an export, which backend 'torch' does not run; give the model itself")
    if is_engine(model) and backend != "tensorrt":
        raise BackendError(f"{model} is an engine for backend 'tensorrt', got backend {backend!r}")
    with importing(f"backend {backend!r}"):
        module = importlib.import_module(MODULES[backend])
    loaded: Backend = module.load(model, options)
    return loaded
