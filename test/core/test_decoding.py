"""Choosing codes: the filters against brute force, the expected code against many samples."""

import pytest
import torch

from depthart_core.decoding import Sample, argmax, decoding, expected
from depthart_core.errors import BackendError


def logits_and_codebook(seed=0, *, vocabulary=12, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, vocabulary, generator=generator) * spread, torch.randn(vocabulary, 4, generator=generator)


def brute_force(logits, top_k, top_p):
    """Of one token: the most likely codes until top_k are there or top_p of the probability of top_k is reached."""
    ranked = sorted(range(len(logits)), key=lambda code: -logits[code])[:top_k]
    weights = {code: float(logits[code].double().exp()) for code in ranked}
    total, kept, mass = sum(weights.values()), [], 0.0
    for code in ranked:
        if mass / total >= top_p:
            break
        kept.append(code)
        mass += weights[code]
    return [weights[code] / mass if code in kept else 0.0 for code in range(len(logits))]


@pytest.mark.parametrize(("top_k", "top_p"), [(900, 0.9), (5, 1.0), (5, 0.6), (12, 0.3), (1, 0.9), (12, 1.0)])
def test_filtered_probabilities_are_those_of_brute_force(top_k, top_p):
    logits, _ = logits_and_codebook()
    filtered = Sample(top_k=top_k, top_p=top_p).filtered(logits)
    plain = torch.tensor([[brute_force(token, top_k, top_p) for token in picture] for picture in logits])
    torch.testing.assert_close(filtered, plain, rtol=1e-5, atol=1e-6)


def test_filtering_leaves_the_logits_as_they_are():
    logits, _ = logits_and_codebook()
    before = logits.clone()
    Sample(top_k=2).filtered(logits)
    assert torch.equal(logits, before)


def test_expected_is_the_limit_of_ever_more_samples():
    logits, codebook = logits_and_codebook(spread=1.0)
    sample = Sample(top_k=12, top_p=1.0, samples=200_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(sample(logits, codebook), expected(logits, codebook), rtol=0.0, atol=0.015)


def test_sampling_averages_the_drawn_codes():
    logits, _ = logits_and_codebook()
    shares = Sample(samples=5, generator=torch.Generator().manual_seed(0))(logits, torch.eye(12))
    assert torch.allclose(shares.sum(-1), torch.ones(2, 3))
    assert torch.allclose((shares * 5).round(), shares * 5, atol=1e-5)


def test_argmax_takes_the_most_likely_code():
    logits, codebook = logits_and_codebook()
    assert torch.equal(argmax(logits, codebook), codebook[logits.argmax(-1)])


def test_one_certain_code_is_chosen_by_all():
    logits, codebook = torch.full((1, 2, 12), -50.0), logits_and_codebook()[1]
    logits[..., 7] = 50.0
    for name in ("expected", "argmax", "sample"):
        torch.testing.assert_close(decoding(name)(logits, codebook), codebook[7].expand(1, 2, -1))


def test_one_seed_draws_the_same_again_and_another_differs():
    logits, codebook = logits_and_codebook()
    first, again, other = (decoding("sample", seed=seed)(logits, codebook) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_an_unknown_choice_is_named():
    with pytest.raises(BackendError, match="decode must be one of expected, argmax, sample, got 'best'"):
        decoding("best")
