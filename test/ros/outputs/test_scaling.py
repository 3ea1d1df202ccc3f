"""Metres from relative depth: given, guessed, and guessed without flicker."""

import math

import numpy as np
import pytest

from depthart_core import BackendError, Intrinsics, RelativeDepth, ScaleGuess
from depthart_ros.outputs.scaling import Scaling
from depthart_ros.parameters import Settings

CAMERA = Intrinsics(100, 100, 50.0, 50.0, 50.0, 50.0)  # half its size


def guessed(factor):
    return RelativeDepth(np.ones((2, 2), np.float32), None, ScaleGuess(factor, 0.2))


def factors(guesses, settings, stamps):
    scaling = Scaling()
    found = [
        scaling.of(guessed(guess), CAMERA, settings, stamp=stamp) for guess, stamp in zip(guesses, stamps, strict=True)
    ]
    return [scale.metres_per_unit for scale in found]


def test_a_given_scale_claims_no_error_and_zero_means_unknown():
    scaling = Scaling()
    assert scaling.of(guessed(3.0), CAMERA, Settings(scale=2.0), stamp=0.0) == ScaleGuess(2.0, 0.0)
    assert scaling.of(guessed(3.0), CAMERA, Settings(), stamp=0.0) is None


def test_the_guess_of_every_frame_holds_for_itself_without_smoothing():
    assert factors([2.0, 4.0, 2.0], Settings(scale_source="model"), [0, 1, 2]) == pytest.approx([1.0, 2.0, 1.0])


def test_smoothing_halves_a_step_of_the_logarithm_after_its_half_life():
    settings = Settings(scale_source="model", scale_smoothing=1.0 / math.log(2))
    assert factors([2.0, 8.0, 8.0], settings, [0, 1, 2]) == pytest.approx([1.0, 2.0, 2.0 * 2**0.5])


def test_smoothing_does_not_depend_on_the_rate_of_frames():
    settings = Settings(scale_source="model", scale_smoothing=0.7)
    slow = factors([2.0, 8.0], settings, [0.0, 1.0])
    fast = factors([2.0] + [8.0] * 10, settings, [number / 10 for number in range(11)])
    assert fast[-1] == pytest.approx(slow[-1])


def test_flicker_gets_less():
    noisy = np.exp(np.random.default_rng(3).normal(0, 0.1, 300))
    stamps = np.arange(300) / 30
    spreads = [
        np.std(np.log(factors(noisy, Settings(scale_source="model", scale_smoothing=smoothing), stamps)[60:]))
        for smoothing in (0.0, 1.0)
    ]
    assert spreads[1] < 0.3 * spreads[0]


def test_a_bag_that_begins_anew_begins_its_scale_anew():
    settings = Settings(scale_source="model", scale_smoothing=10.0)
    assert factors([2.0, 8.0], settings, [100.0, 1.0]) == pytest.approx([1.0, 4.0])


def test_a_driver_whose_stamps_stand_still_does_not_freeze_the_scale():
    settings = Settings(scale_source="model", scale_smoothing=1.0)
    assert factors([2.0, *[8.0] * 300], settings, [0.0] * 301)[-1] == pytest.approx(4.0, rel=1e-3)


def test_an_image_that_comes_twice_does_not_throw_smoothing_away():
    settings = Settings(scale_source="model", scale_smoothing=10.0)
    assert factors([2.0, 8.0, 2.0], settings, [1.0, 1.0, 1.1]) == pytest.approx([1.0] * 3, rel=0.01)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0])
def test_a_guess_that_is_no_factor_is_refused_and_the_next_one_is_smoothed_as_if_it_had_not_been(bad):
    settings = Settings(scale_source="model", scale_smoothing=1.0 / math.log(2))
    scaling = Scaling()
    scaling.of(guessed(2.0), CAMERA, settings, stamp=0.0)
    with pytest.raises(BackendError, match=f"guesses {bad:g} metres per unit; expected a finite number above 0"):
        scaling.of(guessed(bad), CAMERA, settings, stamp=0.5)
    assert scaling.of(guessed(8.0), CAMERA, settings, stamp=1.0).metres_per_unit == pytest.approx(2.0)


def test_without_intrinsics_or_a_guess_the_scale_is_unknown():
    settings = Settings(scale_source="model")
    assert Scaling().of(guessed(2.0), None, settings, stamp=0.0) is None
    assert Scaling().of(RelativeDepth(np.ones((2, 2), np.float32)), CAMERA, settings, stamp=0.0) is None
