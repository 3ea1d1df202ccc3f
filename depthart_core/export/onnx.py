"""PyTorch -> ONNX: a folder of graphs, proven against the model before it gets its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from depthart_core.backends.precision import DTYPES
from depthart_core.checkpoint import load_model
from depthart_core.errors import BackendError
from depthart_core.export import tracing
from depthart_core.export.agreement import Pictures, structured_pictures
from depthart_core.export.stepped import write_parts
from depthart_core.export.whole import check_exportable, export_onnx, versions_of
from depthart_core.inference import BackendOptions
from depthart_core.model import DepthART
from depthart_core.model_files import Fingerprint, fingerprint, lasting_name, model_path
from depthart_core.processor import has_vnni
from depthart_core.store import exports
from depthart_core.store.cache import weights_folder
from depthart_core.store.integrity import file_hash
from depthart_core.store.records import write_record
from depthart_core.store.speeds import speeds_path
from depthart_core.store.writing import put_in_place, refuse_other_weights, temporary_folder

STEPPED = exports.RUNNABLE["onnx"]
"""Precisions of the form "stepped"."""

LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Exported:
    """An export that was proven.

    Attributes:
        path: Its folder.
        record: What stands in it about it.
    """

    path: Path
    record: exports.Record


@dataclass(frozen=True)
class ExportOptions:
    """What an export should be.

    Attributes:
        decode: "expected" or "argmax".
        form: One of `exports.FORMS`; None: "stepped" in float32 and int8, which a CPU computes in, "whole" otherwise.
        precision: One of `DTYPES`, or "int8": the layers of the transformer, see `int8`, and on processors with VNNI
            convolutions, see `convolutions`.
        max_scales: Of the form "whole": decode so many scales; None: all.
    """

    decode: str = "expected"
    form: str | None = None
    precision: str = "fp32"
    max_scales: int | None = None

    @property
    def chosen_form(self) -> str:
        """The form, chosen where it was left open."""
        return self.form or ("stepped" if self.precision in STEPPED and self.max_scales is None else "whole")

    def check(self) -> BackendOptions:
        """Demand what can be exported; returns what a backend would be asked for.

        Raises:
            BackendError: Names what is wrong.
        """
        options = BackendOptions(decode=self.decode, max_scales=self.max_scales)
        check_exportable(options, LIBRARIES[1:])
        possible = dict.fromkeys((*DTYPES, *STEPPED))
        if self.precision not in possible:
            raise BackendError(f"precision must be one of {', '.join(possible)}, got {self.precision!r}")
        if self.chosen_form not in exports.FORMS:
            raise BackendError(f"form must be one of {', '.join(exports.FORMS)}, got {self.form!r}")
        if self.precision == "int8" and self.max_scales is not None:
            raise BackendError(
                "an int8 export decodes any number of scales; leave --max-scales out, it is for who runs it"
            )
        if self.chosen_form == "stepped" and (self.precision not in STEPPED or self.max_scales is not None):
            raise BackendError("a stepped export is fp32 or int8 and decodes any number of scales; use --form whole")
        if self.chosen_form == "whole" and self.precision not in DTYPES:
            raise BackendError(
                f"a whole graph is one of {', '.join(DTYPES)}, got {self.precision!r}; use --form stepped"
            )
        return options


def export_model(
    model: str | Path,
    folder: Path | None = None,
    wish: ExportOptions = ExportOptions(),
    *,
    pictures: Pictures | None = None,
    report: Callable[[str], object] = lambda _: None,
) -> Exported:
    """Export a model, compare the graphs with PyTorch and keep them, with a record of that, if both agree.

    Args:
        model: Name of a packaged model or path of a model file.
        folder: Where the export's own folder goes; None: into the cache, where `DepthEstimator.load` finds it.
        wish: Decoding, form, precision.
        pictures: uint8 (H, W, 3) RGB to compare on; None: generated ones.
        report: Gets a sentence at every step.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: An impossible wish, a library is missing, the graphs deviate or cannot be written, or an export
            of other weights lies in `folder`.
    """
    options = wish.check()
    from depthart_core.export.verify_export import verify_export  # needs a library, which the check names

    path = model_path(model)
    weights = fingerprint(path)
    scales = options.count_scales(weights.config.tokenizer.scales)
    name = exports.export_name(path.stem, wish.decode, form=wish.chosen_form, precision=wish.precision, scales=scales)
    target = (folder or weights_folder(weights.sha256)) / name

    def check_weights() -> None:
        if folder is not None:  # the cache's own folders are named after the weights
            refuse_other_weights(target, exports.read_record, model, weights)

    check_weights()
    with temporary_folder(target) as temporary:
        report(f"tracing {path.stem} ({wish.chosen_form}, {wish.precision}, {scales} scales): up to a minute")
        loaded = load_model(path)
        write_graphs(loaded, temporary, wish)
        pictures = structured_pictures(weights.config.tokenizer.input_size) if pictures is None else pictures
        report(f"comparing with PyTorch on {len(pictures)} pictures")
        record = describe(lasting_name(model), weights, wish, temporary)
        record = verify_export(loaded, temporary, record, pictures, report=report)
        if wish.precision == "int8" and has_vnni():
            from depthart_core.export.convolutions import with_convolutions  # likewise

            record = with_convolutions(loaded, temporary, record, pictures, report=report)
        write_record(temporary / exports.RECORD, record)
        put_in_place(temporary, target, check=check_weights)
    if folder is None and wish.chosen_form == "stepped":  # which "auto" takes: what was the fastest may not be any more
        with suppress(OSError):
            speeds_path(weights.sha256, wish.decode).unlink(missing_ok=True)
    return Exported(target, record)


def write_graphs(model: DepthART, folder: Path, wish: ExportOptions) -> None:
    """Write the graphs of an export, without a record.

    Raises:
        BackendError: They cannot be written.
    """
    if wish.chosen_form == "stepped":
        write_parts(model, folder, wish.decode)
        if wish.precision == "int8":
            from depthart_core.export.int8 import quantize_step  # likewise

            quantize_step(folder)
    else:
        export_onnx(
            model, folder / exports.WHOLE, decode=wish.decode, max_scales=wish.max_scales, precision=wish.precision
        )


def describe(model: str, weights: Fingerprint, wish: ExportOptions, folder: Path) -> exports.Record:
    """The record of graphs in a folder before they are proven."""
    config = weights.config
    return exports.Record(
        model=model,
        weights_sha256=weights.sha256,
        files={file.name: file_hash(file) for file in sorted(folder.iterdir())},
        form=wish.chosen_form,
        precision=wish.precision,
        decode=wish.decode,
        scales=BackendOptions(max_scales=wish.max_scales).count_scales(config.tokenizer.scales),
        of_scales=config.tokenizer.scales,
        input_size=config.tokenizer.input_size,
        heads=config.heads,
        opset=tracing.OPSETS[wish.chosen_form],
        versions=versions_of(*_libraries(wish)),
        pictures=0,
        deviation={},
    )


def _libraries(wish: ExportOptions) -> list[str]:
    """What makes an export and what it is proven in."""
    shared = wish.chosen_form == "stepped" and wish.precision in exports.RUNNABLE["openvino"]
    return [*LIBRARIES, *(["openvino"] if shared and _imports("openvino") else [])]


def _imports(library: str) -> bool:
    """Whether a library is there and fit for this machine."""
    try:
        importlib.import_module(library)
    except ImportError:
        return False
    return True
