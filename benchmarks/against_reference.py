"""Ours against the released DepthART code, same weights: ``python -m benchmarks.against_reference --reference DIR``.

DIR is a checkout of the released code (arXiv 2409.15010), which is no part of this project and needs the packages scipy
and huggingface_hub. It makes random weights of the d16; ours are these, through `depthart_core.released`, in PyTorch
(in bfloat16 as well where the processor multiplies it), in ONNX Runtime, and in OpenVINO where it is installed, in the
precision that it takes by itself. All go from a uint8 picture to depth by the most likely code of every token, in
turns. Peak memory is that of a process which reads its weights from a file, each in its own way, and estimates depth
once.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from benchmarks.deliver import deliver
from benchmarks.limits import peak
from benchmarks.reference_sides import (
    GRAPHS,
    OURS,
    PYTORCH,
    REFERENCE,
    RELEASED,
    SIDES,
    Picture,
    Side,
    open_side,
    possible_sides,
)
from benchmarks.released_code import MissingReferenceError, open_reference
from benchmarks.timing import timed
from depthart_core.backends.measuring import peak_memory
from depthart_core.checkpoint import save_model
from depthart_core.config import ModelConfig
from depthart_core.decoding import argmax
from depthart_core.export.agreement import relative_error
from depthart_core.export.onnx import ExportOptions, write_graphs
from depthart_core.markdown import table
from depthart_core.normalize import normalize_image
from depthart_core.released import convert_released
from depthart_core.released_layout import QUANTIZER_COPY
from training.operations import counted


@torch.inference_mode()
def write_weights(checkout: Path, folder: Path) -> None:
    """Random weights in both layouts, with codes as strong as the features they stand for, and graphs of ours."""
    torch.manual_seed(0)
    model = open_reference(checkout)
    image = normalize_image(torch.from_numpy(picture()).permute(2, 0, 1)[None])
    model.vae_quant_proxy.embedding.weight *= model.vae_proxy.quant_conv(model.vae_proxy.encoder(image)).std()
    copy, _ = QUANTIZER_COPY
    state = {name: value.contiguous() for name, value in model.state_dict().items() if not name.startswith(copy)}
    save_file(state, folder / RELEASED)
    ours = convert_released(folder / RELEASED)
    save_model(ours, folder / OURS)
    for decode, name in GRAPHS.items():
        (folder / name).mkdir()
        write_graphs(ours, folder / name, ExportOptions(decode))


def picture() -> Picture:
    """A smooth picture of many colours."""
    size = ModelConfig().tokenizer.input_size
    coarse = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    smooth = functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)
    return np.asarray((smooth[0].permute(1, 2, 0) * 255).round().to(torch.uint8).contiguous().numpy())


def same_codes(reference: Side, ours: Side) -> float:
    """Run both, count their operations, and return the share of tokens for which both take the same code."""
    theirs: list[Tensor] = []
    codes = reference.model.vae_quant_proxy.embedding
    hook = codes.register_forward_hook(lambda _, given, __: theirs.append(given[0]))
    _, reference.operations = counted(lambda: reference.run(picture()))
    hook.remove()
    found: list[Tensor] = []

    def record(logits: Tensor, codebook: Tensor) -> Tensor:
        found.append(logits.argmax(-1))
        return argmax(logits, codebook)

    image = normalize_image(torch.from_numpy(picture()).permute(2, 0, 1)[None])
    with torch.inference_mode():
        _, ours.operations = counted(lambda: ours.model.predict(image, record))
    rollout = theirs[-len(found) :]  # before it the code of every token of the image
    return float((torch.cat(found, dim=1) == torch.cat(rollout, dim=1)).float().mean())


def memory_of(side: str, args: argparse.Namespace, folder: Path) -> float:
    """MiB of a fresh process that loads one side and runs it once."""
    command = [sys.executable, "-m", "benchmarks.against_reference", "--reference", str(args.reference)]
    options = ["--threads", str(args.threads), "--memory-of", side, "--weights", str(folder)]
    done = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def run_once(args: argparse.Namespace) -> None:
    """Be that process."""
    open_side(args.memory_of, args.reference, args.weights, threads=args.threads).run(picture())
    print(peak_memory() / 2**20)


def errors_by_expected(names: list[str], args: argparse.Namespace, folder: Path) -> str:
    """A paragraph: AbsRel of ours to ours in float32 by expected codes, which do not jump between two near codes."""
    open_expected = partial(open_side, checkout=args.reference, folder=folder, threads=args.threads, decode="expected")
    depths = {name: open_expected(name).run(picture()) for name in names if name != REFERENCE}
    exact = depths.pop(PYTORCH)
    errors = [f"{relative_error(exact, depth).mean():.1e} ({name})" for name, depth in depths.items()]
    return (
        "With random weights many codes are nearly as likely as the next, so that rounding changes which one is taken. "
        f"By expected codes AbsRel to PyTorch in float32 by expected codes is {', '.join(errors)}."
    )


def compare(args: argparse.Namespace, folder: Path) -> list[str]:
    """Measure all; paragraphs and a table."""
    write_weights(args.reference, folder)
    names = possible_sides()
    memory = {name: memory_of(name, args, folder) for name in names}
    sides = [open_side(name, args.reference, folder, threads=args.threads) for name in names]
    same = same_codes(*sides[:2])
    depths = [side.run(picture()) for side in sides]
    peaks = []
    for _ in tqdm(range(args.repeats), unit="round"):
        peaks.append(peak(torch.float32, "cpu"))
        for side in sides:
            side.seconds.append(timed(lambda run=side.run: run(picture())))  # type: ignore[misc]
    limit, spread = statistics.median(peaks), depths[0].max() - depths[0].min()
    text = (
        f"d16, one picture, {args.threads} threads, medians of {args.repeats} "
        f"interleaved rounds. Matrix peak of float32 measured in the same rounds: {limit / 1e9:.0f} GFLOP/s. "
        f"{same:.2%} of the tokens have the same code in PyTorch. Depth in 0..1 spans {spread:.2f} here."
    )
    header = [
        "",
        "precision",
        "ms",
        "times as fast",
        "GFLOP",
        "share of the peak",
        "peak memory [MiB]",
        "depth differs by",
        "AbsRel",
    ]
    first = statistics.median(sides[0].seconds)
    rows = []
    for side, depth in zip(sides, depths, strict=True):
        seconds, worst = statistics.median(side.seconds), np.abs(depth - depths[0]).max()
        work = [f"{side.operations / 1e9:.0f}", f"{side.operations / seconds / limit:.0%}"]
        cells = [f"{seconds * 1e3:.0f}", f"{first / seconds:.2f}", *(work if side.operations else ["-", "-"])]
        error = relative_error(depths[0], depth).mean()
        rows.append([side.name, side.precision, *cells, f"{memory[side.name]:.0f}", f"{worst:.1e}", f"{error:.1e}"])
    return [text, table(header, rows), errors_by_expected(names, args, folder)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked; without a checkout one sentence and status 1."""
    parser = argparse.ArgumentParser(description="Ours against the released DepthART code, on the same weights.")
    parser.add_argument("--reference", type=Path, help="checkout of the released code, outside this repository")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    parser.add_argument("--memory-of", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    try:
        if args.reference is None:
            raise MissingReferenceError(
                "needs a checkout of the released DepthART code (arXiv 2409.15010): --reference DIR"
            )
        if args.memory_of:
            run_once(args)
            return 0
        with tempfile.TemporaryDirectory() as folder:
            lines = compare(args, Path(folder))
    except MissingReferenceError as error:
        print(f"benchmarks.against_reference: {error}", file=sys.stderr)
        return 1
    deliver("Against the reference", lines, program="benchmarks.against_reference", argv=argv, out=args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
