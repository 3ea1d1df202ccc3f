"""Whether the parameters are valid and the model that they name runs here."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from depthart_core import CheckpointError, ConfigError, DepthartError
from depthart_core.advice import EXACT, advised_export, prefers_export
from depthart_core.model_files import export_folder, fingerprint, is_engine, is_export, model_path
from depthart_core.store import engines, exports
from depthart_ros.doctor.findings import Finding
from depthart_ros.inputs.calibration_file import load_calibration
from depthart_ros.model_loading import WARM_UP_SHAPE, load_estimator, options_of
from depthart_ros.outputs.scaling import scale_possible
from depthart_ros.parameters.files import read_given, settings_of
from depthart_ros.parameters.settings import Settings

ROUNDS = 3
BY_DEFAULT = "the node's defaults, without --params-file"
OF_NODE = " (what a running node has stands below)"


def check_parameters(
    file: Path | None, assignments: Sequence[str], *, node_heard: bool = False
) -> tuple[list[Finding], Settings | None]:
    """Read parameters as the node would.

    Args:
        file: a parameter file, or None.
        assignments: NAME:=VALUE, which win.
        node_heard: whether a running node has told its own, which are found later.

    Returns:
        What was found, and the settings, None where they are wrong.
    """
    whose, ignored = "", list[str]()
    try:
        values = read_given(file, assignments, ignored.append)
        settings, by_camera = settings_of(values), dict[str, Settings]()
        for camera in settings.cameras or ("",):
            whose = f"camera {camera}: " if camera else ""
            by_camera[camera] = settings_of(values, camera)
    except ConfigError as error:
        wrong = Finding("parameters", f"{whose}{error}", f"correct {file or 'the parameter'}")
        return [*(Finding("parameters", sentence) for sentence in ignored), wrong], None
    given = " and ".join([*([str(file)] if file else []), *assignments])
    valid = f"{given}: valid" if given else BY_DEFAULT + (OF_NODE if node_heard else "")
    sentences = [*ignored, valid + _without_metres(by_camera)]
    found = [Finding("parameters", sentence) for sentence in sentences]
    return [*found, *_check_calibrations(by_camera, file)], settings


def _check_calibrations(by_camera: dict[str, Settings], file: Path | None) -> Iterator[Finding]:
    """Yield which calibrations cannot be read: a robot's may lie on the robot alone."""
    for camera, settings in by_camera.items():
        try:
            if settings.camera_info_url:
                load_calibration(settings.camera_info_url)
        except ConfigError as error:
            whose = f"camera {camera}: " if camera else ""
            yield Finding("parameters", f"{whose}{error}", f"bring the file, or correct {file or 'the parameter'}")


def _without_metres(by_camera: dict[str, Settings]) -> str:
    """Return whose scale is unknown, as the end of a sentence; "" where everyone's is known."""
    of = [camera for camera, settings in by_camera.items() if not scale_possible(settings, heads=True)]
    whose = f"the scale of {', '.join(of)}" if any(of) else "the scale"
    return f"; {whose} is unknown, so neither metres nor a cloud will come" if of else ""


def check_model(settings: Settings) -> Iterator[Finding]:
    """Yield what is known of the model's file and its graph, and how long it takes here."""
    try:
        if is_export(settings.model):
            record = exports.read_record(export_folder(settings.model))
            yield Finding("model", f"{settings.model}: an export of {record.model}, {_proof(record)}")
        elif is_engine(settings.model):
            engine = engines.read_engine_record(Path(settings.model))
            yield Finding("model", f"{settings.model}: an engine of {engine.model} in {engine.precision}")
        else:
            path = model_path(settings.model)
            yield Finding("model", f"{path}: undamaged, weights {fingerprint(path).sha256[:12]}")
            yield from _check_graph(settings)
        yield from _try(settings)
    except DepthartError as error:
        yield Finding("model", str(error), _cure(error, settings))


def _check_graph(settings: Settings) -> Iterator[Finding]:
    """Yield which graph of the cache runs, and which are damaged; only who asks for onnx cannot do without."""
    options = options_of(settings)
    if settings.backend != "onnx" and not (settings.backend == "auto" and prefers_export(options)):
        return
    needed = settings.backend == "onnx" or settings.precision == "int8"  # in which nothing else computes
    try:
        found = exports.find_exports(settings.model, options, backend="onnx")
    except DepthartError as error:
        if needed:
            yield Finding("graph", str(error), _cure(error, settings))
        else:
            command = advised_export(settings.model, options)
            exact = f" ({EXACT})" if options.precision == "auto" else ""
            yield Finding("graph", f"none; without an engine PyTorch runs the model; faster on a CPU: {command}{exact}")
        return
    for export in found:
        try:
            folder, record, _ = exports.open_export(export, options, backend="onnx")
        except DepthartError as error:  # whoever made it will miss it
            yield Finding("graph", str(error), _cure(error, settings))
            if needed:  # it is taken or nothing
                return
        else:
            yield Finding("graph", f"{folder}: {_proof(record)}")
            return


def _proof(record: exports.Record) -> str:
    how, which = ("on average", "mean") if record.precision == "int8" else ("at most", "max")
    worst = max(deviation[which] for deviation in record.deviation.values())
    return f"proven, {how} {worst:.1g} from PyTorch on {record.pictures} pictures"


def _try(settings: Settings) -> Iterator[Finding]:
    """Load the model and time it.

    Raises:
        DepthartError: it does not run here.
    """
    start = time.perf_counter()
    estimator = load_estimator(replace(settings, build_engine=False))  # minutes and files: for the node to spend
    loaded = time.perf_counter() - start
    picture = np.full(WARM_UP_SHAPE, 128, np.uint8)
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        estimator(picture)
        took.append(time.perf_counter() - start)
    height, width, _ = WARM_UP_SHAPE
    yield Finding(
        "model", f"{estimator.name} runs: {min(took) * 1e3:.0f} ms for {width}x{height}, loaded in {loaded:.1f} s"
    )


def _cure(error: DepthartError, settings: Settings) -> str:
    """Return the command that helps; most sentences about backends end with their own."""
    _, named, command = str(error).rpartition(": ")
    if named and command.startswith(("depthart ", "depthart-build-trt ", "pip install ")):
        return command
    if isinstance(error, CheckpointError):
        return "name a packaged model (-p model:=nano) or bring the file again"
    return f"choose another backend or device, for example -p backend:=auto -p device:=cpu; got {settings.backend}"
