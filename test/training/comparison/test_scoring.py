"""Scores of a contender."""

import torch

from training.comparison.contenders import make_contender
from training.comparison.scoring import read_frames, score_model


def test_every_decoding_is_scored_and_depth_after_every_scale(plan):
    frames = read_frames(plan.data, plan.frames, 64)
    model = make_contender("depthart", plan, 0).model
    scores = score_model(model, frames, seed=0, scales=True)["rooms"]
    assert set(scores) == {f"{d}{k}" for d in ("expected", "argmax", "sample") for k in ("", "@1", "@2", "@3")}
    assert scores["expected@3"] == scores["expected"]
    assert scores["expected"].frames == 2


def test_scores_are_computed_in_float32_on_a_gpu_too(plan):
    """TF32 is a flag of the process, which a machine without a GPU has as well."""
    frames, seen = read_frames(plan.data, 1, 64), []
    model = make_contender("regressor", plan, 0).model
    model.register_forward_pre_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    torch.backends.cudnn.allow_tf32 = True
    score_model(model, frames, seed=0, scales=False)
    assert (seen, torch.backends.cudnn.allow_tf32) == ([False], True)
