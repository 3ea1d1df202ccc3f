"""`depthart export`: a model -> ONNX graphs, proven against PyTorch."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_core.errors import importing

if TYPE_CHECKING:
    from depthart_core.export.onnx import Exported

SUMMARY = "export a model as ONNX graphs, compare them with PyTorch and keep them where backend `auto` finds them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the export."""
    parser.add_argument("model", metavar="MODEL", help="a packaged name or the path of a .safetensors file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write to (default: the user's cache)")
    parser.add_argument(
        "--decode", default="expected", help="how code vectors are chosen: expected or argmax (default %(default)s)"
    )
    parser.add_argument(
        "--precision",
        default="fp32",
        help="fp32, fp16, bf16, or int8: faster in the backend onnx, the same accuracy but not the same depth "
        "(default %(default)s)",
    )
    parser.add_argument(
        "--form",
        help="stepped: graphs run scale by scale, for the backends onnx and openvino, fp32 or int8 (the default "
        "there); whole: one graph of static shapes, for other programs (the default otherwise)",
    )
    parser.add_argument(
        "--max-scales", type=int, metavar="K", help="a whole graph that decodes K scales: coarser and faster"
    )


def run(args: argparse.Namespace) -> int:
    """Export; returns the exit status.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: A library is missing, an option makes no sense, the graph deviates or cannot be written.
        ImageError: The packaged pictures cannot be read.
    """
    with importing("export"):
        from depthart_core.export.onnx import ExportOptions, export_model
    from depthart_ros.driver.sources import sample_pictures

    done = export_model(
        args.model,
        args.out,
        ExportOptions(args.decode, args.form, args.precision, args.max_scales),
        pictures=sample_pictures(),
        report=lambda sentence: print(sentence, flush=True),
    )
    for name, deviation in done.record.deviation.items():
        print(f"{name}: at most {deviation['max']:.1g} from PyTorch, {deviation['mean']:.1g} on average")
    size = sum(file.stat().st_size for file in done.path.iterdir())
    print(f"{done.path}: {size / 1e6:.1f} MB")
    stepped = done.record.form == "stepped"
    print(_automatic(done) if stepped and args.out is None else _use(done.path, stepped=stepped))
    return 0


def _automatic(done: Exported) -> str:
    """What makes backend `auto` take this export and no other in the cache."""
    decode, precision = done.record.decode, done.record.precision
    options = [f"--decode {decode}"] if decode != "expected" else []
    if precision == "fp32" and done.path.with_name(done.path.name.removesuffix("fp32") + "int8").is_dir():
        options.append("--precision fp32")  # int8 is faster
    return " ".join(["backend auto takes it", *(["with", *options] if options else [])])


def _use(folder: Path, *, stepped: bool) -> str:
    return (
        f"run it with: --model {shlex.quote(str(folder))}" if stepped else f"its graph: {next(folder.glob('*.onnx'))}"
    )
