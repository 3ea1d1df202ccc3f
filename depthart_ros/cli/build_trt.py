"""`depthart build-trt`, also `depthart-build-trt`: a model -> a TensorRT engine, proven against PyTorch."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from depthart_core.errors import importing
from depthart_core.inference import BackendOptions
from depthart_core.store import engines

if TYPE_CHECKING:
    from depthart_core.export.build import Built, EngineOptions

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
        DepthartError: As `build`.
    """
    with importing("building"):
        from depthart_core.export.build import EngineOptions

    wish = EngineOptions(args.precision, args.workspace, args.out, interruptible=True)
    options = BackendOptions(args.device, args.decode, max_scales=args.max_scales)
    done = build(args.model, options, wish)
    where = args.model if args.out is None else done.path
    print(f"run it with: --model {shlex.quote(str(where))} --backend tensorrt {' '.join(_to_say_again(args))}")
    return 0


def build(model: str, options: BackendOptions, wish: EngineOptions | None = None) -> Built:
    """Build and prove an engine, and show how it goes.

    Args:
        model: a packaged name or the path of a model file.
        options: device, decoding and number of scales.
        wish: what engine; None: in the precision of the options, for a node, whose handlers of signals stay.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: A library or the GPU is missing, an option makes no sense, the engine deviates or cannot be kept.
        ImageError: The packaged pictures cannot be read.
    """
    with importing("building"):
        from depthart_core.export.build import EngineOptions, build_engine
    from depthart_ros.cli.sources import sample_pictures

    wish = wish or EngineOptions(engines.ENGINE_PRECISIONS[0] if options.precision == "auto" else options.precision)
    with tqdm(total=100, bar_format="{l_bar}{bar}| {elapsed}, {remaining} left", disable=None, leave=False) as bar:

        def progress(share: float) -> None:
            bar.update(100 * share - bar.n if 100 * share >= bar.n else -bar.n)  # every try starts anew

        done = build_engine(
            model,
            options,
            wish,
            pictures=sample_pictures(),
            report=lambda sentence: tqdm.write(sentence),
            progress=progress,
        )
    for name, figures in done.record.deviation.items():
        print(f"{name}: {figures['mean']:.2g} from PyTorch on average, {figures['p99']:.2g} for 1 % of the values")
    kept = ", ".join(done.record.float32) or "nothing"
    size, precision = done.record.engine_bytes / 1e6, done.record.precision
    print(f"{done.path}: {size:.1f} MB in {precision}; kept in float32 besides: {kept}")
    return done


def _to_say_again(args: argparse.Namespace) -> list[str]:
    """Return the options that get this engine and no other."""
    options = ["--device", args.device, "--precision", args.precision]
    options += ["--decode", args.decode] if args.decode != "expected" else []
    return options + (["--max-scales", str(args.max_scales)] if args.max_scales else [])


def main() -> int:
    """The program `depthart-build-trt`."""
    from depthart_ros.cli.main import main as depthart

    return depthart(["build-trt", *sys.argv[1:]])
