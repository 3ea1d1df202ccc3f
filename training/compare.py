"""DepthART against teacher forcing and a regressor: ``python -m training.compare --out RUN``.

All start from the same tokenizer, decoder, ImageNet features and seed, and learn with the same optimiser and
augmentation from the same pictures, until they have had equal compute: the same number of floating-point operations,
counted by torch. (Minutes depend on what else a machine does; they are reported.) With ``--equal samples`` all see
equally many pictures. What is done stands in RUN; the same command goes on with what is left, also after SIGTERM.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from training.command import on_stop_signal, run_command, set_threads
from training.comparison.plan import CONTENDERS, EQUALS, TRAINED, ComparisonError, Plan, settle_precision
from training.comparison.report import report
from training.comparison.runs import Place, compare
from training.distributed import open_processes
from training.precision import PRECISIONS, settle_gpu

SHARED = Path("../shared/data")
DATA = ("rooms=rooms/val-000.tar", "tum_fr1_rpy=real/tum_fr1_rpy", "tum_fr3_cabinet=real/tum_fr3_cabinet")


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("runs/comparison"), help="one that is there goes on (default %(default)s)")
    add("--recipe", default="training/configs/pico.json")
    add("--tokenizer", default=TRAINED, help="model whose tokenizer all start from (default: it is trained first)")
    several = functools.partial(add, nargs="+", action="extend")
    several("--train", metavar="SHARD", help="default: rooms/train-*.tar of --shared")
    several("--data", metavar="NAME=PATH", help="default: rooms val and both TUM sets of --shared")
    add("--shared", type=Path, default=SHARED, help="folder of the data (default %(default)s)")
    several("--contenders", choices=CONTENDERS, help="default: all")
    several("--seeds", type=int, help=f"default: {' '.join(map(str, Plan.seeds))}")
    add("--samples", type=int, default=Plan.samples, help="pictures that depthart learns from (default %(default)s)")
    add("--equal", choices=EQUALS, default=Plan.equal, help="what all get the same amount of (default %(default)s)")
    points = " ".join(map(str, Plan.points))
    several("--points", type=float, help=f"shares of the training to score at (default: {points})")
    add("--frames", type=int, default=Plan.frames, help="pictures of each set to score (default %(default)s)")
    add("--batch-size", type=int, help="default: the recipe's")
    add("--learning-rate", type=float, help="default: the recipe's")
    add("--pixel-weight", type=float, help="of depthart and teacher_forcing; 0 is the paper's (default: the recipe's)")
    add("--device", default="cpu", help="cpu, cuda, ...; auto: the GPU where there is one (default %(default)s)")
    add("--precision", choices=PRECISIONS, default=Plan.precision, help="auto: bf16 where the device has units for it")
    add("--threads", type=int, default=2, help="CPU threads of training and scoring")
    add("--workers", type=int, default=1, help="processes that read and augment pictures")
    add("--report", type=Path, metavar="DIR", help="where tables and figures go (default: --out)")
    return parser.parse_args(arguments)


def plan_of(args: argparse.Namespace) -> Plan:
    """The comparison that the command line asks for.

    Raises:
        ComparisonError: There is nothing to train on, or see `Plan`.
    """
    shards = args.train or sorted(str(path) for path in (args.shared / "rooms").glob("train-*.tar"))
    if not shards:
        raise ComparisonError(f"{args.shared / 'rooms'} holds no train-*.tar, expected shards there or in --train")
    data = args.data or [f"{name}={args.shared / path}" for name, path in (item.split("=") for item in DATA)]
    return Plan(
        recipe=args.recipe,
        tokenizer=args.tokenizer,
        train=tuple(shards),
        data=tuple(data),
        contenders=tuple(args.contenders or CONTENDERS),
        seeds=tuple(args.seeds or Plan.seeds),
        samples=args.samples,
        equal=args.equal,
        points=tuple(args.points or Plan.points),
        frames=args.frames,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        pixel_weight=args.pixel_weight,
        precision=args.precision,
    )


class Stopped(BaseException):
    """A SIGTERM or SIGINT outside of the training, which has a way of its own to end."""


def stoppable(work: Callable[[], bool]) -> bool:
    """Do some work; False when it says so or a SIGTERM or SIGINT ends it."""

    def stop() -> None:
        raise Stopped

    try:
        with on_stop_signal(stop):
            return work()
    except Stopped:
        return False


def run(args: argparse.Namespace) -> None:
    """Do what is left, and report it."""
    set_threads(args.threads)
    settle_gpu()
    plan, device = plan_of(args), open_processes(args.device).device
    place = Place(args.out, device=str(device), workers=args.workers)
    plan = settle_precision(plan, args.out, device)
    print(f"training.compare: {plan.precision} on {device}", file=sys.stderr)
    if not stoppable(lambda: compare(plan, place)):
        print(f"stopped; the same command goes on in {args.out}")
        return
    path = report(args.out / "results.json", args.report or args.out)
    print(path.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done or stopped by a signal, 1 with one sentence otherwise."""
    args = parse_arguments(arguments)
    return run_command("training.compare", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())
