"""Recorded CUDA graphs against the model itself."""

import time
from copy import deepcopy

import pytest
import torch

from depthart_core.backends.precision import to_precision
from depthart_core.backends.scale_times import DeadlineRun, ScaleTimes
from depthart_core.backends.torch_graph import GraphedModel
from depthart_core.decoding import expected

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA GPU")


@pytest.fixture(params=["fp32", "fp16"])
def pair(request, toy_model):
    """A model on the GPU and its recording."""
    model = to_precision(deepcopy(toy_model), request.param).cuda()
    scales = model.config.tokenizer.scales
    return model, GraphedModel(model, expected, scales=scales, image=torch.zeros(1, 3, 64, 64, device="cuda"))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_recording_predicts_what_the_model_does(pair, seed):
    model, graphed = pair
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed)).cuda() * 2.0 - 1.0
    torch.testing.assert_close(graphed.predict(image).depth, model.predict(image).depth, rtol=0.0, atol=1e-3)


def test_the_recording_stops_after_the_scale_that_was_the_last(pair):
    model, graphed = pair
    image = torch.rand(1, 3, 64, 64).cuda() * 2.0 - 1.0
    scale_times = ScaleTimes(3)
    scale_times.note_scale(2, 1e6)  # hours beyond any deadline
    run = DeadlineRun(scale_times, time.monotonic() + 1e3)
    stopped = graphed.predict(image, run)
    assert run.done == 2
    torch.testing.assert_close(stopped.depth, model.predict(image, max_scales=2).depth, rtol=0.0, atol=1e-3)
