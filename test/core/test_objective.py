"""The one-pass objectives against the paper's formulation, scale by scale."""

import copy

import pytest
import torch
from torch.nn import functional

from depthart_core.decoding import argmax, expected
from depthart_core.objective import OBJECTIVES, LossWeights, loss, refinement_targets, static_targets
from depthart_core.transformer import block_causal_mask


@pytest.fixture
def model(toy_model):
    result = copy.deepcopy(toy_model).requires_grad_(True)
    result.tokenizer.requires_grad_(False)
    return result


@pytest.fixture(scope="module")
def depth():
    return torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0


def logits_of_scale(model, prefix, f_hats):
    """Logits of scale len(f_hats), all that comes before computed anew, without a cache."""
    k, tokens = len(f_hats), model.config.tokenizer.tokens
    parts = [model.scale_input(prefix, f_hat, i) for i, f_hat in enumerate([None, *f_hats])]
    lengths = [prefix.tokens.shape[1] + 1, *tokens[1 : k + 1]]
    mask = block_causal_mask(lengths, prefix.tokens.device)
    return model.transformer(torch.cat([prefix.tokens, *parts], dim=1), keep=tokens[k], mask=mask)


def slow_depthart(model, image, depth, decoding):
    """At each scale predict, see what is missing to the true features, and go on from the own prediction."""
    quantizer, prefix = model.tokenizer.quantizer, model.prefix(image)
    features = model.tokenizer.features(depth)
    before, f_hats, terms = torch.zeros_like(features), [], []
    for k, size in enumerate(model.config.tokenizer.scale_sizes):
        logits = logits_of_scale(model, prefix, f_hats)
        if k == 2:
            final = before + quantizer.contribution(k, logits.softmax(-1) @ quantizer.codebook)
            break
        rest = functional.adaptive_avg_pool2d(features - before, size).flatten(2).transpose(1, 2)
        target = torch.cdist(rest, quantizer.codebook[None]).argmin(-1)
        terms.append(functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="sum"))
        before = (before + quantizer.contribution(k, decoding(logits, quantizer.codebook))).detach()
        f_hats.append(before)
    return sum(terms) / (2 * (1 + 4)) + 10.0 * (final - features).square().mean()


def slow_teacher_forcing(model, image, depth):
    """At each scale predict the true depth's own token from its own coarser scales."""
    prefix = model.prefix(image)
    indices, f_hats = model.tokenizer.quantizer.quantize(model.tokenizer.features(depth))
    terms = [
        functional.cross_entropy(
            logits_of_scale(model, prefix, f_hats[:k]).flatten(0, 1), indices[k].flatten(), reduction="sum"
        )
        for k in range(3)
    ]
    return sum(terms) / (2 * (1 + 4 + 16))


def assert_same_loss_and_gradients(model, fast, slow):
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-6)
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    ours, theirs = (torch.autograd.grad(value, list(parameters.values()), allow_unused=True) for value in (fast, slow))
    for name, a, b in zip(parameters, ours, theirs, strict=True):
        assert (a is None) == (b is None), name
        if a is not None:
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("decoding", [expected, argmax])
def test_depthart_equals_the_formulation_scale_by_scale(model, image, depth, decoding):
    fast = loss(model, image, depth, decoding=decoding).total
    assert_same_loss_and_gradients(model, fast, slow_depthart(model, image, depth, decoding))


def test_teacher_forcing_equals_the_formulation_scale_by_scale(model, image, depth):
    fast = loss(model, image, depth, objective="teacher_forcing").total
    assert_same_loss_and_gradients(model, fast, slow_teacher_forcing(model, image, depth))


def test_targets_follow_the_models_own_prediction(model, image, depth):
    features = model.tokenizer.features(depth)
    before = refinement_targets(model, model.prefix(image), features, expected)
    with torch.no_grad():
        model.transformer.head.weight.neg_()
    after = refinement_targets(model, model.prefix(image), features, expected)
    assert torch.equal(before.indices[0], after.indices[0])
    assert not torch.equal(torch.cat(before.indices, 1), torch.cat(after.indices, 1))


def test_no_gradient_goes_through_the_rollout(model, image, depth):
    targets = refinement_targets(model, model.prefix(image), model.tokenizer.features(depth), expected)
    assert not any(f_hat.requires_grad for f_hat in targets.f_hats)


def test_the_total_is_the_weighted_sum_of_the_terms(model, image, depth):
    result = loss(model, image, depth, weights=LossWeights(last_scale=3.0, pixel=2.0))
    total = result.cross_entropy + 3.0 * result.last_scale + 2.0 * result.pixel
    torch.testing.assert_close(result.total, total)
    assert result.pixel > 0.0


