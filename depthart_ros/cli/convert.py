"""`depthart convert`: released weights -> one model file of ours that carries its configuration."""

from __future__ import annotations

import argparse
from pathlib import Path

from depthart_core.errors import CheckpointError

SUMMARY = "convert released weights (DepthART, or VAR's transformer and tokenizer) into a model file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the conversion."""
    parser.add_argument(
        "--released", type=Path, required=True, metavar="FILE", help="DepthART file, or VAR's with --tokenizer"
    )
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="VAR's tokenizer, where it is not inside")
    parser.add_argument("--config", type=Path, metavar="JSON", help="configuration of the weights (default: d16)")
    parser.add_argument("--half", action="store_true", help="store float16: half the size")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL.safetensors", help="file to write")


def run(args: argparse.Namespace) -> int:
    """Convert; returns the exit status.

    Raises:
        ConfigError: The configuration is unreadable or does not fit.
        CheckpointError: A file is missing or damaged, has keys that do not fit, or the result cannot be written.
    """
    if args.out.exists() and not args.out.is_file():
        raise CheckpointError(f"--out {args.out} is no file; expected one to write")
    if any(args.out.exists() and path.exists() and args.out.samefile(path) for path in _inputs(args)):
        raise CheckpointError(f"--out {args.out} is one of the files to read")
    import torch

    from depthart_core.checkpoint import save_model
    from depthart_core.released import convert_released
    from depthart_core.released_config import read_released_config

    config = None if args.config is None else read_released_config(args.config)
    model = convert_released(args.released, tokenizer=args.tokenizer, config=config)
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        save_model(model, args.out, dtype=torch.float16 if args.half else torch.float32)
    except OSError as error:
        raise CheckpointError(f"{args.out} cannot be written: {error.strerror}") from error
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    print(f"{args.out}: {millions:.1f} million parameters, {args.out.stat().st_size / 1e6:.1f} MB")
    return 0


def _inputs(args: argparse.Namespace) -> list[Path]:
    return [path for path in (args.released, args.tokenizer, args.config) if path is not None]
