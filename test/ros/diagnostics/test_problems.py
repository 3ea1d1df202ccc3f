"""What is wrong now, and how often the log hears of it."""

import pytest

from depthart_ros.diagnostics.problems import REPEAT_AFTER, SPACING, Problems


class Log:
    def __init__(self):
        self.now, self.lines = 100.0, []
        self.problems = Problems(self.lines.append, clock=lambda: self.now)


@pytest.fixture
def log():
    return Log()


def test_the_same_sentence_is_logged_once_in_a_while(log):
    for _ in range(100):
        log.problems.report("image", "wrong")
        log.now += REPEAT_AFTER / 50
    assert log.lines == ["wrong"] * 2


def test_a_number_that_changes_makes_no_other_sentence(log):
    for frame in range(100):
        log.problems.report("age", f"image: its stamp is {frame / 7:.3f} s old; expected at most 1")
        log.now += REPEAT_AFTER / 50
    assert len(log.lines) == 2
    assert log.problems.current()["age"] == "image: its stamp is 14.143 s old; expected at most 1"


def test_another_sentence_is_logged_at_once_but_not_at_every_frame(log):
    log.problems.report("image", "a")
    log.now += 1.5 * SPACING
    log.problems.report("image", "b")
    log.problems.report("image", "c")
    assert log.lines == ["a", "b"]


def test_kinds_do_not_silence_each_other(log):
    log.problems.report("image", "a")
    log.problems.report("age", "b")
    assert log.lines == ["a", "b"]


def test_the_newest_sentence_of_each_kind_holds_until_it_is_cleared(log):
    log.problems.report("image", "a")
    log.problems.report("image", "b")
    log.problems.report("age", "c")
    assert log.problems.current() == {"image": "b", "age": "c"}
    assert log.lines == ["a", "c"]
    log.problems.clear("image", "qos")
    assert log.problems.current() == {"age": "c"}
