"""Scores of a contender: every decoding, and depth after each scale, from one look at each picture."""

from __future__ import annotations

import contextlib
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import trange

from depthart_core.align import fit_scale
from depthart_core.decoding import decoding
from depthart_core.inference import DECODES
from depthart_core.model import DepthART
from depthart_core.normalize import denormalize, normalize_image
from training.data.sample import DataError, attempt, listed
from training.data.source import DataSet, open_named
from training.scoring.frames import Frame, ScoringSettings, prepare
from training.scoring.metrics import DELTA, ScoreError, abs_rel, comparable, share_within

BATCH = 8
REGRESSION = "regression"


@dataclass(frozen=True)
class Score:
    """Errors of aligned depth, per picture, then averaged.

    Attributes:
        abs_rel: Mean of |d - t| / t.
        delta1: Share of pixels with max(d / t, t / d) below 1.25.
        frames: Pictures that were scored.
    """

    abs_rel: float
    delta1: float
    frames: int


def read_frames(items: Sequence[str], count: int, size: int) -> dict[str, list[Frame]]:
    """At most `count` frames of each data set, evenly over it, the same ones every time, at the size of the model.

    Args:
        items: NAME=PATH of the data sets.
        count: Frames of each.
        size: Side [px].

    Raises:
        DataError: A data set is missing or has another layout.
        ScoreError: None of its frames has a pixel that counts.
    """
    return {data.name: _frames(data, count, size) for data in map(open_named, items)}


def _frames(data: DataSet, count: int, size: int) -> list[Frame]:
    settings = ScoringSettings(replace(data.protocol, size=size))
    places = np.linspace(0, len(data.samples) - 1, min(count, len(data.samples))).round().astype(int)
    read = {place: attempt(data.samples, place) for place in places.tolist()}
    refused = [error for error in read.values() if isinstance(error, DataError)]
    if refused:
        warnings.warn(f"{data.name}: skipped {len(refused)} of {len(read)} frames: {listed(refused)}", stacklevel=3)
    frames = [prepare(place, sample, settings) for place, sample in read.items() if not isinstance(sample, DataError)]
    judged = [frame for frame in frames if frame is not None]
    if not judged:
        raise ScoreError(f"{data.name}: no image can be scored, expected at least one with valid depth")
    return judged


def score_model(
    model: nn.Module, data: Mapping[str, Sequence[Frame]], *, seed: int, scales: bool
) -> dict[str, dict[str, Score]]:
    """Scores by data set and variant: a decoding, or "DECODING@k" for depth after k scales.

    Args:
        model: `DepthART` or the regressor, on its device, in evaluation mode; computed in float32.
        data: Frames by name of the data set.
        seed: Of sampled decoding.
        scales: Whether to score depth after every scale as well.
    """
    with _exact():
        return {name: _score_set(model, name, frames, seed=seed, scales=scales) for name, frames in data.items()}


@contextlib.contextmanager
def _exact() -> Iterator[None]:
    """Let convolutions on a GPU compute float32 in float32; PyTorch rounds it to TF32 by itself."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _score_set(model: nn.Module, name: str, frames: Sequence[Frame], *, seed: int, scales: bool) -> dict[str, Score]:
    errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for first in trange(0, len(frames), BATCH, desc=name, leave=False):
        chunk = frames[first : first + BATCH]
        for variant, depths in predict(model, chunk, seed=seed, scales=scales).items():
            errors[variant] += [_errors(depth, frame) for depth, frame in zip(depths, chunk, strict=True)]
    means = {variant: np.mean(rows, axis=0).tolist() for variant, rows in errors.items()}
    return {variant: Score(abs_rel, delta1, len(frames)) for variant, (abs_rel, delta1) in means.items()}


def _errors(depth: np.ndarray, frame: Frame) -> tuple[float, float]:
    """AbsRel and delta1 after alignment by scale alone."""
    truth = frame.sample.depth
    aligned = fit_scale(depth, truth, frame.valid).apply(depth)
    d, t = comparable(aligned, truth, frame.valid)
    return abs_rel(d, t), share_within(d, t, DELTA)


@torch.inference_mode()
def predict(model: nn.Module, frames: Sequence[Frame], *, seed: int, scales: bool) -> dict[str, np.ndarray]:
    """Relative depth (B, S, S) of frames of side S, by variant."""
    device = next(model.parameters()).device
    pictures = torch.from_numpy(np.stack([frame.sample.rgb for frame in frames])).permute(0, 3, 1, 2)
    image = normalize_image(pictures.to(device)).contiguous(memory_format=torch.channels_last)
    found = dict(_decoded(model, image, seed, scales)) if isinstance(model, DepthART) else {REGRESSION: model(image)}
    return {
        variant: denormalize(depth.clamp(-1.0, 1.0), model.config)[:, 0].float().cpu().numpy()
        for variant, depth in found.items()
    }


def _decoded(model: DepthART, image: Tensor, seed: int, scales: bool) -> Iterator[tuple[str, Tensor]]:
    """Normalised depth (B, 1, S, S) of every decoding; with `scales` after each scale too."""
    prefix = model.prefix(image)
    for name in DECODES:
        steps = list(model.rollout(prefix, decoding(name, seed=seed, device=str(image.device))))
        pictures = {step.k: model.decode(step.f_hat, prefix) for step in (steps if scales else steps[-1:])}
        yield name, pictures[steps[-1].k]
        if scales:
            yield from ((f"{name}@{k + 1}", picture) for k, picture in pictures.items())
