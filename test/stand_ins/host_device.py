"""What stands in for a GPU: the host, whose streams do what is queued when they are waited for."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest


class Block:
    """Some memory; `int` of it is its address."""

    def __init__(self, size):
        self.bytes = np.zeros(size, np.uint8)

    def __int__(self):
        return self.bytes.ctypes.data


class Host:
    """The host as a device; see `cuda.Device`."""

    name, capability = "host", "0.0"

    def __init__(self, *, graphs=True):
        self.graphs, self.held, self.launched, self.actives = graphs, [], 0, threading.local()

    @contextmanager
    def active(self):
        self.actives.depth = getattr(self.actives, "depth", 0) + 1
        try:
            yield
        finally:
            self.actives.depth -= 1

    def here(self):
        assert getattr(self.actives, "depth", 0) > 0, "called outside of active()"

    def keep(self, value):
        self.here()
        self.held.append(value)
        return value

    def drop(self, value):
        self.here()
        self.held = [kept for kept in self.held if kept is not value]

    def allocate(self, size):
        return self.keep(Block(size))

    def allocate_pinned(self, size):
        return self.keep(np.full(size, 77, np.uint8))

    def make_stream(self):
        return self.keep([])

    free = free_pinned = free_stream = drop

    def stream_handle(self, stream):
        return id(stream)

    def copy_in(self, target, source, stream):
        self.here()
        stream.append(lambda: np.copyto(target.bytes, source))

    def copy_out(self, target, source, stream):
        self.here()
        stream.append(lambda: np.copyto(target, source.bytes))

    def wait(self, stream):
        self.here()
        while stream:
            stream.pop(0)()

    def capture(self, stream, queue):
        from depthart_core.backends.cuda import Captured

        if not self.graphs:
            return None
        queue()
        recorded = list(stream)
        stream.clear()
        graph = self.keep(recorded)

        def launch():
            self.launched += 1
            stream.extend(recorded)

        return Captured(launch, lambda: self.drop(graph))


@pytest.fixture(scope="session")
def make_host() -> type[Host]:
    """Makes a device that is the host, with or without graphs."""
    return Host
