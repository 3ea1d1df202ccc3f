"""What the tokenizer alone loses: ``python -m training.reconstruct MODEL --data NAME=PATH ...``.

True depth is encoded, quantized and decoded after every scale; the error is that of training.evaluate. No transformer
can do better than the last column without luck.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm

from depthart_core.align import fit_scale
from depthart_core.checkpoint import load_model
from depthart_core.errors import DepthartError
from depthart_core.model import DepthART
from depthart_core.normalize import denormalize, normalize, normalize_image
from training.data.sample import Sample, readable, resize_sample
from training.evaluate import CAP, parse_data
from training.metrics import ScoreError, score, valid_pixels


def reconstruct(model: DepthART, sample: Sample) -> list[np.ndarray]:
    """Relative depth (S, S) after every scale of the true depth's own pyramid, then without a quantizer."""
    image = normalize_image(torch.from_numpy(sample.rgb).permute(2, 0, 1)[None])
    features = model.tokenizer.features(normalize(torch.from_numpy(sample.depth)[None, None], model.config))
    prefix = model.prefix(image)
    f_hats = [*model.tokenizer.quantizer.quantize(features).f_hats, features]
    return [denormalize(model.decode(f_hat, prefix).clamp(-1.0, 1.0), model.config)[0, 0].numpy() for f_hat in f_hats]


@torch.inference_mode()
def errors(model: DepthART, samples: Sequence[Sample], title: str) -> np.ndarray:
    """Mean AbsRel after every scale and without a quantizer.

    Raises:
        ScoreError: No image has valid depth.
    """
    size, rows = model.config.tokenizer.input_size, []
    for sample in tqdm(readable(samples), total=len(samples), desc=title, leave=False):
        resized = resize_sample(sample, size, size)
        valid = valid_pixels(resized.depth, CAP)
        if valid.any():
            depths = reconstruct(model, resized)
            aligned = [fit_scale(depth, resized.depth, valid).apply(depth) for depth in depths]
            rows.append([score(depth, resized.depth, valid).abs_rel for depth in aligned])
    if not rows:
        raise ScoreError(f"{title}: no image was scored, expected at least one with valid depth")
    return np.mean(rows, axis=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; 0 when done, 1 with one sentence otherwise."""
    parser = argparse.ArgumentParser(prog="python -m training.reconstruct", description=__doc__)
    parser.add_argument("model", help="packaged model's name or a model file")
    parser.add_argument("--data", nargs="+", required=True, metavar="NAME=PATH")
    args = parser.parse_args(arguments)
    try:
        model = load_model(args.model)
        sizes = [f"to {size}x{size}" for size in model.config.tokenizer.scale_sizes]
        print(f"| AbsRel | {' | '.join(sizes)} | no quantizer |\n|{'---|' * (len(sizes) + 2)}")
        for name, samples in map(parse_data, args.data):
            cells = [f"{error:.4f}" for error in errors(model, samples, name)]
            print(f"| {name} | {' | '.join(cells)} |")
    except DepthartError as error:
        print(f"training.reconstruct: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
