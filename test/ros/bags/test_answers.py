"""Answers of the model that outlive an interruption."""

import hashlib

import numpy as np
import pytest

from depthart_core.inference import Inference, ScaleGuess
from depthart_ros.bags.answers import Answers, RememberingBackend
from depthart_ros.errors import BagError

MODEL = {"model": "toy", "sha256": "0"}


def key(n):
    return hashlib.sha256(bytes([n])).digest()


def answer(n, *, heads=True):
    rng = np.random.default_rng(n)
    depth, confidence = (rng.random((8, 8)).astype(np.float32) for _ in range(2))
    return Inference(depth, confidence, ScaleGuess(rng.random(), rng.random()), 3) if heads else Inference(depth)


def same(one, other):
    return (
        one.depth.tobytes() == other.depth.tobytes()
        and (one.confidence is None) == (other.confidence is None)
        and (one.confidence is None or one.confidence.tobytes() == other.confidence.tobytes())
        and (one.canonical, one.scales) == (other.canonical, other.scales)
    )


@pytest.mark.parametrize("heads", [True, False])
def test_an_answer_comes_back_bit_for_bit_also_after_the_file_was_closed(tmp_path, heads):
    with Answers(tmp_path / "answers", MODEL) as answers:
        answers.add(key(1), answer(1, heads=heads))
        answers.add(key(2), answer(2, heads=heads))
        assert same(answers.find(key(1)), answer(1, heads=heads))
    with Answers(tmp_path / "answers", MODEL) as answers:
        assert len(answers) == 2
        assert same(answers.find(key(1)), answer(1, heads=heads))
        assert same(answers.find(key(2)), answer(2, heads=heads))
        assert answers.find(key(3)) is None


@pytest.mark.parametrize("lost", [1, 100, 500, 900])
def test_a_record_that_was_cut_off_is_dropped_and_the_ones_before_stay(tmp_path, lost):
    path = tmp_path / "answers"
    with Answers(path, MODEL) as answers:
        answers.add(key(1), answer(1))
        whole = path.stat().st_size
        answers.add(key(2), answer(2))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(max(size - lost, whole))
    with Answers(path, MODEL) as answers:
        assert len(answers) == 1
        answers.add(key(3), answer(3))
    with Answers(path, MODEL) as answers:
        assert [same(answers.find(key(n)), answer(n)) for n in (1, 3)] == [True, True]


def test_a_record_with_a_flipped_bit_is_dropped(tmp_path):
    path = tmp_path / "answers"
    with Answers(path, MODEL) as answers:
        answers.add(key(1), answer(1))
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    with Answers(path, MODEL) as answers:
        assert len(answers) == 0


def test_answers_of_another_model_are_not_used(tmp_path):
    with Answers(tmp_path / "answers", MODEL) as answers:
        answers.add(key(1), answer(1))
    with Answers(tmp_path / "answers", MODEL | {"sha256": "1"}) as answers:
        assert answers.find(key(1)) is None


def test_two_at_once_are_refused(tmp_path):
    with Answers(tmp_path / "answers", MODEL), pytest.raises(BagError, match="another `depthart bag` is writing"):
        Answers(tmp_path / "answers", MODEL)


def test_the_backend_is_asked_once_for_a_picture_and_says_the_same_afterwards(tmp_path, toy_heads_path):
    from depthart_core import DepthEstimator

    backend = DepthEstimator.load(toy_heads_path, backend="torch").backend
    size = backend.input_size
    picture = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    with Answers(tmp_path / "answers", MODEL) as answers:
        remembering = RememberingBackend(backend, answers)
        first = remembering.infer(picture)
        assert len(answers) == 1
        assert same(first, remembering.infer(picture))
        assert same(first, backend.infer(picture))
        assert (remembering.input_size, remembering.heads, remembering.scales) == (size, True, backend.scales)
