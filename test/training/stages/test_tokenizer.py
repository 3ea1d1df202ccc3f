"""The loss of the tokenizer stage."""

import torch

from training.stages.tokenizer import _gradient_error


def test_edges_count_where_both_neighbours_are_known():
    difference, valid = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8, dtype=torch.bool)
    difference[..., 4:] = 1.0
    whole = float(_gradient_error(difference, valid))
    valid[..., 4:] = False
    assert whole > 0.05
    assert float(_gradient_error(difference, valid)) == 0.0
