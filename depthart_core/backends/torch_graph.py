"""A whole prediction as CUDA graphs: the GPU is told once what to do, and then only to do it again.

A model of many small steps waits for the processor that launches them; a recorded graph does not. There is one graph
for the image, one for every scale and one for the end after every scale, so that a deadline can still stop a rollout.
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor

from depthart_core.backends.scale_times import DeadlineRun
from depthart_core.decoding import Decoding
from depthart_core.model import DepthART, Prediction

WARM_UP = 3
"""Runs before the recording, in which libraries choose their algorithms and allocate what they keep."""

MODE = "thread_local"
"""What a recording forbids: only this thread's own calls can spoil it, others may go on meanwhile."""


class GraphedModel:
    """A model recorded for pictures of one shape on a CUDA device.

    Args:
        model: In evaluation mode, on its device.
        decoding: Without random numbers, which would be recorded as well.
        scales: How many scales to record.
        image: Like those to come (B, 3, S, S): shape, number format, memory format and device.
    """

    def __init__(self, model: DepthART, decoding: Decoding, *, scales: int, image: Tensor) -> None:
        self._image, self._turn = image.clone(), threading.Lock()
        with torch.inference_mode(), torch.cuda.device(image.device):
            self._warm_up(model, decoding, scales)
            self._record(model, decoding, scales)

    def _warm_up(self, model: DepthART, decoding: Decoding, scales: int) -> None:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                model.predict(self._image, decoding, max_scales=scales)
        torch.cuda.current_stream().wait_stream(side)

    def _record(self, model: DepthART, decoding: Decoding, scales: int) -> None:
        """Record all graphs into one pool of memory, in the order in which they are replayed: some may be left out."""
        pool = torch.cuda.graph_pool_handle()
        self._start = torch.cuda.CUDAGraph()
        self._scales = [torch.cuda.CUDAGraph() for _ in range(scales)]
        self._ends = [torch.cuda.CUDAGraph() for _ in range(scales)]
        self._found: list[Prediction] = []
        with torch.cuda.graph(self._start, pool=pool, capture_error_mode=MODE):
            prefix = model.prefix(self._image)
        rollout, steps = model.rollout(prefix, decoding, max_scales=scales), []
        for scale, end in zip(self._scales, self._ends, strict=True):
            with torch.cuda.graph(scale, pool=pool, capture_error_mode=MODE):
                steps.append(next(rollout))
            with torch.cuda.graph(end, pool=pool, capture_error_mode=MODE):
                self._found.append(model.conclude(prefix, steps))
        self._kept = prefix, steps, rollout  # the graphs read their memory, the cache inside the rollout included

    def predict(self, image: Tensor, run: DeadlineRun | None = None) -> Prediction:
        """Depth and what the heads say, as `DepthART.predict`.

        Args:
            image: Pictures like those of the recording.
            run: Begins when the image was looked at, and is asked after every scale, when it is done, whether to go on;
                None: all scales, without waiting.
        """
        with self._turn:
            self._image.copy_(image)
            self._start.replay()
            if run is not None:
                torch.cuda.current_stream(self._image.device).synchronize()
                run.begin()
            done = -1
            for scale in self._scales:
                scale.replay()
                done += 1
                if run is not None:
                    torch.cuda.current_stream(self._image.device).synchronize()
                    if not run.another():
                        break
            self._ends[done].replay()
            found = self._found[done]
            return Prediction(
                found.depth.clone(),
                None if found.confidence is None else found.confidence.clone(),
                None if found.size is None else found.size.clone(),
            )
