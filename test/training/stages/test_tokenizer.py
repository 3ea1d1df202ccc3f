"""The loss of the tokenizer stage."""

import pytest
import torch

from depthart_core.model import DepthART
from depthart_core.objective import weight_sums
from training.settings import StageSettings
from training.stages.stage import Part, TrainingBatch, few_scales
from training.stages.tokenizer import RESTART_STEPS, TokenizerStage, _gradient_error, _neighbours, _noise


def test_edges_count_where_both_neighbours_are_known():
    difference, valid = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8, dtype=torch.bool)
    difference[..., 4:] = 1.0
    assert error_of_steps(difference, valid) > 0.05
    valid[..., 4:] = False
    assert error_of_steps(difference, valid) == 0.0


def error_of_steps(difference, valid):
    pairs = _neighbours(valid)
    return float(_gradient_error(difference, pairs, weight_sums(pairs)))


@pytest.fixture
def stage():
    """The stage of a codebook that is kept, and quantizes from the start."""
    return TokenizerStage(StageSettings(steps=100, batch_size=2, learning_rate=1e-3, keep_codes=True))


def test_the_error_reaches_the_encoder_in_every_step_that_decodes_all_scales(stage, toy_config):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = DepthART(toy_config)
    depth, image = torch.rand(2, 1, 64, 64) - 0.5, torch.rand(2, 3, 64, 64)
    steps = [next(step for step in range(100) if (few_scales(2, step) is None) == whole) for whole in (True, False)]
    for step, whole in zip(steps, (True, False), strict=True):
        _, scalars = stage.loss(model, TrainingBatch(image, depth, depth, torch.ones(2, 4)), Part(step))
        (gradient,) = torch.autograd.grad(scalars["error"], [model.tokenizer.encoder.conv_in.weight], allow_unused=True)
        assert (gradient is not None and float(gradient.abs().sum()) > 0) == whole


def test_the_batches_of_a_step_share_the_noise_that_one_would_get():
    features = torch.zeros(4, 8, 2, 2)
    parts = [_noise(features[:2], Part(7, place, 2)) for place in (0, 1)]
    assert torch.equal(torch.cat(parts), _noise(features, Part(7)))
    assert not torch.equal(_noise(features, Part(8)), _noise(features, Part(7)))


def test_a_batch_draws_no_noise_of_others():
    """All the noise of this step would fill 256 TB."""
    assert torch.isfinite(_noise(torch.zeros(2, 8, 2, 2), Part(7, 3, 10**12))).all()


def test_all_scales_are_never_decoded_without_the_encoder(stage):
    features, f_hats = torch.rand(1, 8, 4, 4, requires_grad=True), [torch.rand(1, 8, 4, 4) for _ in range(3)]
    alone = [step for step in range(300) if not stage._decoded(features, f_hats, Part(step)).requires_grad]
    assert alone
    assert not any(torch.equal(stage._decoded(features, f_hats, Part(step)), f_hats[-1]) for step in alone)


def test_codes_that_nobody_chose_move_onto_what_is_left_of_the_pictures(stage, toy_config):
    model = DepthART(toy_config)
    codebook = model.tokenizer.quantizer.codebook
    before, rests = codebook.detach().clone(), torch.full((4, codebook.shape[1]), 7.0)
    chosen = torch.tensor([0, 0, 3, 3])
    for step in (RESTART_STEPS - 1, RESTART_STEPS):
        stage._restart(model, rests, chosen, Part(step))
    kept = torch.tensor([0, 3])
    assert torch.equal(codebook[kept], before[kept])
    assert (codebook == 7.0).all(1).sum() == len(codebook) - 2


def test_codes_move_onto_what_is_left_of_all_batches_of_a_step_after_the_last(stage, toy_config):
    whole, parts = DepthART(toy_config), DepthART(toy_config)
    parts.load_state_dict(whole.state_dict())
    codebook = parts.tokenizer.quantizer.codebook
    before, other = codebook.detach().clone(), TokenizerStage(stage.settings)
    rests, chosen = torch.rand(8, codebook.shape[1]), torch.arange(8)
    stage._restart(whole, rests, chosen, Part(RESTART_STEPS))
    other._restart(parts, rests[:4], chosen[:4], Part(RESTART_STEPS, 0, 2))
    assert torch.equal(codebook, before)
    other._restart(parts, rests[4:], chosen[4:], Part(RESTART_STEPS, 1, 2))
    assert torch.equal(codebook, whole.tokenizer.quantizer.codebook)
    assert not torch.equal(codebook, before)
