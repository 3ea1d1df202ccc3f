"""What decays while a model is trained."""

import torch

from training.optimizer import make_optimizer
from training.settings import StageSettings
from training.stages.table import make_stage

SETTINGS = StageSettings(steps=10, batch_size=2, learning_rate=1e-3, weight_decay=0.05, backbone_factor=0.25)


def test_what_sets_sizes_and_places_does_not_decay(toy_model):
    groups = make_stage("transformer", SETTINGS).groups(toy_model)
    optimizer = make_optimizer(toy_model, groups, SETTINGS)
    names = {id(value): name for name, value in toy_model.named_parameters()}
    said = {
        names[id(value)]: (group["weight_decay"], group["factor"])
        for group in optimizer.param_groups
        for value in group["params"]
    }
    assert set(said) == {names[id(value)] for values, _ in groups for value in values}
    factors = {names[id(value)]: factor for values, factor in groups for value in values}
    for name, (decay, factor) in said.items():
        plain = name.endswith(("bias", "position", "start", "gain1", "gain2")) or "norm" in name
        assert (decay, factor) == (0.0 if plain else 0.05, factors[name]), name
    assert {decay for decay, _ in said.values()} == {0.0, 0.05}


def test_decay_alone_moves_weights_but_no_gain(toy_model):
    groups = make_stage("transformer", SETTINGS).groups(toy_model)
    optimizer = make_optimizer(toy_model, groups, SETTINGS)
    block = toy_model.transformer.blocks[0]
    weight, gain = block.mlp[0].weight.clone(), block.gain1.clone()
    for values, _ in groups:
        for value in values:
            value.grad = torch.zeros_like(value)
    optimizer.step()
    torch.testing.assert_close(block.mlp[0].weight, weight * (1 - 1e-3 * 0.05))
    assert torch.equal(block.gain1, gain)
