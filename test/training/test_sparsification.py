"""Sparsification curves against slow and hand-computed ones."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from depthart_core.estimator import RelativeDepth
from depthart_core.geometry import Intrinsics
from training.data.protocol import Protocol
from training.data.sample import Sample
from training.scoring.frames import ScoringSettings
from training.scoring.metrics import ScoreError
from training.sparsification import (
    REMOVED,
    area_between,
    draw,
    gradient,
    log_gradient,
    main,
    sparsification,
    sparsify,
    table,
)


def slow_curve(error, uncertainty):
    """One share at a time: sort, cut off, average."""
    ordered = [e for _, e in sorted(zip(uncertainty, error, strict=True), key=lambda pair: pair[0])]
    return [np.mean(ordered[: int(np.ceil(round((1 - share) * len(error), 6)))]) for share in REMOVED]


def test_the_curve_is_the_mean_error_of_what_remains():
    # Removed in the order 4, 1, 3, 2 (uncertainty 0.9, 0.8, 0.5, 0.1).
    curve = sparsify(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.8, 0.1, 0.5, 0.9]))
    assert curve[0] == pytest.approx((1 + 2 + 3 + 4) / 4)
    assert curve[25] == pytest.approx((1 + 2 + 3) / 3)
    assert curve[50] == pytest.approx((2 + 3) / 2)
    assert curve[[75, 99]] == pytest.approx([2, 2])


def test_the_curve_agrees_with_a_slow_one():
    random = np.random.default_rng(0)
    error, uncertainty = random.random(257), random.random(257)
    np.testing.assert_allclose(sparsify(error, uncertainty), slow_curve(error, uncertainty))


def test_among_equal_uncertainties_chance_decides_and_the_curve_is_its_expectation():
    error, uncertainty = np.array([4.0, 0.0, 1.0, 3.0, 2.0]), np.array([1, 1, 0, 1, 0])
    random = np.random.default_rng(0)
    drawn = [slow_curve(error, uncertainty + 0.1 * random.random(5)) for _ in range(500)]
    np.testing.assert_allclose(sparsify(error, uncertainty), np.mean(drawn, axis=0), atol=0.15)
    np.testing.assert_allclose(sparsify(error, np.zeros(5)), np.full(100, 2.0))


def test_no_ranking_is_below_the_oracle():
    random = np.random.default_rng(0)
    error = random.random(100)
    oracle = sparsify(error, error)
    assert all((sparsify(error, random.random(100)) >= oracle - 1e-12).all() for _ in range(10))
    assert area_between(oracle, oracle) == 0


def test_the_area_between_straight_curves_is_that_of_the_triangle():
    assert area_between(1 - REMOVED, np.zeros(100)) == pytest.approx((1 + 0.01) / 2 * 0.99)


def test_the_gradients_are_those_of_a_slope():
    v, u = np.mgrid[:5, :6]
    plane = RelativeDepth((1 + 0.3 * u + 0.4 * v).astype(np.float32))
    np.testing.assert_allclose(gradient(plane), 0.5, rtol=1e-5)
    power = RelativeDepth(np.exp(0.3 * u + 0.4 * v).astype(np.float32))
    np.testing.assert_allclose(log_gradient(power), 0.5, rtol=1e-5)


@pytest.fixture
def scene():
    """A wall 2 m away, and a predictor that is wrong on its right half and knows where."""
    sample = Sample(
        "wall", np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 2.0, np.float32), Intrinsics(8, 8, 8, 8, 4, 4)
    )
    values = np.ones((8, 8), np.float32)
    values[:, 5:] = 1.5
    certain = np.where(values == 1, np.float32(0.9), np.float32(0.2))
    return sample, RelativeDepth(values, certain)


def test_a_confidence_that_knows_its_errors_is_as_good_as_the_oracle(scene):
    sample, prediction = scene
    result = sparsification(lambda _: prediction, [sample, sample], ScoringSettings(Protocol(size=None)))
    assert result.frames == 2
    assert result.curves["oracle"][0] == pytest.approx(0.5 * 3 / 8)
    assert result.ause("confidence") == pytest.approx(0)
    assert result.ause("gradient") > 0.02
    assert result.ause("chance") == pytest.approx(area_between(np.full(100, 0.5 * 3 / 8), result.curves["oracle"]))


def test_a_confidence_that_is_upside_down_is_worse_than_chance(scene):
    sample, prediction = scene
    wrong = replace(prediction, confidence=1 - prediction.confidence)
    result = sparsification(lambda _: wrong, [sample], ScoringSettings(Protocol(size=None)))
    assert result.ause("confidence") > result.ause("chance")


def test_pixels_without_truth_do_not_count(scene):
    sample, prediction = scene
    known = sample.depth.copy()
    known[:, 5:] = np.nan
    result = sparsification(lambda _: prediction, [replace(sample, depth=known)], ScoringSettings(Protocol(size=None)))
    assert result.curves["chance"] == pytest.approx(np.zeros(100))
    assert table([result]).splitlines()[-1] == "| data | 1 | 0.0000 | chance | 0.0000 | - |"


def test_a_model_without_confidence_is_refused(scene):
    sample, prediction = scene
    silent = replace(prediction, confidence=None)
    with pytest.raises(ScoreError, match="the model states no confidence"):
        sparsification(lambda _: silent, [sample], ScoringSettings(Protocol(size=None)))


def test_the_curves_are_drawn_and_the_table_has_a_row_for_every_ranking(scene, tmp_path):
    sample, prediction = scene
    result = sparsification(lambda _: prediction, [sample], ScoringSettings(Protocol(size=None)), name="wall")
    draw(result, tmp_path / "out")
    assert cv2.imread(str(tmp_path / "out" / "wall.sparsification.png")).std() > 5
    head, _, *rows = table([result]).splitlines()
    assert head == "| data | frames | AbsRel | ranking | AUSE | AUSE / chance |"
    assert [row.split(" | ")[3] for row in rows] == ["confidence", "gradient", "log gradient", "chance"]
    assert rows[0] == "| wall | 1 | 0.1875 | confidence | 0.0000 | 0.000 |"


def test_the_command_compares_the_confidence_of_a_model(toy_heads_path, frame_folder, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    data = ["--data", f"desk={frame_folder}", "--limit", "2", "--threads", "1"]
    assert main([str(toy_heads_path), *data, "--out", str(out)]) == 0
    text = (out / "sparsification.md").read_text()
    assert text == capsys.readouterr().out
    title, _, *rows = text.splitlines()
    assert title.startswith("toy")
    assert [row.split(" | ")[:2] for row in rows[2:6]] == [["| desk", "2"]] * 4
    assert rows[-1].startswith("| desk | 0.")  # the calibration
    assert (out / "desk.sparsification.png").exists()


def test_the_command_says_in_one_sentence_that_the_mean_map_knows_no_confidence(shard_of, frame_folder, capsys):
    assert main(["mean-map", "--data", f"desk={frame_folder}", "--train", str(shard_of(1))]) == 1
    assert capsys.readouterr().err == (
        "training.sparsification: the model states no confidence, expected one for every pixel\n"
    )
