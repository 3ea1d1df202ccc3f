"""The newest-frame slot and the one thread that takes from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class NewestSlot(Generic[Item]):
    """Holds at most one item; a new one replaces it."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: Item | None = None
        self._closed = False

    def put(self, item: Item) -> bool:
        """Store an item and return whether one that nobody took was replaced; a closed slot stays empty."""
        with self._condition:
            replaced = self._item is not None
            self._item = None if self._closed else item
            self._condition.notify()
            return replaced

    def take(self) -> Item | None:
        """Wait for an item and remove it; None once the slot is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._item is not None)
            item, self._item = self._item, None
            return item

    def close(self) -> bool:
        """Let every `take` return None from now on; returns whether an item that nobody took was dropped."""
        with self._condition:
            dropped = self._item is not None
            self._closed, self._item = True, None
            self._condition.notify_all()
            return dropped


class Worker(Generic[Item]):
    """One thread that calls `process` with the newest item, again and again."""

    def __init__(
        self,
        process: Callable[[Item], None],
        *,
        on_replaced: Callable[[], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._slot: NewestSlot[Item] = NewestSlot()
        self._process = process
        self._on_replaced = on_replaced
        self._on_error = on_error
        self._thread = threading.Thread(target=self._run, name="depthart_worker", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Hand an item over; an older one that still waits is dropped and reported to `on_replaced`."""
        if self._slot.put(item):
            self._on_replaced()

    def stop(self) -> None:
        """Drop the waiting item, let the one at work finish, and end the thread."""
        if self._slot.close():
            self._on_replaced()
        self._thread.join()

    def _run(self) -> None:
        while (item := self._slot.take()) is not None:
            self._process_or_report(item)

    def _process_or_report(self, item: Item) -> None:
        try:
            self._process(item)
        except Exception as error:  # whatever one frame did, the next one has to be tried
            self._on_error(error)
