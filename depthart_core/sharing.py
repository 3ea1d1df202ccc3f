"""Work in parts that a second thread shares, as far as a core is free for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache


def share(work: Callable[[int], object], parts: int) -> None:
    """Call `work` with 0, 1, … parts - 1, each once; another thread takes parts from the end and is not waited for.

    Args:
        work: One part, whatever happens to the others meanwhile; it gains where it spends its time without the GIL.
        parts: How many.

    Raises:
        Exception: What `work` raised; no part is at work any more.
    """
    places: list[Future[None]] = [Future() for _ in range(parts)]
    _helper().submit(_take_from_end, work, places)
    try:
        for part, place in enumerate(places):
            if place.cancel():
                work(part)
            else:
                place.result()
    finally:
        for place in places:
            if not place.cancel():
                place.exception()  # waits


def _take_from_end(work: Callable[[int], object], places: list[Future[None]]) -> None:
    """Do what nobody else has begun, from the last part to the second."""
    for part in range(len(places) - 1, 0, -1):
        if places[part].set_running_or_notify_cancel():
            try:
                work(part)
            except Exception as error:
                places[part].set_exception(error)
            else:
                places[part].set_result(None)


@cache
def _helper() -> ThreadPoolExecutor:
    """Return the other thread; where it is busy, or did not come along into a forked process, nobody waits for it."""
    return ThreadPoolExecutor(1, thread_name_prefix="depthart_helper")
