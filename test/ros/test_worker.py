"""The one worker and the queues of the cameras."""

import threading
import time

from depthart_ros.worker import QUEUE_LIMIT, Handler, Worker

PATIENCE = 60.0


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"it did not happen in {PATIENCE:g} s"
        time.sleep(0.001)


def workers():
    """How many threads of ours there are; libraries have others."""
    return [thread.name for thread in threading.enumerate()].count("depthart_worker")


class Busy:
    """A worker with queues whose first item waits until it is let go."""

    def __init__(self, *, queues=1, fails_on=(), keep_all=False):
        self.done, self.errors, self.replaced, self.room = [], [], 0, 0
        self.started, self.go = threading.Event(), threading.Event()
        self.fails_on = fails_on
        self.worker = Worker(keep_all=keep_all)
        handler = Handler(self.process, self.count, self.errors.append, self.note_room)
        self.queues = [self.worker.add_queue(handler) for _ in range(queues)]
        self.put = self.queues[0].put

    def process(self, item):
        self.started.set()
        assert self.go.wait(PATIENCE)
        if item in self.fails_on:
            raise RuntimeError(item)
        self.done.append(item)

    def count(self):
        self.replaced += 1

    def note_room(self):
        self.room += 1


def test_only_the_newest_of_the_waiting_items_is_processed():
    busy = Busy()
    busy.put(0)
    assert busy.started.wait(PATIENCE)
    for item in (1, 2, 3):
        busy.put(item)
    busy.go.set()
    wait_for(lambda: len(busy.done) == 2)
    busy.worker.stop()
    assert (busy.done, busy.replaced) == ([0, 3], 2)


def test_a_failure_is_reported_and_the_next_item_processed():
    busy = Busy(fails_on=(0,))
    busy.go.set()
    busy.put(0)
    wait_for(lambda: busy.errors)
    busy.put(1)
    wait_for(lambda: busy.done)
    busy.worker.stop()
    assert [str(error) for error in busy.errors] == ["0"]
    assert busy.done == [1]


def test_stopping_lets_the_item_at_work_finish_and_drops_the_waiting_one():
    busy = Busy()
    busy.put(0)
    assert busy.started.wait(PATIENCE)
    busy.put(1)
    stopping = threading.Thread(target=busy.worker.stop)
    stopping.start()
    wait_for(lambda: busy.worker._closed)
    busy.go.set()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert (busy.done, busy.replaced) == ([0], 1)


def test_a_stopped_worker_leaves_no_thread_and_takes_nothing():
    before = workers()
    busy = Busy()
    assert workers() == before + 1
    busy.worker.stop()
    assert workers() == before
    busy.put(0)
    assert (busy.queues[0].waiting, busy.replaced) == (0, 0)


def test_cameras_take_turns_however_fast_one_of_them_is():
    busy = Busy(queues=3)
    fast, slow, silent = busy.queues
    fast.put("fast 0")
    assert busy.started.wait(PATIENCE)
    for number in range(1, 4):
        fast.put(f"fast {number}")
    slow.put("slow")
    busy.go.set()
    wait_for(lambda: len(busy.done) == 3)
    assert busy.done == ["fast 0", "slow", "fast 3"]
    assert silent.waiting == 0
    busy.worker.stop()


def test_a_queue_that_keeps_all_gives_every_item_in_order_and_says_when_it_has_room():
    busy = Busy(keep_all=True)
    (queue,) = busy.queues
    for item in range(3 * QUEUE_LIMIT):
        queue.put(item)
    assert not queue.has_room
    busy.go.set()
    wait_for(lambda: len(busy.done) == 3 * QUEUE_LIMIT)
    busy.worker.stop()
    assert (busy.done, busy.replaced) == (list(range(3 * QUEUE_LIMIT)), 0)
    assert queue.has_room
    assert busy.room >= 1
