"""Time by stage of the models: ``python -m benchmarks.model``.

Every repetition runs all variants one after the other, so that whatever else the machine does hits all alike; the table
shows medians. Operations are counted by torch (a multiplication and an addition are two); the peak is what this machine
reaches in one large matrix product, measured in the same repetitions.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.deliver import deliver
from benchmarks.limits import peak
from depthart_core.backends.precision import DTYPES
from depthart_core.backends.torch import prepare
from depthart_core.checkpoint import load_model
from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError
from depthart_core.markdown import table
from depthart_core.model import DepthART
from training.operations import counted

STAGES = ("prefix", "rollout", "decoder")


@dataclass
class Variant:
    """A model in one number format, and what was measured of it.

    Attributes:
        name: for the table.
        model: in evaluation mode.
        dtype: of convolutions and linear layers.
        seconds: per stage one entry a repetition.
        operations: per stage.
    """

    name: str
    model: DepthART
    dtype: torch.dtype
    seconds: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    operations: dict[str, int] = field(default_factory=dict)


def stages(variant: Variant, image: torch.Tensor, observe: Callable[[str, Callable[[], Any]], Any]) -> torch.Tensor:
    """Run a model stage by stage; `observe(name, stage)` calls each and returns its result."""
    model = variant.model
    prefix = observe("prefix", lambda: model.prefix(image))
    last = observe("rollout", lambda: list(model.rollout(prefix))[-1])
    return observe("decoder", lambda: model.decode(last.f_hat, prefix))


def measure(variant: Variant, image: torch.Tensor) -> None:
    """Add one repetition to a variant."""

    def clocked(name: str, stage: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = stage()
        variant.seconds[name].append(time.perf_counter() - start)
        return result

    stages(variant, image, clocked)


def count_operations(variant: Variant, image: torch.Tensor) -> None:
    """Count the operations of every stage; also the warm-up."""

    def count(name: str, stage: Callable[[], Any]) -> Any:
        result, variant.operations[name] = counted(stage)
        return result

    stages(variant, image, count)


def open_model(name: str) -> DepthART:
    """Return the model of a name or file; "d16" is the released size with random weights."""
    if name != "d16":
        return load_model(name)
    torch.manual_seed(0)
    return DepthART(ModelConfig()).eval().requires_grad_(False)


def as_run(name: str, model: DepthART, precision: str) -> Variant:
    """Return a model as `depthart_core.backends.torch` runs it on a CPU; the one given stays as it is."""
    model = prepare(deepcopy(model), precision, torch.device("cpu"))
    dtype = DTYPES[precision]
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Variant(f"{name} {str(dtype).partition('.')[2]}", model, dtype)


def variants(names: Sequence[str]) -> list[Variant]:
    """Make the models asked for: d16 in float32 and bfloat16, any other in float32."""
    found = []
    for name in names:
        model = open_model(name)
        found += [as_run(Path(name).stem, model, one) for one in (("fp32", "bf16") if name == "d16" else ("fp32",))]
    return found


def rows(found: Sequence[Variant], peaks: dict[torch.dtype, float]) -> list[list[str]]:
    """Return the lines of the table: every stage of every variant and its sum."""
    lines = []
    for variant in found:
        medians = {stage: statistics.median(variant.seconds[stage]) for stage in STAGES}
        totals = [sum(parts) for parts in zip(*variant.seconds.values(), strict=True)]
        medians["total"] = statistics.median(totals)
        operations = variant.operations | {"total": sum(variant.operations.values())}
        for stage, seconds in medians.items():
            share = operations[stage] / seconds / peaks[variant.dtype]
            numbers = [f"{seconds * 1e3:.1f}", f"{operations[stage] / 1e9:.1f}", f"{share:.0%}"]
            lines.append([f"{variant.name}, {stage}", *numbers])
    return lines


def repeat(found: Sequence[Variant], repeats: int) -> dict[torch.dtype, float]:
    """Measure all variants in turn and return the median matrix peak of each number format."""
    peaks: dict[torch.dtype, list[float]] = {variant.dtype: [] for variant in found}
    sides = [variant.model.config.tokenizer.input_size for variant in found]
    images = [(torch.rand(1, 3, side, side) * 2 - 1).contiguous(memory_format=torch.channels_last) for side in sides]
    for variant, image in zip(found, images, strict=True):
        count_operations(variant, image)
    for _ in tqdm(range(repeats), unit="round"):
        for dtype, measured in peaks.items():
            measured.append(peak(dtype, "cpu"))
        for variant, image in zip(found, images, strict=True):
            measure(variant, image)
    return {dtype: statistics.median(measured) for dtype, measured in peaks.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Time by stage of the models.")
    parser.add_argument("--models", nargs="+", action="extend", help="names, files, or d16 (random weights)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    args.models = args.models or ["nano", "d16"]
    torch.set_num_threads(args.threads)
    try:
        found = variants(args.models)
    except CheckpointError as error:
        print(f"benchmarks.model: {error}", file=sys.stderr)
        return 1
    with torch.inference_mode():
        peaks = repeat(found, args.repeats)
    reached = ", ".join(f"{str(dtype).split('.')[1]} {value / 1e9:.0f}" for dtype, value in peaks.items())
    conditions = (
        f"One image, {args.threads} threads, medians of {args.repeats} interleaved rounds. "
        f"Matrix peak measured in the same rounds: {reached} GFLOP/s."
    )
    lines = [conditions, table(["model, stage", "ms", "GFLOP", "share of the peak"], rows(found, peaks))]
    deliver("Models by stage", lines, program="benchmarks.model", argv=argv, out=args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
