"""The one thread that works, and the queues in which the frames of the cameras wait for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")

QUEUE_LIMIT = 4
"""Items of a queue beyond which it has no room: only where all are kept."""


@dataclass(frozen=True)
class Handler(Generic[Item]):
    """What becomes of the items of one queue.

    Attributes:
        process: does the work, in the worker's thread.
        on_replaced: is told of each item that was dropped because a newer one came, or because work ended.
        on_error: gets what `process` raises.
        on_room: is told that a queue without room has room again.
    """

    process: Callable[[Item], None]
    on_replaced: Callable[[], None]
    on_error: Callable[[Exception], None]
    on_room: Callable[[], None] = lambda: None


class FrameQueue(Generic[Item]):
    """Where the items of one camera wait: the newest alone, or all of them in order.

    Args:
        handler: of its items.
        keep_all: whether items wait in order instead of being replaced.
        condition: of the worker, which guards every queue.
    """

    def __init__(self, handler: Handler[Item], *, keep_all: bool, condition: threading.Condition) -> None:
        self.handler = handler
        self._items: deque[Item] = deque(maxlen=None if keep_all else 1)
        self._condition = condition
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._items)

    @property
    def has_room(self) -> bool:
        """Whether another item may come; a queue that keeps the newest alone always has."""
        return self._items.maxlen is not None or len(self._items) < QUEUE_LIMIT

    def put(self, item: Item) -> None:
        """Hand an item over, in place of an older one where only the newest is kept; a closed queue stays empty."""
        with self._condition:
            replaced = len(self._items) == self._items.maxlen
            if not self._closed:
                self._items.append(item)
                self._condition.notify()
        if replaced:
            self.handler.on_replaced()

    def pop(self) -> Item | None:
        """Remove the item that has waited longest; None where none waits. The condition is held."""
        return self._items.popleft() if self._items else None

    def close(self) -> int:
        """Drop what waits and take no more; returns how many were dropped. The condition is held."""
        dropped, self._closed = len(self._items), True
        self._items.clear()
        return dropped


class Worker:
    """One thread that takes one item from each queue in turn: a camera waits for one frame of each other one at most.

    Args:
        keep_all: whether every item is processed; otherwise the newest of each queue.
    """

    def __init__(self, *, keep_all: bool = False) -> None:
        self._keep_all = keep_all
        self._condition = threading.Condition()
        self._queues: deque[FrameQueue[Any]] = deque()  # the one whose turn it is comes first
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="depthart_worker", daemon=True)
        self._thread.start()

    def add_queue(self, handler: Handler[Item]) -> FrameQueue[Item]:
        """Return a new queue."""
        queue = FrameQueue(handler, keep_all=self._keep_all, condition=self._condition)
        with self._condition:
            self._queues.append(queue)
        return queue

    def stop(self) -> None:
        """Drop what waits, let the item at work finish, and end the thread."""
        with self._condition:
            self._closed = True
            dropped = [(queue, queue.close()) for queue in self._queues]
            self._condition.notify_all()
        for queue, count in dropped:
            for _ in range(count):
                queue.handler.on_replaced()
        self._thread.join()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            handler, item = taken
            try:
                handler.process(item)
            except Exception as error:  # whatever one frame did, the next one has to be tried
                handler.on_error(error)

    def _take(self) -> tuple[Handler[Any], Any] | None:
        """Wait for an item of any queue; None once the worker is stopped."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or any(queue.waiting for queue in self._queues))
            if self._closed:
                return None
            while not self._queues[0].waiting:
                self._queues.rotate(-1)
            queue = self._queues[0]
            self._queues.rotate(-1)
            full, item = not queue.has_room, queue.pop()
        if full:
            queue.handler.on_room()
        return queue.handler, item
