"""`depthart build-trt`, also `depthart-build-trt`: a model -> a TensorRT engine, proven against PyTorch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from depthart_core.errors import importing
from depthart_core.estimator import BackendOptions

SUMMARY = "build a TensorRT engine for the GPU of this machine, compare it with PyTorch and keep it if both agree"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the build."""
    parser.add_argument("model", metavar="MODEL", help="a packaged name or the path of a .safetensors file")
    parser.add_argument(
        "--precision", default="fp16", help="what it computes in: fp16, bf16 or fp32 (default %(default)s)"
    )
    parser.add_argument(
        "--workspace",
        type=int,
        default=2048,
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


def run(args: argparse.Namespace, *, interruptible: bool = True) -> int:
    """Build; returns the exit status.

    Args:
        args: of the command.
        interruptible: whether Ctrl-C stops the build.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: A library or the GPU is missing, an option makes no sense, the engine deviates or cannot be kept.
        ImageError: The packaged pictures cannot be read.
    """
    with importing("building"):
        from depthart_core.export.build import Wish, build_engine
    from depthart_ros.cli.sources import sample_pictures

    wish = Wish(args.precision, args.workspace, args.out, interruptible)
    with tqdm(total=100, bar_format="{l_bar}{bar}| {elapsed}, {remaining} left", disable=None, leave=False) as bar:

        def progress(share: float) -> None:
            bar.update(100 * share - bar.n if 100 * share >= bar.n else -bar.n)  # every try starts anew

        done = build_engine(
            args.model,
            BackendOptions(args.device, args.decode, max_scales=args.max_scales),
            wish,
            pictures=sample_pictures(),
            report=lambda sentence: tqdm.write(sentence),
            progress=progress,
        )
    for name, figures in done.record.deviation.items():
        print(f"{name}: {figures['mean']:.2g} from PyTorch on average, {figures['p99']:.2g} for 1 % of the values")
    kept = ", ".join(done.record.float32) or "nothing"
    print(f"{done.path}: {done.record.engine_bytes / 1e6:.1f} MB in {args.precision}; kept in float32 besides: {kept}")
    where = args.model if args.out is None else done.path
    print(f"run it with: --model {where} --backend tensorrt {' '.join(options_of(args))}")
    return 0


def options_of(args: argparse.Namespace) -> list[str]:
    """Return what has to be said again to get this engine and no other."""
    options = ["--device", args.device, "--precision", args.precision]
    options += ["--decode", args.decode] if args.decode != "expected" else []
    return options + (["--max-scales", str(args.max_scales)] if args.max_scales else [])


def build(model: str, options: BackendOptions) -> None:
    """Build as the command does, with its defaults, in a node, whose handlers of signals stay.

    Raises:
        DepthartError: As `run`.
    """
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = ["--device", options.device, "--decode", options.decode]
    given += ["--max-scales", str(options.max_scales)] if options.max_scales else []
    given += ["--precision", options.precision] if options.precision != "auto" else []
    run(parser.parse_args([model, *given]), interruptible=False)


def main() -> int:
    """The program `depthart-build-trt`."""
    from depthart_ros.cli.main import main as depthart

    return depthart(["build-trt", *sys.argv[1:]])
