"""How far outputs are from PyTorch's, and when that is too far."""

import numpy as np
import pytest

from depthart_core import BackendError
from depthart_core.export.agreement import Limits, measure, objection, relative_error, structured_pictures


def said(**arrays):
    return [{name: np.array(values, np.float32) for name, values in arrays.items()}]


def refusal(limits, **found):
    expected = said(**{name: np.ones(len(values)) for name, values in found.items()})
    return objection(measure(expected, said(**found)), limits)


def test_what_is_nearest_counts_by_a_hundredth_of_the_farthest():
    reference, found = np.float32([[1.0, 0.5, 1e-4]]), np.float32([[1.0, 0.505, 6e-4]])
    np.testing.assert_allclose(relative_error(reference, found), [[0.0, 0.01, 0.05]], atol=1e-6)


def test_depth_is_measured_by_ratio_and_the_others_by_difference():
    found = measure(said(depth=[2.0, 4.0], size=[0.5]), said(depth=[2.2, 4.0], size=[0.7], stage_prefix=[1.0]))
    assert found["depth"]["mean"] == pytest.approx(0.05, rel=1e-5)
    assert found["depth"]["max"] == pytest.approx(0.1, rel=1e-5)
    assert found["size"]["mean"] == pytest.approx(0.2, rel=1e-5)


def test_which_outputs_are_measured_by_ratio_can_be_said():
    found = measure(said(depth=[2.0], size=[0.5]), said(depth=[2.2], size=[0.7]), relative=("size",))
    assert found["depth"]["max"] == pytest.approx(0.2, rel=1e-5)
    assert found["size"]["max"] == pytest.approx(0.4, rel=1e-5)


def test_a_percentile_above_its_limit_is_refused_though_the_mean_is_below():
    depth = np.ones(100)
    depth[:5] = 1.5
    figures = measure(said(depth=np.ones(100)), said(depth=depth))
    assert objection(figures, Limits(mean=0.03, p99=0.6)) == ""
    assert objection(figures, Limits(mean=0.03, p99=0.1)) == (
        "depth deviates from PyTorch by 50% (p99), allowed is 10%"
    )


def test_one_value_above_its_limit_is_refused_though_the_others_are_exact():
    depth = [1.0] * 999 + [1.5]
    assert refusal(Limits(mean=1e-3, p99=1e-2), depth=depth) == ""
    assert refusal(Limits(max=0.1), depth=depth) == "depth deviates from PyTorch by 50% (max), allowed is 10%"


def test_the_first_output_that_deviates_is_named():
    told = refusal(Limits(mean=0.1), depth=[1.0], confidence=[1.0], size=[1.5])
    assert told == "size deviates from PyTorch by 50% (mean), allowed is 10%"


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_non_finite_values_are_refused_without_any_limit(wrong):
    assert refusal(Limits(), confidence=[1.0, wrong]) == "confidence has 1 non-finite values, allowed are 0"


def test_other_outputs_than_those_of_pytorch_are_refused():
    one, two = said(depth=[1.0]), said(depth=[1.0], size=[1.0])
    with pytest.raises(BackendError, match=r"the outputs are depth, size, those of PyTorch are depth$"):
        measure(one, two)
    with pytest.raises(BackendError, match=r"the outputs are depth, those of PyTorch are depth, size$"):
        measure(two, one)


def test_without_pictures_nothing_agrees():
    with pytest.raises(BackendError, match="no pictures"):
        measure([], [])


def test_structured_pictures_differ_and_repeat():
    first, second = structured_pictures(16, 2)
    assert (first.shape, first.dtype) == ((16, 16, 3), np.uint8)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(structured_pictures(16, 2)[1], second)
