"""Which backend runs a model: the one that was asked for, or with "auto" the fastest that can."""

from __future__ import annotations

import importlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from depthart_core.errors import BackendError, importing
from depthart_core.model_files import is_engine, is_export, model_path
from depthart_core.store import exports
from depthart_core.store.engines import ENGINE_PRECISIONS, any_engine
from depthart_core.store.speeds import fastest_first

if TYPE_CHECKING:
    from depthart_core.inference import Backend, BackendOptions

_log = logging.getLogger(__name__)

BACKENDS = ("auto", "torch", "onnx", "openvino", "tensorrt")
"""All but "auto" are modules beside this one, which import their libraries and have a function `load`."""

GPU = "cuda"
"""What device "auto" means where an engine is to run."""


class Chosen(NamedTuple):
    """What runs a model: the backend's name, its device, and the loaded model."""

    name: str
    device: str
    backend: Backend


def load_backend(backend: str, model: str | Path, options: BackendOptions) -> Chosen:
    """Load a model for a backend, one of `BACKENDS`.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: An unknown backend, one that is not installed or cannot do what is asked for.
    """
    if backend not in BACKENDS:
        raise BackendError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if not (is_export(model) and str(model) and Path(model).exists()):
        model_path(model)  # says so where there is none, whatever the name looks like
    if options.device != "auto":
        return _load_on(backend, model, options)
    if backend == "tensorrt" or is_engine(model):
        return _load_on(backend, model, replace(options, device=GPU))
    engine = _load_cached_engine(model, replace(options, device=GPU)) if backend == "auto" else None
    return engine or _load_on(backend, model, replace(options, device="cpu"))


def _load_on(backend: str, model: str | Path, options: BackendOptions) -> Chosen:
    """Load a model where the options say."""
    name, loaded = _load_any(model, options) if backend == "auto" else (backend, _load(backend, model, options))
    return Chosen(name, options.device, loaded)


def _load_cached_engine(model: str | Path, options: BackendOptions) -> Chosen | None:
    """The engine that was built of a model for this GPU; None where there is none that can do what is asked for."""
    if is_export(model) or options.precision not in ("auto", *ENGINE_PRECISIONS) or not any_engine(model):
        return None
    engine = _load_engine(model, options, "the processor")
    return None if engine is None else Chosen("tensorrt", options.device, engine)


def _load_any(model: str | Path, options: BackendOptions) -> tuple[str, Backend]:
    """The fastest backend that can do it, or an engine on a GPU; PyTorch can always, or says what is wrong."""
    if is_export(model):
        return _load_export(model, options)
    if is_engine(model):
        return "tensorrt", _load("tensorrt", model, options)
    if options.precision == "int8":  # in which nothing else computes
        return "onnx", _load("onnx", model, options)
    if options.device.startswith("cuda"):
        engine = _load_engine(model, options, "torch")
        return ("torch", _load("torch", model, options)) if engine is None else ("tensorrt", engine)
    for backend in fastest_first(model, options.decode, options.precision, ("onnx", "openvino", "torch")):
        if backend == "torch":
            break
        try:
            found = exports.find_exports(model, options, backend=backend)
        except BackendError as error:
            _log.info("backend auto does without %s: %s", backend, error)
            continue
        loaded = _load_first(backend, found, options)
        if loaded is not None:
            return backend, loaded
    return "torch", _load("torch", model, options)


def _load_export(model: str | Path, options: BackendOptions) -> tuple[str, Backend]:
    """An export in ONNX Runtime, or in OpenVINO where that alone can run it.

    Raises:
        BackendError: What ONNX Runtime objects to, where neither can.
    """
    try:
        return "onnx", _load("onnx", model, options)
    except BackendError as error:
        try:
            loaded = _load("openvino", model, options)
        except BackendError:
            raise error from None
        _log.warning("backend auto takes openvino for %s: %s", model, error)
        return "openvino", loaded


def _load_first(backend: str, made: list[Path], options: BackendOptions) -> Backend | None:
    """The first export or engine that a backend can run, each that it cannot with a message why; None: it runs none."""
    for each in made:
        try:
            return _load(backend, each, options)
        except BackendError as error:  # somebody made it and will miss it, unless another precision is asked for
            exact = options.precision in ("auto", *exports.RUNNABLE.get(backend, ENGINE_PRECISIONS))
            level = logging.WARNING if exact else logging.INFO
            _log.log(level, "backend auto does without %s in %s: %s", each.name, backend, error)
    return None


def _load_engine(model: str | Path, options: BackendOptions, otherwise: str) -> Backend | None:
    """The first engine of a model that runs here; None: there is none, which is told with what is taken otherwise."""
    try:
        return _load_first("tensorrt", _import("tensorrt").find(model, options), options)
    except BackendError as error:  # whoever built an engine will miss it
        level = logging.WARNING if any_engine(model) else logging.INFO
        _log.log(level, "backend auto takes %s: %s", otherwise, error)
        return None


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
    loaded: Backend = _import(backend).load(model, options)
    return loaded


def _import(backend: str) -> Any:
    """The module of a backend, which imports its library.

    Raises:
        BackendError: The library is not installed.
    """
    with importing(f"backend {backend!r}"):
        return importlib.import_module(f"depthart_core.backends.{backend}")
