"""Work in parts on two threads."""

import os
import threading
import time

import pytest

from depthart_core.sharing import share


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_every_part_is_done_once(parts):
    done = []
    for _ in range(100):
        done.clear()
        share(done.append, parts)
        assert sorted(done) == list(range(parts))


def test_parts_are_shared_with_another_thread():
    threads = set()

    def work(part):
        threads.add(threading.get_ident())
        time.sleep(0.05)

    share(work, 4)
    assert len(threads) == 2


def test_a_helper_that_is_busy_is_not_waited_for():
    release, done = threading.Event(), []

    def hold(part):
        if part == 1:
            release.wait()

    other = threading.Thread(target=share, args=(hold, 2))
    other.start()
    share(done.append, 3)  # by itself, or with the helper before it takes the part that holds it
    assert sorted(done) == [0, 1, 2]
    release.set()
    other.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_the_work_without_the_helper():
    share([].append, 3)
    child = os.fork()
    if child == 0:
        done = []
        share(done.append, 3)
        os._exit(0 if sorted(done) == [0, 1, 2] else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("bad", [0, 3])
def test_an_error_in_any_part_reaches_the_caller(bad):
    def work(part):
        time.sleep(0.01)
        if part == bad:
            raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match=f"part {bad}"):
        share(work, 4)


def test_no_part_is_at_work_any_more_when_one_failed():
    at_work = set()

    def work(part):
        at_work.add(part)
        if part == 0:
            time.sleep(0.05)  # until the helper is at work, too
            at_work.remove(part)
            raise ValueError("part 0")
        time.sleep(0.2)
        at_work.remove(part)

    with pytest.raises(ValueError, match="part 0"):
        share(work, 2)
    assert not at_work
