"""What the log hears of the diagnostics."""

import pytest

from depthart_ros.diagnostics.announcer import LASTS, Announcer
from depthart_ros.diagnostics.verdicts import ERROR, OK, WARN, Verdict

FINE, SILENT = Verdict(OK, "running"), Verdict(WARN, "no image", "nothing publishes /image", "start the camera")


@pytest.fixture
def log():
    class Log:
        def __init__(self):
            self.warnings, self.news = [], []
            self.announcer = Announcer(self.warnings.append, self.news.append)

        def update(self, verdict, times=LASTS, known=()):
            for _ in range(times):
                self.announcer.update(verdict, known)

    return Log()


def test_a_state_that_lasts_is_said_once_with_cause_and_cure(log):
    log.update(SILENT, LASTS - 1)
    assert log.warnings == []
    log.update(SILENT, 100)
    assert log.warnings == ["no image; nothing publishes /image; start the camera"]


def test_another_cure_of_the_same_state_is_said_as_well(log):
    log.update(SILENT)
    log.update(Verdict(WARN, "no image", "but /image/compressed is there", "set image_transport to compressed"))
    log.update(Verdict(WARN, "no image", "1 publisher(s), but no image for 3 s", "see whether the camera runs"))
    log.update(Verdict(WARN, "no image", "1 publisher(s), but no image for 6 s", "see whether the camera runs"))
    assert [line.split("; ")[-1] for line in log.warnings] == [
        "start the camera", "set image_transport to compressed", "see whether the camera runs",
    ]  # fmt: skip


def test_its_end_is_said_and_the_next_time_it_is_said_again(log):
    for _ in range(2):
        log.update(SILENT)
        log.update(FINE)
    assert (len(log.warnings), log.news) == (2, ["running"] * 2)


def test_nothing_is_said_while_all_is_well(log):
    log.update(FINE, 100)
    assert (log.warnings, log.news) == ([], [])


def test_a_state_that_comes_and_goes_is_not_said(log):
    for _ in range(20):
        log.update(SILENT, 1)
        log.update(FINE, 1)
    assert (log.warnings, log.news) == ([], [])


def test_what_the_log_has_already_is_not_said_again(log):
    log.update(Verdict(ERROR, "frames are dropped", "step is 1", "cure"), known=["step is 1"])
    log.announcer.mark_logged("measure one distance")
    log.update(Verdict(WARN, "relative depth only", "scale is unknown", "measure one distance"))
    assert log.warnings == []
