"""`depthart build-trt`, also `depthart-build-trt`: a model -> a TensorRT engine, proven against PyTorch."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from tqdm import tqdm

from depthart_core.errors import importing
from depthart_core.inference import BackendOptions
from depthart_core.store import engines
from depthart_ros.model_loading import build_engine

SUMMARY = "build a TensorRT engine for the GPU of this machine, compare it with PyTorch and keep it if both agree"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the build."""
    parser.add_argument("model", metavar="MODEL", help="a packaged name or the path of a .safetensors file")
    parser.add_argument(
        "--precision",
        default=engines.ENGINE_PRECISIONS[0],
        help="what it computes in: fp16, bf16 or fp32 (default %(default)s)",
    )
    parser.add_argument(
        "--workspace",
        type=int,
        default=engines.WORKSPACE_MIB,
        metavar="MiB",
        help="GPU memory for scratch, while building and running (default %(default)s)",
    )
    parser.add_argument(
        "--max-scales", type=int, metavar="K", help="decode K scales: coarser and faster (default: all)"
    )
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N (default %(default)s)")
    parser.add_argument(
        "--decode", default="expected", help="how code vectors are chosen: expected or argmax (default %(default)s)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write to (default: the user's cache)")


def run(args: argparse.Namespace) -> int:
    """Build; returns the exit status.

    Raises:
        DepthartError: As `build_engine`.
    """
    with importing("building"):
        from depthart_core.export.build import EngineOptions

    wish = EngineOptions(args.precision, args.workspace, args.out, interruptible=True)
    options = BackendOptions(args.device, args.decode, max_scales=args.max_scales)
    with tqdm(total=100, bar_format="{l_bar}{bar}| {elapsed}, {remaining} left", disable=None, leave=False) as bar:

        def progress(share: float) -> None:
            bar.update(100 * share - bar.n if 100 * share >= bar.n else -bar.n)  # every try starts anew

        done = build_engine(args.model, options, wish, report=tqdm.write, progress=progress)
    where = args.model if args.out is None else done.path
    print(f"run it with: --model {shlex.quote(str(where))} --backend tensorrt {' '.join(_to_say_again(args))}")
    return 0


def _to_say_again(args: argparse.Namespace) -> list[str]:
    """Return the options that get this engine and no other."""
    options = ["--device", args.device, "--precision", args.precision]
    options += ["--decode", args.decode] if args.decode != "expected" else []
    return options + (["--max-scales", str(args.max_scales)] if args.max_scales else [])


def main() -> int:
    """The program `depthart-build-trt`."""
    from depthart_ros.cli.main import main as depthart

    return depthart(["build-trt", *sys.argv[1:]])
