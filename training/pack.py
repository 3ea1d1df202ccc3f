"""Store a trained model in half precision: ``python -m training.pack RUN/transformer.safetensors --out FILE``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from depthart_core.checkpoint import load_model, save_model
from training.command import run_command
from training.errors import TrainingError, make_folder


def pack(source: Path, target: Path) -> None:
    """Write a float16 copy of a model.

    Raises:
        CheckpointError: The source is no model, or a weight does not fit into float16.
        TrainingError: The target is a folder, or its folder cannot be made.
    """
    if target.is_dir():
        raise TrainingError(f"{target} is a folder; expected the name of a model file")
    make_folder(target.parent)
    save_model(load_model(source), target, dtype=torch.float16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 1 with one sentence otherwise."""
    parser = argparse.ArgumentParser(prog="python -m training.pack", description=__doc__)
    parser.add_argument("model", type=Path, help="model file that training.train wrote")
    parser.add_argument("--out", type=Path, required=True, help="model file in float16")
    args = parser.parse_args(arguments)

    def run() -> None:
        pack(args.model, args.out)
        print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")

    return run_command("training.pack", run)


if __name__ == "__main__":
    sys.exit(main())
