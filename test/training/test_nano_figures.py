"""The shipped model keeps what its card promises, on pictures beside the checkout."""

import pytest

from depthart_core import DepthEstimator
from training.data.source import open_data
from training.evaluate import evaluate
from training.scoring.metrics import average


@pytest.mark.parametrize(
    ("data", "every", "limit"),
    [("rooms/val-000.tar", 5, 0.125), ("real/tum_fr1_rpy", 1, 0.145), ("real/tum_fr3_cabinet", 1, 0.096)],
    ids=["rooms", "tum_fr1_rpy", "tum_fr3_cabinet"],
)
def test_nano_is_as_accurate_as_promised(shared_data, data, every, limit):
    estimator = DepthEstimator.load("nano")
    samples = open_data(shared_data / data)[::every]
    frames = evaluate(estimator, samples)
    assert len(frames) > 50
    assert average([frame.scores for frame in frames]).abs_rel <= limit
