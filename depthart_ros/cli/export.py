"""`depthart export`: a model -> a graph for ONNX Runtime, proven against PyTorch."""

from __future__ import annotations

import argparse
from pathlib import Path

from depthart_core import BackendError

SUMMARY = "export a model as ONNX graph, compare it with PyTorch and keep it where backend `auto` finds it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the export."""
    parser.add_argument("model", metavar="MODEL", help="a packaged name or the path of a .safetensors file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write to (default: the user's cache)")
    parser.add_argument(
        "--decode", default="expected", help="how code vectors are chosen: expected or argmax (default %(default)s)"
    )
    parser.add_argument(
        "--max-scales", type=int, metavar="K", help="decode K scales: coarser and faster (default: all)"
    )


def run(args: argparse.Namespace) -> int:
    """Export; returns the exit status.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: A library is missing, an option makes no sense, the graph deviates or cannot be written.
        ImageError: The packaged pictures cannot be read.
    """
    try:
        from depthart_core.backends.export import export_model
    except ImportError as error:
        raise BackendError(f"export needs the package {error.name}: pip install {error.name}") from error
    from depthart_ros.cli.sources import open_source

    views = open_source("sample", fov_deg=60.0, size=None, loop=False, repeats=1)
    done = export_model(
        args.model,
        args.out,
        decode=args.decode,
        max_scales=args.max_scales,
        pictures=[view.bgr[..., ::-1] for view in views],
        report=lambda sentence: print(sentence, flush=True),
    )
    for name, deviation in done.record.deviation.items():
        print(f"{name}: at most {deviation['max']:.1g} from PyTorch, {deviation['mean']:.1g} on average")
    print(f"{done.path}: {done.path.stat().st_size / 1e6:.1f} MB")
    use = "backend auto takes it" if args.out is None else f"run it with: --model {done.path}"
    print(use)
    return 0
