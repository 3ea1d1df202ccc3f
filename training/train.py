"""Train a model: ``python -m training.train RECIPE --stage tokenizer --data SHARDS --out RUN``, then the transformer.

Writes RUN/STAGE.safetensors (averaged weights), RUN/STAGE.checkpoint (to resume) and RUN/STAGE.jsonl (the log).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from depthart_core.errors import DepthartError
from depthart_core.model import DepthART
from training.backbone import load_imagenet
from training.data.rooms import read_rooms
from training.loop import RunOptions, Trainer, take_weights
from training.recipe import read_recipe
from training.stages import STAGES, make_stage


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("recipe", type=Path, help="JSON file, such as training/configs/nano.json")
    parser.add_argument("--stage", choices=STAGES, required=True, help="the tokenizer comes first")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="rooms shards (.tar)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; a run that is there is resumed")
    parser.add_argument("--init", type=Path, help="model to start from, such as RUN/tokenizer.safetensors")
    parser.add_argument("--minutes", type=float, default=math.inf, help="time budget of the stage")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ...")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of the training itself")
    parser.add_argument("--workers", type=int, default=1, help="processes that read and augment pictures")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Train one stage."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    recipe = read_recipe(args.recipe)
    settings = recipe.stage(args.stage)
    model = DepthART(recipe.model)
    if model.image is not None:
        load_imagenet(model.image.backbone)
    if args.init is not None:
        take_weights(model, args.init)
    options = RunOptions(
        out=args.out,
        minutes=args.minutes,
        device=args.device,
        precision=args.precision,
        seed=args.seed,
        workers=args.workers,
    )
    stage = make_stage(args.stage, settings)
    trainer = Trainer(args.stage, model, stage, settings=settings, options=options)
    trainer.run(read_rooms(args.data))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 1 with one sentence otherwise."""
    try:
        run(parse_arguments(arguments))
    except ModuleNotFoundError as error:
        print(f"training.train needs {error.name}: scripts/setup, or pip install -e '.[train]'", file=sys.stderr)
        return 1
    except DepthartError as error:
        print(f"training.train: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
