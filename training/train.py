"""Train a model: ``python -m training.train RECIPE --stage tokenizer --data SHARDS --out RUN``, then the transformer.

A stage starts from the one before it in RUN, unless --init names another model; one that was begun goes on.
The same on many processes, GPUs or machines: ``accelerate launch -m training.train RECIPE ...``; each process takes its
own batches, so a step learns from their number times the recipe's batch size.
With --validation the averaged weights are scored at the start, every 10 minutes and at the end, on frames that are not
learnt from; that time does not count.
Writes RUN/STAGE.safetensors (averaged weights), RUN/STAGE.checkpoint (to resume), RUN/STAGE.jsonl (the log) and
RUN/tensorboard.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from depthart_core.errors import ConfigError
from depthart_core.model import DepthART
from depthart_core.objective import OBJECTIVES
from training.checkpoints import check_origin
from training.command import run_command, set_threads
from training.data.cache import load_into_memory
from training.data.frames import Joined
from training.data.sample import DataError, Sample, attempt, listed
from training.data.source import open_data, open_named
from training.distributed import close_processes, leave
from training.initialization import initialize
from training.loop import Trainer
from training.precision import PRECISIONS, settle_gpu
from training.recipe import read_recipe
from training.settings import RunOptions, StageSettings
from training.stages.table import STAGES, make_stage
from training.validation import Validation, open_validation


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("recipe", type=Path, help="JSON file, such as training/configs/nano.json")
    add("--stage", choices=STAGES, required=True, help="the tokenizer comes first")
    add("--data", nargs="+", action="extend", required=True, metavar="[NAME=]PATH", help="all are drawn from as one")
    add("--out", type=Path, required=True, help="folder of the run; a run that is there is resumed")
    add("--init", help="packaged model (nano), model file or released one to start from (default: the stage before)")
    add("--init-tokenizer", type=Path, help="with --init VAR's transformer: its tokenizer (vae_ch160v4096z32)")
    add("--objective", choices=OBJECTIVES, help="instead of the recipe's")
    add("--minutes", type=float, default=math.inf, help="time budget of the stage, validation aside")
    add("--device", default="auto", help="cpu, cuda, ...; auto: the GPU where there is one")
    add("--precision", choices=PRECISIONS, default="auto", help="auto: bf16 where the device has units for it")
    add("--threads", type=int, default=2, help="CPU threads of the training itself")
    add("--workers", type=int, default=1, help="processes that read and augment pictures, beside each training process")
    add("--in-memory", action="store_true", help="decode all pictures once: 0.5 MB each, for fast GPUs")
    add("--accumulate", type=int, default=1, help="batches whose gradients make one step")
    add("--seed", type=int, default=0)
    add("--validation", nargs="+", action="extend", default=[], metavar="NAME=PATH", help="scored, not learnt from")
    add("--validation-limit", type=int, default=100, metavar="N", help="most frames of each, evenly chosen (100)")
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Train one stage."""
    options = RunOptions(
        out=args.out,
        minutes=args.minutes,
        device=args.device,
        precision=args.precision,
        seed=args.seed,
        workers=args.workers,
        accumulate=args.accumulate,
    )
    set_threads(args.threads)
    settle_gpu()
    torch.manual_seed(args.seed)
    recipe = read_recipe(args.recipe)
    settings = _settings(recipe.stage(args.stage), args)
    samples, first = _open_all(args.data)
    sets = open_validation(args.validation, args.validation_limit, args.data)
    model = DepthART(recipe.model)
    begun = _begin(model, args, settings)
    if args.in_memory:
        samples = load_into_memory(samples, recipe.model.tokenizer.input_size)
    trainer = Trainer(args.stage, model, make_stage(args.stage, settings), settings=settings, options=options)
    _say(trainer, f"{begun}; {trainer.precision} on {trainer.device}")
    _say(trainer, f"{len(samples)} pictures, {first}")
    trainer.run(samples, validation=Validation(sets, tokenizer=args.stage == "tokenizer"))
    spent = f"{trainer.step} of {settings.steps} steps, {trainer.minutes:.1f} minutes"
    if trainer.step > trainer.first or trainer.asked:
        stopped = trainer.stopping and trainer.step < settings.steps
        _say(trainer, f"wrote {trainer.weights} ({spent})" + "; stopped, the same command goes on" * stopped)
    else:
        more = "more --minutes (or steps in the recipe) or another --out is needed"
        _say(trainer, f"{trainer.checkpoint} is complete ({spent}): nothing was learnt, {more}")


