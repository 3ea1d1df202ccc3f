"""Loads and tries the model that the settings ask for, and builds its engine where they allow that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from depthart_core import BackendError, DepthEstimator
from depthart_core.advice import missing_export
from depthart_core.errors import MissingEngineError, importing
from depthart_core.inference import BackendOptions
from depthart_core.model_files import export_folder, is_engine, is_export, model_path
from depthart_core.store import engines
from depthart_ros.driver.sources import sample_pictures
from depthart_ros.parameters.settings import Settings

if TYPE_CHECKING:
    from depthart_core.export.build import Built, EngineOptions

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


def load_estimator(settings: Settings, *, report: Callable[[str], object] = print) -> DepthEstimator:
    """Load the model and try it once, which also makes the first real frame as fast as the others.

    Args:
        settings: of the node.
        report: gets a sentence at every step where an engine is built first.

    Raises:
        DepthartError: the model is missing, damaged, cannot run here, or gives no depth.
    """
    try:
        estimator = _load(settings, report)
        depth = estimator(np.full(WARM_UP_SHAPE, 128, np.uint8)).values
    except (ImportError, MemoryError, OSError, RuntimeError) as error:
        raise BackendError(f"model {settings.model!r} cannot run: {type(error).__name__}: {error}") from error
    if depth.shape != WARM_UP_SHAPE[:2] or not (depth > 0).all():  # the estimator refuses what is not finite
        raise BackendError(
            f"{estimator.name} gives depth from {depth.min()} to {depth.max()}; expected finite values above 0"
        )
    return estimator


def _load(settings: Settings, report: Callable[[str], object]) -> DepthEstimator:
    """Load the model; an engine that is missing or does not fit is built first where the settings allow that."""

    def load() -> DepthEstimator:
        return DepthEstimator.load(settings.model, backend=settings.backend, **asdict(options_of(settings)))

    if settings.backend != "tensorrt" or not settings.build_engine or is_engine(settings.model):
        return load()  # from an engine none can be built
    with suppress(MissingEngineError):
        return load()
    options = options_of(settings)
    on_gpu = replace(options, device="cuda") if options.device == "auto" else options
    build_engine(settings.model, on_gpu, report=report, progress=_by_quarters(report))
    return load()


def _by_quarters(report: Callable[[str], object]) -> Callable[[float], object]:
    """Tell how far a try of a build has come, at every quarter."""
    told = 0

    def progress(share: float) -> None:
        nonlocal told
        before, told = told, int(4 * share)
        if told > before:
            report(f"built to {told * 25} %")

    return progress


def build_engine(
    model: str,
    options: BackendOptions,
    wish: EngineOptions | None = None,
    *,
    report: Callable[[str], object],
    progress: Callable[[float], object] = lambda _: None,
) -> Built:
    """Build and prove an engine on the packaged pictures, and tell what it is like.

    Args:
        model: a packaged name or the path of a model file.
        options: device, decoding and number of scales.
        wish: what engine; None: in the precision of the options, for a node, whose handlers of signals stay.
        report: gets a sentence at every step, and those about the engine.
        progress: gets the share of a try that is done, 0..1; starts anew with every try.

    Raises:
        CheckpointError: the model is missing or damaged.
        BackendError: a library or the GPU is missing, an option makes no sense, the engine deviates or cannot be kept.
        ImageError: the packaged pictures cannot be read.
    """
    with importing("building"):
        from depthart_core.export import build

    if wish is None:
        precision = engines.ENGINE_PRECISIONS[0] if options.precision == "auto" else options.precision
        wish = build.EngineOptions(precision)
    done = build.build_engine(model, options, wish, pictures=sample_pictures(), report=report, progress=progress)
    for name, figures in done.record.deviation.items():
        report(f"{name}: {figures['mean']:.2g} from PyTorch on average, {figures['p99']:.2g} for 1 % of the values")
    kept = ", ".join(done.record.float32) or "nothing"
    size, precision = done.record.engine_bytes / 1e6, done.record.precision
    report(f"{done.path}: {size:.1f} MB in {precision}; kept in float32 besides: {kept}")
    return done


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
