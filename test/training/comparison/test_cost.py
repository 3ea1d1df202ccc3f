"""What a training step of a contender costs."""

import pytest

from training.comparison.contenders import make_contender
from training.comparison.cost import count_cost, steps_of
from training.comparison.plan import Plan


def test_operations_of_a_training_step_grow_with_the_rollout(plan):
    costs = {name: count_cost(make_contender(name, plan, 0)) for name in plan.contenders}
    assert costs["depthart"].training_gflop > costs["teacher_forcing"].training_gflop
    assert costs["depthart"].inference_gflop == costs["teacher_forcing"].inference_gflop
    assert costs["depthart"].training_gflop > 2 * costs["depthart"].inference_gflop


def test_the_cost_of_a_step_is_a_mean_of_some_as_some_decode_twice(plan, monkeypatch):
    contender = make_contender("depthart", plan, 0)
    mean = count_cost(contender).training_gflop
    monkeypatch.setattr("training.operations.COUNTED_STEPS", 1)
    first = count_cost(contender).training_gflop
    assert 1.01 * first < mean < 1.5 * first


def test_equal_operations_give_the_cheaper_one_more_steps(plan):
    costs = {name: count_cost(make_contender(name, plan, 0)) for name in plan.contenders}
    large = Plan(**{**vars(plan), "samples": 100_000})
    spent = [steps_of(large, costs, name, 2) * costs[name].training_gflop for name in plan.contenders]
    assert max(spent) == pytest.approx(min(spent), rel=1e-3)
