"""Speed of the transformer stage: ``python -m benchmarks.training --data SHARD ...``.

Every round runs one step of both objectives and a few large matrix products, one after the other, so that whatever else
the machine does hits all alike. A step is the training's own: forward, backward, clipping, AdamW and averaged weights;
some decode a second time, so the table shows means. Operations are counted by torch (a multiplication and an addition
are two).
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.deliver import deliver
from benchmarks.limits import peak
from benchmarks.timing import timed
from depthart_core.config import ModelConfig
from depthart_core.markdown import table
from depthart_core.model import DepthART
from depthart_core.objective import OBJECTIVES
from training.command import run_command
from training.data.frames import Joined
from training.data.loader import Batch, batches
from training.data.source import open_data
from training.loop import Trainer
from training.operations import counted_steps
from training.precision import PRECISIONS, settle_gpu
from training.recipe import read_recipe
from training.settings import RunOptions
from training.stages.table import make_stage

RECIPE = Path("training/configs/nano.json")
STAGE = "transformer"
WARM_UP = 2


def made_up(config: ModelConfig, size: int) -> Iterator[Batch]:
    """Yield the same batch without end: noise in front of a ramp."""
    side = config.tokenizer.input_size
    rgb = torch.randint(0, 256, (size, 3, side, side), dtype=torch.uint8)
    depth = torch.linspace(1.0, 5.0, side).expand(size, 1, side, side).contiguous()
    batch = Batch(rgb, depth, torch.full((size, 4), float(side)), ("made up",) * size)
    return itertools.repeat(batch)


def trainers(args: argparse.Namespace, out: Path) -> dict[str, Trainer]:
    """Return a trainer of fresh weights for each objective."""
    recipe = read_recipe(args.recipe)
    size = args.batch_size or recipe.stage(STAGE).batch_size
    found = {}
    for objective in OBJECTIVES:
        settings = dataclasses.replace(recipe.stage(STAGE), objective=objective, batch_size=size)
        options = RunOptions(out=out, device=args.device, precision=args.precision)
        stage = make_stage(STAGE, settings)
        found[objective] = Trainer(STAGE, DepthART(recipe.model), stage, settings=settings, options=options)
    return found


def make_step(trainer: Trainer, source: Iterator[Batch]) -> None:
    """Make one step, and count it as `Trainer.run` does: what a step does depends on its number."""
    trainer.train_step(source)
    trainer.step += 1


def measure(found: dict[str, Trainer], source: Iterator[Batch], rounds: int) -> tuple[dict[str, float], float]:
    """Return the mean seconds of a step of each objective, and the matrix peak [operations a second]."""
    first = next(iter(found.values()))
    device, dtype = str(first.device), torch.bfloat16 if first.precision == "bf16" else torch.float32
    seconds: dict[str, list[float]] = {name: [] for name in found}
    peaks = []
    for turn in tqdm(range(WARM_UP + rounds), unit="round"):
        for name, trainer in found.items():
            taken = timed(lambda trainer=trainer: make_step(trainer, source), device)  # type: ignore[misc]
            if turn >= WARM_UP:
                seconds[name].append(taken)
        peaks.append(peak(dtype, device))
    return {name: statistics.mean(values) for name, values in seconds.items()}, statistics.median(peaks)


def loader_rate(args: argparse.Namespace, size: int, side: int) -> float:
    """Return how many samples a second the readers deliver when nobody else needs them."""
    source = batches(Joined([open_data(path) for path in args.data]), size, workers=args.workers, size=side)
    count = max(WARM_UP, 4 * args.workers)  # as many as may already lie ready
    for _ in range(count):
        next(source)
    start = time.perf_counter()
    for _ in range(count * 2):
        next(source)
    return count * 2 * size / (time.perf_counter() - start)


def report(args: argparse.Namespace, argv: Sequence[str] | None) -> None:
    """Measure everything and deliver the table."""
    torch.set_num_threads(args.threads)
    settle_gpu()
    with tempfile.TemporaryDirectory() as folder:
        found = trainers(args, Path(folder))
        first = found[OBJECTIVES[0]]
        size, config = first.settings.batch_size, first.model.config
        source = made_up(config, 1)
        work = {name: counted_steps(lambda _, t=t: make_step(t, source)) for name, t in found.items()}  # type: ignore[misc]
        seconds, limit = measure(found, made_up(config, size), args.rounds)
    rows = []
    for name, operations in work.items():
        rate = size / seconds[name]
        rows.append([f"{name} step", f"{rate:.2f}", f"{operations / 1e9:.1f}", f"{operations * rate / limit:.0%}"])
    if args.data:
        rate = loader_rate(args, size, config.tokenizer.input_size)
        rows.append([f"reading and augmenting, {args.workers} workers", f"{rate:.1f}", "", ""])
    conditions = (
        f"{args.recipe.stem}, batches of {size}, {first.precision} on {first.device}, {args.threads} threads, "
        f"means of {args.rounds} interleaved rounds. Matrix peak in this format, measured in the same rounds: "
        f"{limit / 1e12:.2f} TFLOP/s. "
        f"A DepthART step costs {seconds['depthart'] / seconds['teacher_forcing']:.2f} teacher-forcing steps."
    )
    header = ["", "samples a second", "GFLOP a sample", "share of the peak"]
    lines = [conditions, table(header, rows)]
    deliver("Training", lines, program="benchmarks.training", argv=argv, out=args.out)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Speed of the transformer stage and of the data it reads.")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--data", type=Path, nargs="+", action="extend", help="data sets whose reading is measured too")
    parser.add_argument("--batch-size", type=int, help="instead of the recipe's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="processes that read")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    return run_command("benchmarks.training", lambda: report(args, argv))


if __name__ == "__main__":
    raise SystemExit(main())
