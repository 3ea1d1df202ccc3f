"""What the tokenizer alone loses: ``python -m training.reconstruct MODEL --data NAME=PATH ...``.

True depth is encoded, quantized and decoded after every scale; the error is that of training.evaluate. No transformer
can do better than the last column without luck.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from depthart_core.checkpoint import load_model
from depthart_core.estimator import RelativeDepth
from depthart_core.markdown import table
from depthart_core.model import DepthART
from depthart_core.normalize import denormalize, fill_unknown, normalize_image, normalize_known
from training.command import run_command
from training.data.sample import Sample
from training.data.source import DataSet, open_named
from training.scoring.frames import Frame, ScoringSettings, for_each_frame, judge


def reconstruct(model: DepthART, sample: Sample) -> list[np.ndarray]:
    """Relative depth (S, S) after every scale of the true depth's own pyramid, then without a quantizer."""
    device = model.position.device
    image = normalize_image(torch.from_numpy(sample.rgb).to(device).permute(2, 0, 1)[None])
    depth = normalize_known(torch.from_numpy(sample.depth).to(device)[None, None], model.config)
    features = model.tokenizer.features(fill_unknown(depth))
    prefix = model.prefix(image)
    f_hats = [*model.tokenizer.quantizer.quantize(features).f_hats, features]
    depths = [denormalize(model.decode(f_hat, prefix).clamp(-1.0, 1.0), model.config) for f_hat in f_hats]
    return [depth[0, 0].cpu().numpy() for depth in depths]


@torch.inference_mode()
def errors(model: DepthART, data: DataSet) -> np.ndarray:
    """Mean AbsRel after every scale and without a quantizer.

    Raises:
        ScoreError: No image has valid depth.
    """
    settings = ScoringSettings(replace(data.protocol, size=model.config.tokenizer.input_size))

    def errors_of(frame: Frame) -> list[float]:
        depths = map(RelativeDepth, reconstruct(model, frame.sample))
        return [judged.scores.abs_rel for depth in depths for judged in judge(depth, frame, settings)]

    rows = for_each_frame(errors_of, data.samples, settings, title=data.name, progress=True)
    return np.asarray(np.mean(rows, axis=0))


def run(args: argparse.Namespace) -> None:
    """Print a table."""
    data = [open_named(item) for item in args.data]
    model = load_model(args.model)
    sizes = [f"to {size}x{size}" for size in model.config.tokenizer.scale_sizes]
    rows = [[one.name, *(f"{error:.4f}" for error in errors(model, one))] for one in data]
    print(table(["AbsRel", *sizes, "no quantizer"], rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 1 with one sentence otherwise."""
    parser = argparse.ArgumentParser(prog="python -m training.reconstruct", description=__doc__)
    parser.add_argument("model", help="packaged model's name or a model file")
    parser.add_argument("--data", nargs="+", action="extend", required=True, metavar="NAME=PATH")
    args = parser.parse_args(arguments)
    return run_command("training.reconstruct", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())
