"""Models on a GPU, eagerly, compiled and as CUDA graphs, against its limits: ``python -m benchmarks.gpu``.

Latency is that of whole forward passes, normalised picture in and normalised depth out, both on the device; medians of
interleaved rounds. Shares: operations (counted by torch, two for a multiplication and an addition) over time and the
matrix peak measured here in the same number format; bytes of weights, the transformer's once for every scale, over time
and the copy bandwidth measured here. Errors: |d - r| / r of depth d against the r of the CPU in float32.
On a CPU it runs as well, without graphs: that is for trying it out.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from benchmarks.deliver import deliver
from benchmarks.limits import FORMATS, peaks, set_tf32
from benchmarks.model import open_model
from benchmarks.timing import timed
from depthart_core.backends.precision import to_precision
from depthart_core.backends.torch_graph import GraphedModel
from depthart_core.decoding import expected
from depthart_core.errors import CheckpointError
from depthart_core.markdown import table
from depthart_core.model import DepthART
from depthart_core.normalize import denormalize
from training.operations import counted

PATHS = ("eager", "graph", "compile")
PRECISIONS = {"float32": "fp32", "tf32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
"""Key of `FORMATS` -> what a backend calls it; normalisation, softmax and logits stay in float32 there."""
Run = Callable[[], Tensor]


@dataclass
class Subject:
    """One model in one number format on one path with one batch size.

    Attributes:
        name: Of the model.
        number: Key of `FORMATS`.
        path: One of `PATHS`.
        batch: Pictures at once.
        milliseconds: One entry a round.
        memory_mib: Most that was allocated in a round, weights included.
        error: Mean and 99th percentile of the relative difference from the CPU.
    """

    name: str
    number: str
    path: str
    batch: int
    milliseconds: list[float] = field(default_factory=list)
    memory_mib: float = 0.0
    error: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Reference:
    """A model on the CPU and what it says.

    Attributes:
        model: In float32.
        images: (B, 3, S, S).
        depth: (B, 1, S, S), relative.
        gflop: Of one picture.
        gbyte: Of weights read for one batch, in float32.
    """

    model: DepthART
    images: Tensor
    depth: Tensor
    gflop: float
    gbyte: float


def reference(name: str, batch: int) -> Reference:
    """Open a model and run it on the CPU."""
    model = open_model(name)
    size = model.config.tokenizer.input_size
    coarse = torch.rand(batch, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    images = functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1) * 2 - 1
    output, operations = counted(lambda: model(images))
    depth = denormalize(output, model.config)
    scales = model.config.tokenizer.scales
    weights = sum(p.numel() for p in model.parameters())
    again = sum(p.numel() for p in model.transformer.parameters()) * (scales - 1)
    return Reference(model, images, depth, operations / batch / 1e9, 4 * (weights + again) / 1e9)


def runner(subject: Subject, found: Reference, device: str) -> Run:
    """Something that runs the subject once and returns relative depth; warmed up."""
    model = to_precision(deepcopy(found.model), PRECISIONS[subject.number]).to(device)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = found.images[: subject.batch].to(device).contiguous(memory_format=torch.channels_last)
    if subject.path == "graph":
        graphed = GraphedModel(model, expected, scales=model.config.tokenizer.scales, image=images)
        return lambda: graphed.predict(images).depth
    forward: Callable[[Tensor], Tensor] = torch.compile(model) if subject.path == "compile" else model
    for _ in range(3):
        forward(images)
    return lambda: forward(images)


def measure(subjects: Sequence[Subject], found: Reference, device: str, rounds: int) -> None:
    """Add rounds to all subjects in turn; their latency, memory and agreement."""
    runs = []
    for subject in subjects:
        set_tf32(subject.number)
        before = _memory(device)
        runs.append(runner(subject, found, device))
        depth = denormalize(runs[-1]().float().cpu(), found.model.config)
        subject.memory_mib = _memory(device, most=True) - before
        truth = found.depth[: subject.batch]
        error = ((depth - truth).abs() / truth).flatten()
        subject.error = (float(error.mean()), float(error.kthvalue(max(1, round(0.99 * error.numel()))).values))
    for _ in tqdm(range(rounds), unit="round"):
        for subject, run in zip(subjects, runs, strict=True):
            set_tf32(subject.number)
            subject.milliseconds.append(timed(run, device) * 1e3)


def _memory(device: str, *, most: bool = False) -> float:
    """Allocated MiB, or the most since the last such question; 0 on a CPU."""
    if not device.startswith("cuda"):
        return 0.0
    if most:
        return torch.cuda.max_memory_allocated() / 2**20
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated() / 2**20


def row(subject: Subject, found: Reference, limits: dict[str, float]) -> list[str]:
    """One line of the table."""
    seconds = statistics.median(subject.milliseconds) / 1e3
    tenth = sorted(subject.milliseconds)[int(0.9 * (len(subject.milliseconds) - 1))]
    narrow = FORMATS[subject.number].itemsize / 4
    return [
        f"{subject.name}, {subject.number}, {subject.path}, batch {subject.batch}",
        f"{seconds * 1e3:.2f}",
        f"{tenth:.2f}",
        f"{subject.batch / seconds:.1f}",
        f"{subject.memory_mib:.0f}",
        f"{found.gflop * 1e9 * subject.batch / seconds / limits[subject.number]:.1%}",
        f"{found.gbyte * 1e9 * narrow / seconds / limits['copy']:.1%}",
        f"{subject.error[0]:.1e}",
        f"{subject.error[1]:.1e}",
    ]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="Models on a GPU against its limits.")
    several = functools.partial(parser.add_argument, nargs="+", action="extend")
    several("--models", help="names, files, or d16 (random weights)")
    several("--numbers", choices=list(FORMATS))
    several("--paths", choices=PATHS)
    several("--batches", type=int)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    args.models, args.numbers = args.models or ["nano", "d16"], args.numbers or list(FORMATS)
    args.paths, args.batches = args.paths or ["eager", "graph"], args.batches or [1, 4]
    return args


@torch.inference_mode()
def run(args: argparse.Namespace, argv: Sequence[str] | None) -> None:
    """Measure, print, and write where asked, after every model: a time limit may come before the last."""
    on_cpu = not args.device.startswith("cuda")
    paths = [path for path in args.paths if not (on_cpu and path == "graph")]
    limits, rows = peaks(args.device, args.numbers), []
    device = "CPU" if on_cpu else torch.cuda.get_device_name(args.device)
    reached = ", ".join(f"{number} {limits[number] / 1e12:.2f}" for number in args.numbers)
    conditions = (
        f"{device}, torch {torch.__version__}. Matrix peak [TFLOP/s]: {reached}; copied {limits['copy'] / 1e12:.3f}"
        f" TB/s. Medians and 90th percentiles of {args.rounds} interleaved rounds."
    )
    head = ["model", "p50 [ms]", "p90 [ms]", "pictures/s", "memory [MiB]", "of the matrix peak", "of the bandwidth"]
    head += ["mean error", "p99 error"]
    for name in args.models:
        found = reference(name, max(args.batches))
        subjects = [
            Subject(Path(name).stem, number, path, batch)
            for number in args.numbers
            for batch in args.batches
            for path in paths
        ]
        measure(subjects, found, args.device, args.rounds)
        rows += [row(subject, found, limits) for subject in subjects]
        lines = [conditions, table(head, rows)]
        deliver("Models on a GPU", lines, program="benchmarks.gpu", argv=argv, out=args.out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; a model or device that cannot be used is one sentence and status 1."""
    args = parse(argv)
    try:
        torch.zeros(1, device=args.device)
    except (AssertionError, RuntimeError) as error:
        print(f"benchmarks.gpu: --device {args.device}: {str(error).partition(chr(10))[0]}", file=sys.stderr)
        return 1
    try:
        run(args, argv)
    except CheckpointError as error:
        print(f"benchmarks.gpu: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
