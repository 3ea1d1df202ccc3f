"""The model that the settings ask for, loaded and tried."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from depthart_core import BackendError, DepthEstimator
from depthart_core.advice import missing_export
from depthart_core.errors import MissingEngineError
from depthart_core.inference import BackendOptions
from depthart_core.model_files import export_folder, is_engine, is_export, model_path
from depthart_ros.parameters import Settings

WARM_UP_SHAPE = (480, 640, 3)


def options_of(settings: Settings) -> BackendOptions:
    """Return what a backend is asked for.

    Raises:
        BackendError: an unknown decoding or precision.
    """
    return BackendOptions(
        settings.device,
        settings.decode,
        settings.seed,
        threads=settings.threads or None,
        max_scales=settings.max_scales or None,
        precision=settings.precision,
    )


def load_estimator(settings: Settings) -> DepthEstimator:
    """Load the model and try it once, which also makes the first real frame as fast as the others.

    Raises:
        DepthartError: the model is missing, damaged, cannot run here, or gives no depth.
    """
    try:
        estimator = _load(settings)
        depth = estimator(np.full(WARM_UP_SHAPE, 128, np.uint8)).values
    except (ImportError, MemoryError, OSError, RuntimeError) as error:
        raise BackendError(f"model {settings.model!r} cannot run: {type(error).__name__}: {error}") from error
    if depth.shape != WARM_UP_SHAPE[:2] or not (np.isfinite(depth).all() and (depth > 0).all()):
        raise BackendError(
            f"{estimator.name} gives depth from {depth.min()} to {depth.max()}; expected finite values above 0"
        )
    return estimator


def _load(settings: Settings) -> DepthEstimator:
    """Load the model; an engine that is missing or does not fit is built first where the settings allow that."""

    def load() -> DepthEstimator:
        return DepthEstimator.load(settings.model, backend=settings.backend, **asdict(options_of(settings)))

    if settings.backend != "tensorrt" or not settings.build_engine or is_engine(settings.model):
        return load()  # from an engine none can be built
    try:
        return load()
    except MissingEngineError:
        from depthart_ros.cli.build_trt import build

        options = options_of(settings)
        build(settings.model, replace(options, device="cuda") if options.device == "auto" else options)
    return load()


def faster_with(settings: Settings, estimator: DepthEstimator) -> str:
    """Return the command that makes a graph for backend `auto` to take instead of PyTorch on a CPU; "" where none does.

    Raises:
        CheckpointError: the model is not there any more.
    """
    if settings.backend != "auto" or estimator.backend_name != "torch":
        return ""
    return missing_export(settings.model, options_of(settings))


def identity(settings: Settings, estimator: DepthEstimator) -> dict[str, str]:
    """Return what the answers of a loaded model depend on.

    Raises:
        CheckpointError: the model is not there any more.
    """
    digest = hashlib.sha256()
    exported = is_export(settings.model)
    files = filter(Path.is_file, export_folder(settings.model).iterdir()) if exported else [model_path(settings.model)]
    for file in sorted(files):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return {
        "model": estimator.name,
        "sha256": digest.hexdigest(),
        "scales": str(estimator.scales),
        "seed": str(settings.seed),
    }