def test_unknown_depth_does_not_count_in_the_pixel_term(model, image, depth):
    known = torch.zeros_like(depth, dtype=torch.bool)
    known[..., 20:40, 10:50] = True
    holes = depth.where(known, torch.nan)
    result = loss(model, image, holes, weights=LossWeights(pixel=1.0))
    targets_seen = depth.where(known, 0.0)
    prefix, features = model.prefix(image), model.tokenizer.features(targets_seen)
    targets = refinement_targets(model, prefix, features, expected)
    logits = model.logits(prefix, targets.f_hats)[:, -16:]
    codes = expected(logits, model.tokenizer.quantizer.codebook)
    final = targets.f_hats[-1] + model.tokenizer.quantizer.contribution(2, codes)
    error = (model.decode(final, prefix) - targets_seen).abs()[known].mean()
    torch.testing.assert_close(result.pixel, error)
    assert torch.isfinite(result.total)


def test_a_few_steps_reduce_the_loss(model, image, depth):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    values = []
    for _ in range(8):
        optimizer.zero_grad()
        total = loss(model, image, depth).total
        total.backward()
        optimizer.step()
        values.append(total.item())
    assert values[-1] < 0.8 * values[0]


def test_an_unknown_objective_is_noticed(model, image, depth):
    with pytest.raises(AssertionError, match="magic"):
        loss(model, image, depth, objective="magic")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_hole_in_a_flat_surface_changes_no_target_and_counts_for_nothing(model, image, objective):
    """A hole that is shown to the encoder as depth of its own would be learnt as something that is there."""
    depth = torch.full((2, 1, 64, 64), 0.7)
    holes = depth.clone()
    holes[:, :, 10:40, 20:60] = torch.nan
    prefix, features = model.prefix(image), model.tokenizer.features(depth)
    dynamic = objective == "depthart"
    targets = refinement_targets(model, prefix, features, expected) if dynamic else static_targets(model, features)
    logits = model.logits(prefix, targets.f_hats)
    shares = [functional.adaptive_avg_pool2d(holes.isfinite().float(), size).flatten(1) for size in (1, 2, 4)]
    counted = 5 if dynamic else 21
    surprise = functional.cross_entropy(logits.mT, torch.cat(targets.indices, 1), reduction="none")[:, :counted]
    shares = torch.cat(shares, 1)
    found = loss(model, image, holes, objective=objective)
    torch.testing.assert_close(
        found.cross_entropy, (surprise * shares[:, :counted]).sum() / shares[:, :counted].sum(), rtol=1e-5, atol=1e-6
    )
    if dynamic:
        quantizer = model.tokenizer.quantizer
        final = targets.f_hats[-1] + quantizer.contribution(2, expected(logits[:, 5:], quantizer.codebook))
        errors = (final - features).square().mean(1).flatten(1)
        cells = functional.adaptive_avg_pool2d(holes.isfinite().float(), features.shape[2]).flatten(1)
        torch.testing.assert_close(found.last_scale, (errors * cells).sum() / cells.sum(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_depth_after_few_scales_is_learnt_by_the_decoder_alone(model, image, depth, objective):
    model.tokenizer.decoder.requires_grad_(True)
    model.image.backbone.requires_grad_(False)
    weights = LossWeights(last_scale=3.0, pixel=2.0)
    plain, coarse = (loss(model, image, depth, objective=objective, weights=weights, coarse=k) for k in (None, 1))
    features = model.tokenizer.features(depth)
    prefix, dynamic = model.prefix(image), objective == "depthart"
    targets = refinement_targets(model, prefix, features, expected) if dynamic else static_targets(model, features)
    error = (model.decode(targets.f_hats[0], prefix) - depth).abs().mean()
    torch.testing.assert_close(coarse.total - plain.total, 2.0 * error)
    torch.testing.assert_close(coarse.pixel, plain.pixel)
    before, after = (gradients(model, result.total) for result in (plain, coarse))
    moved = {name for name, value in after.items() if not torch.allclose(value, before[name], rtol=1e-3, atol=1e-5)}
    assert moved
    assert not {name for name in moved if not name.startswith("tokenizer.decoder.")}


def gradients(model, total):
    named = {name: value for name, value in model.named_parameters() if value.requires_grad}
    found = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    return {name: value for name, value in zip(named, found, strict=True) if value is not None}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_layer_learns_in_bfloat16(model, image, depth, objective, monkeypatch):
    """Autocast keeps what it casts; what the rollout cast without gradient is of no use to the pass that learns.

    PyTorch from 2.11 on casts it anew by itself; up to 2.10 the cache has to be cleared.
    """
    cleared, clear = [], torch.clear_autocast_cache
    monkeypatch.setattr(torch, "clear_autocast_cache", lambda: cleared.append(clear()))
    with torch.autocast("cpu", torch.bfloat16):
        total = loss(model, image, depth, objective=objective).total
    assert cleared
    layers = {name for name, layer in model.transformer.named_modules() if isinstance(layer, torch.nn.Linear)}
    learning = gradients(model, total)
    assert layers
    assert all(learning[f"transformer.{name}.weight"].any() for name in layers)
