"""Where the contenders start."""

import pytest
import torch
from safetensors.torch import save_file

from depthart_core.errors import CheckpointError
from training.comparison.contenders import make_contender
from training.comparison.plan import ComparisonError, Plan


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_both_objectives_of_a_seed_start_from_the_same_weights(plan):
    ours, theirs = (make_contender(name, plan, 0).model for name in ("depthart", "teacher_forcing"))
    assert torch.equal(weights(ours), weights(theirs))
    assert not torch.equal(weights(ours), weights(make_contender("depthart", plan, 1).model))


def test_all_start_from_the_given_tokenizer_and_from_imagenet(plan, toy_model):
    depthart, regressor = (make_contender(name, plan, 0).model for name in ("depthart", "regressor"))
    tokenizer = toy_model.tokenizer.state_dict()
    assert all(torch.equal(value, tokenizer[name]) for name, value in depthart.tokenizer.state_dict().items())
    assert torch.equal(regressor.decoder.output.weight, toy_model.tokenizer.decoder.output.weight)
    assert torch.equal(weights(depthart.image.backbone), weights(regressor.image.backbone))


def test_the_two_objectives_differ_by_one_option(plan):
    ours, theirs = (vars(make_contender(name, plan, 0).settings) for name in ("depthart", "teacher_forcing"))
    assert {name for name in ours if ours[name] != theirs[name]} == {"objective"}


def test_a_tokenizer_of_another_shape_is_refused(plan):
    with pytest.raises(ComparisonError, match="its tokenizer is"):
        make_contender("depthart", Plan(**{**vars(plan), "tokenizer": "nano"}), 0)


@pytest.mark.parametrize("metadata", [{}, {"format": "depthart/1", "config": "{}"}])
def test_a_tokenizer_of_no_model_of_ours_is_named(plan, tmp_path, metadata):
    save_file({"other": torch.zeros(3)}, tmp_path / "odd.safetensors", metadata)
    with pytest.raises(CheckpointError, match=r"odd.safetensors (is not a depthart/1 model|carries a configuration)"):
        make_contender("depthart", Plan(**{**vars(plan), "tokenizer": str(tmp_path / "odd.safetensors")}), 0)
