"""The rollout on graphs in parts (see `depthart_core.export.stepped`), whatever runs them: depth after any scale."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from depthart_core.backends.scale_times import DeadlineRun, ScaleTimes
from depthart_core.inference import Inference
from depthart_core.store import exports

NEXT = "next_"
"""What a step gives out as next_NAME goes into the following step as NAME."""


class Parts(Protocol):
    """A runtime with the graphs of the parts; values are whatever it likes to be fed with."""

    @property
    def outputs(self) -> Mapping[str, list[str]]:
        """Part -> names of its outputs."""
        ...

    def value(self, array: npt.NDArray[Any]) -> Any:
        """An array (contiguous) as a value."""
        ...

    def array(self, value: Any) -> npt.NDArray[Any]:
        """A value as an array, valid until the part runs again."""
        ...

    def run(self, part: str, feed: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs by name -> outputs by name, as values."""
        ...


@dataclass(frozen=True)
class Feeds:
    """What the step is fed with besides what comes out of graphs.

    Attributes:
        start: Values before the first scale, by name: `f_hat` and the empty caches.
        scales: Of every scale the maps that belong to it, by name.
    """

    start: dict[str, npt.NDArray[Any]]
    scales: list[dict[str, npt.NDArray[Any]]]


class SteppedBackend:
    """Runs graphs in parts, for any thread, one call at a time: requests and their buffers are shared.

    Args:
        parts: Of a model.
        feeds: Of the same.
        record: What is known about it.
        scales: How many scales to decode at most.
        precision: What the runtime computes in where that is not what stands in the record.
    """

    def __init__(
        self, parts: Parts, feeds: Feeds, record: exports.Record, scales: int, *, precision: str | None = None
    ) -> None:
        self.parts, self.input_size, self.heads, self.scales = parts, record.input_size, record.heads, scales
        self.anytime, self.scale_times, self.precision = True, ScaleTimes(scales), precision or record.precision
        self._start = {name: parts.value(values) for name, values in feeds.start.items()}
        self._scales = [{name: parts.value(values) for name, values in each.items()} for each in feeds.scales]
        self._rows = [len(each["pool"]) for each in feeds.scales]  # of the next scale; one that nobody reads at the end
        _, _, *sides = feeds.start["f_hat"].shape
        self._certainties = (1, 2 * len(feeds.scales), *sides)
        self._lock = threading.Lock()

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale; see `Backend.infer`."""
        with self._lock:
            return self._infer(rgb, deadline)

    def _infer(self, rgb: npt.NDArray[np.uint8], deadline: float | None) -> Inference:
        parts = self.parts
        prefix = parts.run("prefix", {"picture": parts.value(np.ascontiguousarray(rgb)[None])})
        base, state = parts.array(prefix["base"]), {**self._start, "x": prefix["x"]}
        certainties, end = np.zeros(self._certainties, np.float32), 1
        run, more = DeadlineRun(self.scale_times, deadline), True
        while more:
            k, start, end = run.done, end, end + self._rows[run.done]
            rows = np.ascontiguousarray(base[:, start:end] if k + 1 < len(self._rows) else base[:, :1])
            found = parts.run("step", {**state, **self._scales[k], "base": parts.value(rows)})
            state = {name: found[NEXT + name] for name in state}
            if self.heads:
                certainties[0, 2 * k : 2 * k + 2] = parts.array(found["certainty"])[0]
            more = run.another()
        feed = {"f_hat": state["f_hat"], **{name: prefix[name] for name in prefix if name.startswith("guidance")}}
        decoded = parts.run("decode", {**feed, "certainties": parts.value(certainties)} if self.heads else feed)
        result = self._inference(prefix, decoded, run.done)
        run.finish()
        return result

    def _inference(self, prefix: dict[str, Any], decoded: dict[str, Any], scales: int) -> Inference:
        said = {**decoded, "size": prefix["size"]} if self.heads else decoded
        return Inference.of_outputs({name: self.parts.array(value).copy() for name, value in said.items()}, scales)


def write_feeds(path: Path, feeds: Feeds) -> None:
    """Write feeds as a NumPy file: "start.NAME" and "K.NAME"."""
    named = {f"start.{name}": values for name, values in feeds.start.items()}
    named |= {f"{k}.{name}": values for k, each in enumerate(feeds.scales) for name, values in each.items()}
    arrays: dict[str, Any] = named  # or it takes them for its own options
    np.savez(path, **arrays)


def read_feeds(path: Path) -> Feeds:
    """Read what `write_feeds` wrote; the file was checked before."""
    with np.load(path) as stored:
        named = {name: stored[name] for name in stored.files}
    groups: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name, values in named.items():
        group, part = name.split(".")
        groups.setdefault(group, {})[part] = values
    start = groups.pop("start")
    return Feeds(start, [groups[str(k)] for k in range(len(groups))])