def _open_all(items: Sequence[str]) -> tuple[Sequence[Sample], str]:
    """All that is learnt from, and what the first picture of each data set is."""
    parts = [_open(item) for item in items]
    firsts = [f"{_described(attempt(part, 0))} ({item})" for part, item in zip(parts, items, strict=True) if part]
    return Joined(parts), f"the first{' of each data set' * (len(parts) > 1)}: {listed(firsts)}"


def _described(sample: Sample | DataError) -> str:
    """Size, field of view and depth: a wrong unit or camera shows before hours are spent."""
    if isinstance(sample, DataError):
        return f"cannot be used, {sample}"
    camera, known = sample.intrinsics, sample.depth[np.isfinite(sample.depth)]
    across_deg = math.degrees(2 * math.atan(camera.width / (2 * camera.fx)))
    depth = f"{known.min():.2f} to {known.max():.2f} m" if known.size else "no depth"
    return f"{camera.width}x{camera.height}, {across_deg:.0f} degrees across, {depth}"


def _say(trainer: Trainer, sentence: str) -> None:
    if trainer.processes.main:
        print(f"training.train: {sentence}", file=sys.stderr)


def _begin(model: DepthART, args: argparse.Namespace, settings: StageSettings) -> str:
    """Fill a fresh model, unless there is a checkpoint that the trainer will read; returns what to say of it.

    Raises:
        ConfigError: The stage needs a model to start from, and there is none.
        CheckpointError: See `initialize` and `check_origin`.
    """
    checkpoint, before = args.out / f"{args.stage}.checkpoint", _stage_before(args)
    if checkpoint.exists():
        if before is not None and before.exists():
            check_origin(checkpoint, before, still=_still(model, args.stage, settings))
        return f"goes on from {checkpoint}" + f", not from --init {args.init}" * (args.init is not None)
    if before is not None and not before.exists():
        raise ConfigError(
            f"--stage {args.stage} needs what --stage {before.stem} makes: {before} is not there, "
            "expected it or --init MODEL"
        )
    init = args.init if before is None else str(before)
    if init is None and settings.keep_codes:
        raise ConfigError("the recipe says keep_codes, so there must be a model to keep them of: --init MODEL")
    return initialize(model, init, args.init_tokenizer)


def _stage_before(args: argparse.Namespace) -> Path | None:
    """Model of the stage before, from which a stage starts; None: it starts from --init, or is the first."""
    place = list(STAGES).index(args.stage)
    if not place or args.init is not None or args.init_tokenizer is not None:
        return None
    return Path(args.out / f"{list(STAGES)[place - 1]}.safetensors")


def _still(model: DepthART, stage: str, settings: StageSettings) -> list[str]:
    """Names of the parameters that a stage does not train."""
    trained = {id(parameter) for group, _ in make_stage(stage, settings).groups(model) for parameter in group}
    return [name for name, parameter in model.named_parameters() if id(parameter) not in trained]


def _open(item: str) -> Sequence[Sample]:
    """Open PATH, or NAME=PATH where a NAME that is a kind decides how it is read, to learn from it."""
    if re.match(r"[^/=?]+=", item):
        return open_named(item, learning=True).samples
    return open_data(Path(item), learning=True)


def _settings(settings: StageSettings, args: argparse.Namespace) -> StageSettings:
    """The recipe's settings with what the command line says otherwise.

    Raises:
        ConfigError: An objective for a stage that has none.
    """
    if args.objective is None:
        return settings
    if args.stage != "transformer":
        raise ConfigError(f"--objective {args.objective} is for the transformer stage, got --stage {args.stage}")
    return dataclasses.replace(settings, objective=args.objective)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 1 with one sentence otherwise."""
    args = parse_arguments(arguments)
    try:
        return run_command("training.train", lambda: run(args))
    finally:
        close_processes()


if __name__ == "__main__":
    leave(main())
