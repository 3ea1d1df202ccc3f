"""The parameters of metres and what is left out of them, proven: each changes what it says."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time


def nan_share(bench, **settings):
    """Share of the depth image that the filters let not through."""
    return np.isnan(bench.out("depth/image_rect", scale=1.0, **settings)).mean()


@pytest.mark.proves("scale")
def test_the_scale_multiplies_depth(bench):
    one, three = (bench.out("depth/image_rect", scale=scale, max_range=1e4, min_range=0.0) for scale in (1.0, 3.0))
    np.testing.assert_allclose(three, 3 * one, rtol=1e-5)


@pytest.mark.proves("scale_source")
def test_the_guess_of_the_model_takes_the_place_of_the_scale_that_is_given(bench):
    pipeline = bench.pipeline()
    bench.frame(pipeline, scale=2.0)
    assert pipeline.scale.metres_per_unit == 2.0
    bench.frame(pipeline, scale=2.0, scale_source="model")
    assert pipeline.scale.metres_per_unit != 2.0


@pytest.mark.proves("scale_smoothing")
def test_smoothing_slows_what_the_guess_changes(bench):
    def second(smoothing):
        pipeline, found = bench.pipeline(), []
        for number, data in enumerate((bytes(9216), bytes([200]) * 9216)):
            image = bench.rgb_message(Time(sec=1 + number), data=data)
            settings = {"scale_source": "model", "scale_smoothing": smoothing}
            bench.frame(pipeline, stamp=Time(sec=1 + number), image=image, **settings)
            found.append(pipeline.scale.metres_per_unit)
        return found

    (first, alone), (same, smooth) = second(0.0), second(10.0)
    assert first == same
    assert abs(np.log(smooth / first)) < 0.2 * abs(np.log(alone / first))


@pytest.mark.proves("min_range")
def test_what_is_nearer_than_min_range_is_minus_infinity(bench):
    near, far = (bench.out("depth/image_rect", scale=1.0, min_range=value) for value in (0.0, 1.0))
    assert (near != -np.inf).all()
    np.testing.assert_array_equal(far == -np.inf, near < 1.0)
    assert (far == -np.inf).any()


@pytest.mark.proves("max_range")
def test_what_is_farther_than_max_range_is_infinity(bench):
    far, near = (bench.out("depth/image_rect", scale=1.0, max_range=value) for value in (1e4, 1.0))
    assert (far != np.inf).all()
    np.testing.assert_array_equal(near == np.inf, far > 1.0)
    assert (near == np.inf).any()


@pytest.mark.proves("depth.encoding")
def test_an_encoding_of_16uc1_gives_millimetres(bench):
    pipeline = bench.pipeline()
    metres = bench.values(bench.frame(pipeline, scale=1.0)["depth/image_rect"])
    image = bench.frame(pipeline, scale=1.0, depth_encoding="16UC1")["depth/image_rect"]
    finite = np.isfinite(metres)
    np.testing.assert_allclose(np.frombuffer(image.data, np.uint16)[finite], 1000 * metres[finite], atol=0.51)
    assert image.encoding == "16UC1"


@pytest.mark.proves("edge_filter")
def test_the_edge_filter_lets_no_steps_through(bench):
    assert nan_share(bench) == 0 < nan_share(bench, edge_filter=0.001)


@pytest.mark.proves("min_confidence")
def test_what_is_less_confident_than_asked_for_is_not_let_through(bench):
    middle = float(np.median(bench.out("depth/confidence")))
    assert nan_share(bench) == 0 < nan_share(bench, min_confidence=middle) < 1
