"""The transformer: its cache and its mask against plain attention over everything."""

from copy import deepcopy

import pytest
import torch

from depthart_core.config import TransformerConfig
from depthart_core.transformer import GrowingCache, KVCache, Transformer, block_causal_mask, use_products

CONFIG = TransformerConfig(width=32, heads=4, blocks=3, mlp_ratio=2, temperature=1.0)
LENGTHS = [5, 4, 9]


@pytest.fixture(scope="module")
def transformer():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        result = Transformer(CONFIG, codebook_size=20).requires_grad_(False)
        for parameter in result.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return result


@pytest.fixture(scope="module")
def tokens():
    return torch.randn(2, sum(LENGTHS), 32, generator=torch.Generator().manual_seed(1))


def test_a_token_sees_its_own_block_and_all_earlier_ones():
    mask = block_causal_mask([2, 1, 2], torch.device("cpu"))
    assert mask.int().tolist() == [[1, 1, 0, 0, 0]] * 2 + [[1, 1, 1, 0, 0]] + [[1, 1, 1, 1, 1]] * 2


@pytest.mark.parametrize("make", [lambda: KVCache(CONFIG.blocks, sum(LENGTHS)), GrowingCache])
def test_block_by_block_with_a_cache_equals_all_at_once_with_a_mask(transformer, tokens, make):
    mask = block_causal_mask(LENGTHS, tokens.device)
    at_once = transformer(tokens, keep=sum(LENGTHS), mask=mask)
    cache, start, parts = make(), 0, []
    for length in LENGTHS:
        parts.append(transformer(tokens[:, start : start + length], keep=length, cache=cache, start=start))
        start += length
    torch.testing.assert_close(torch.cat(parts, dim=1), at_once, rtol=1e-5, atol=1e-5)


def test_keeping_the_last_tokens_gives_their_logits_alone(transformer, tokens):
    mask = block_causal_mask(LENGTHS, tokens.device)
    every = transformer(tokens, keep=sum(LENGTHS), mask=mask)
    torch.testing.assert_close(transformer(tokens, keep=6, mask=mask), every[:, -6:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_by_products_equals_that_of_pytorch(transformer, tokens, masked):
    mask = block_causal_mask(LENGTHS, tokens.device) if masked else None
    by_products = deepcopy(transformer)
    use_products(by_products)
    found, expected = (each(tokens, keep=sum(LENGTHS), mask=mask) for each in (by_products, transformer))
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_later_blocks_do_not_change_earlier_ones(transformer, tokens):
    mask = block_causal_mask(LENGTHS, tokens.device)
    other = tokens.clone()
    other[:, 9:] += 1.0
    before, after = (transformer(x, keep=sum(LENGTHS), mask=mask) for x in (tokens, other))
    assert torch.equal(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9:], after[:, 9:])


def test_a_cache_that_is_too_short_is_noticed(transformer, tokens):
    with pytest.raises(AssertionError, match="cache holds 4 tokens, got 5"):
        transformer(tokens[:, :5], keep=5, cache=KVCache(CONFIG.blocks, 4))


def test_tokens_that_do_not_follow_what_a_growing_cache_holds_are_noticed(transformer, tokens):
    cache = GrowingCache()
    transformer(tokens[:, :5], keep=5, cache=cache)
    with pytest.raises(AssertionError, match="cache holds 5 tokens, got those from 6 on"):
        transformer(tokens[:, 5:9], keep=4, cache=cache, start=6)


def test_the_temperature_divides_the_attention_scale():
    assert TransformerConfig(width=32, heads=4, temperature=4.0).attention_scale == pytest.approx(1 / 8**0.5 / 4)
