"""The newest-frame slot and its worker."""

import threading
import time

from depthart_ros.worker import NewestSlot, Worker


def wait_for(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen in 5 s"
        time.sleep(0.001)


class Busy:
    """A worker whose first item waits until it is let go."""

    def __init__(self, fails_on=()):
        self.done, self.errors, self.replaced = [], [], 0
        self.started, self.go = threading.Event(), threading.Event()
        self.fails_on = fails_on
        self.worker = Worker(self.process, on_replaced=self.count, on_error=self.errors.append)

    def process(self, item):
        self.started.set()
        assert self.go.wait(5)
        if item in self.fails_on:
            raise RuntimeError(item)
        self.done.append(item)

    def count(self):
        self.replaced += 1


def test_only_the_newest_of_the_waiting_items_is_processed():
    busy = Busy()
    busy.worker.put(0)
    assert busy.started.wait(5)
    for item in (1, 2, 3):
        busy.worker.put(item)
    busy.go.set()
    wait_for(lambda: len(busy.done) == 2)
    busy.worker.stop()
    assert (busy.done, busy.replaced) == ([0, 3], 2)


def test_a_failure_is_reported_and_the_next_item_processed():
    busy = Busy(fails_on=(0,))
    busy.go.set()
    busy.worker.put(0)
    wait_for(lambda: busy.errors)
    busy.worker.put(1)
    wait_for(lambda: busy.done)
    busy.worker.stop()
    assert [str(error) for error in busy.errors] == ["0"]
    assert busy.done == [1]


def test_stopping_lets_the_item_at_work_finish_and_drops_the_waiting_one():
    busy = Busy()
    busy.worker.put(0)
    assert busy.started.wait(5)
    busy.worker.put(1)
    stopping = threading.Thread(target=busy.worker.stop)
    stopping.start()
    busy.go.set()
    stopping.join(5)
    assert not stopping.is_alive()
    assert (busy.done, busy.replaced) == ([0], 1)


def test_a_stopped_worker_leaves_no_thread():
    before = threading.active_count()
    busy = Busy()
    assert threading.active_count() == before + 1
    busy.worker.stop()
    assert threading.active_count() == before


def test_a_closed_slot_gives_nothing_and_takes_nothing():
    slot = NewestSlot()
    slot.put(1)
    assert slot.close() is True
    slot.put(2)
    assert slot.take() is None
