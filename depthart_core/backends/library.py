"""TensorRT 10.3 to 11 or TensorRT-RTX, whichever can be imported: the module, what it logs, what it runs on."""

from __future__ import annotations

import importlib
import logging
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from depthart_core.backends.cuda import Device
from depthart_core.errors import BackendError, pip_install
from depthart_core.store.machine import Machine

if TYPE_CHECKING:
    import tensorrt

_log = logging.getLogger(__name__)

LIBRARIES = ("tensorrt", "tensorrt_rtx")
HOW = (
    "on a Jetson: sudo apt install python3-libnvinfer (part of JetPack; a virtual environment needs "
    "--system-site-packages to see it); on a desktop: {tensorrt}, or {rtx} for RTX cards"
)

KEPT = 8
"""Errors that are kept of a call; the first is the cause of the others."""


def import_library() -> Any:
    """The module of TensorRT.

    Raises:
        BackendError: None is installed, or none loads.
    """
    reasons = []
    for name in LIBRARIES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                reasons.append(f"{name} lacks {error.name}")
        except (ImportError, OSError, RuntimeError) as error:
            reasons.append(f"{name} does not load: {str(error).splitlines()[0]}")
    how = HOW.format(tensorrt=pip_install("tensorrt"), rtx=pip_install("tensorrt-rtx"))
    raise BackendError(f"TensorRT is not installed{''.join(f' ({reason})' for reason in reasons)}; {how}")


def machine_of(trt: Any, device: Device) -> Machine:
    """What an engine that is built here is tied to."""
    where = f"{platform.system()}-{platform.machine()}"
    return Machine(trt.__name__, str(trt.__version__), device.name, device.capability, where)


def make_logger(trt: Any) -> Any:
    """A logger that hands TensorRT's words on to ours and keeps the first errors since `begin`, in `errors`."""

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def begin(self) -> None:
            """Forget what earlier calls complained about."""
            self.errors.clear()

        def log(self, severity: tensorrt.ILogger.Severity, message: str) -> None:
            wrong = severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR)
            if wrong and len(self.errors) < KEPT:
                self.errors.append(message)
            _log.log(logging.INFO if severity == trt.ILogger.WARNING else logging.DEBUG, "%s", message)

    return Logger()


def start(kind: Callable[[Any], Any], logger: Any) -> Any:
    """A Builder or Runtime.

    Raises:
        BackendError: It cannot begin, for its bindings got nothing from the library: the driver is too old, say, or
            the GPU has no memory left.
    """
    try:
        return kind(logger)
    except TypeError as error:
        raise BackendError(f"TensorRT cannot start on this GPU: {first_error(logger)}; look at: nvidia-smi") from error


def first_error(logger: Any) -> str:
    """The first line of what TensorRT complained about first since the call began, or that it did not say."""
    return str(logger.errors[0]).splitlines()[0][:300] if logger.errors else "it does not say why"
