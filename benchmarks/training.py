"""Speed of the transformer stage: ``python -m benchmarks.training --data SHARD ...``.

Every round runs one step of both objectives and one large matrix product, one after the other, so that whatever else
the machine does hits all alike; the table shows medians. A step is the training's own: forward, backward, clipping,
AdamW and averaged weights. Operations are counted by torch (a multiplication and an addition are two).
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from benchmarks.limits import matrix_product, timed
from benchmarks.report import deliver
from depthart_core.config import ModelConfig
from depthart_core.markdown import table
from depthart_core.model import DepthART
from depthart_core.objective import OBJECTIVES
from training.command import run_command
from training.comparison.cost import OWN_COUNTS
from training.data.frames import Joined
from training.data.loader import Batch, batches
from training.data.source import open_data
from training.loop import Trainer
from training.precision import PRECISIONS
from training.recipe import read_recipe
from training.settings import RunOptions
from training.stages import make_stage

RECIPE = Path("training/configs/nano.json")
STAGE = "transformer"
PEAK_SIDES = {"cpu": 2048, "cuda": 8192}  # of the square matrices
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


def operations(trainer: Trainer, source: Iterator[Batch]) -> float:
    """Return the operations of one step for one sample."""
    with FlopCounterMode(display=False, custom_mapping=OWN_COUNTS) as counter:
        trainer.train_step(source)
    return counter.get_total_flops() / trainer.settings.batch_size


def measure(found: dict[str, Trainer], source: Iterator[Batch], rounds: int) -> dict[str, float]:
    """Return the median seconds of a step of each objective, and of "peak", one large product."""
    first = next(iter(found.values()))
    device, dtype = str(first.device), torch.bfloat16 if first.precision == "bf16" else torch.float32
    side = PEAK_SIDES.get(first.device.type, 2048)
    actions: dict[str, Callable[[], object]] = {name: lambda t=t: t.train_step(source) for name, t in found.items()}
    actions["peak"] = matrix_product(side, dtype, device)
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for turn in tqdm(range(WARM_UP + rounds), unit="round"):
        for name, action in actions.items():
            taken = timed(action, device)
            if turn >= WARM_UP:
                seconds[name].append(taken)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return medians | {"peak": medians["peak"] / (2 * side**3)}


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


def report(args: argparse.Namespace) -> None:
    """Measure everything and deliver the table."""
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high")
    with tempfile.TemporaryDirectory() as folder:
        found = trainers(args, Path(folder))
        first = found[OBJECTIVES[0]]
        size, config = first.settings.batch_size, first.model.config
        counted = {name: operations(trainer, made_up(config, size)) for name, trainer in found.items()}
        medians = measure(found, made_up(config, size), args.rounds)
    rows = []
    for name, work in counted.items():
        rate = size / medians[name]
        rows.append([f"{name} step", f"{rate:.2f}", f"{work / 1e9:.1f}", f"{work * rate * medians['peak']:.0%}"])
    if args.data:
        rate = loader_rate(args, size, config.tokenizer.input_size)
        rows.append([f"reading and augmenting, {args.workers} workers", f"{rate:.1f}", "", ""])
    conditions = (
        f"{args.recipe.stem}, batches of {size}, {first.precision} on {first.device}, {args.threads} threads, "
        f"medians of {args.rounds} interleaved rounds. Matrix peak in this format, measured in the same rounds: "
        f"{1e-12 / medians['peak']:.2f} TFLOP/s. "
        f"A DepthART step costs {medians['depthart'] / medians['teacher_forcing']:.2f} teacher-forcing steps."
    )
    header = ["", "samples a second", "GFLOP a sample", "share of the peak"]
    command = f"python -m benchmarks.training --recipe {args.recipe} --threads {args.threads} --rounds {args.rounds}"
    deliver("Training", command, [conditions, table(header, rows)], args.out)


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
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    return run_command("benchmarks.training", lambda: report(args))


if __name__ == "__main__":
    raise SystemExit(main())
