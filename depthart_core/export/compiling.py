"""ONNX -> a serialised TensorRT engine: parser, builder, progress and timing cache. The types stand in the graph."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from depthart_core.backends.library import first_error, make_logger, start
from depthart_core.errors import BackendError
from depthart_core.export.whole import STAGE
from depthart_core.store.engines import WORKSPACE_MIB

if TYPE_CHECKING:
    import tensorrt

Progress = Callable[[float], object]
"""Gets the share that is done, 0 to 1, rising."""


@dataclass(frozen=True)
class CompileOptions:
    """How to compile.

    Attributes:
        workspace_mib: What the builder and the engine may use as scratch memory.
        timing_cache: Of earlier builds on this machine; empty: none.
        targets: Compute capabilities such as "SM86" to build for without such a GPU (TensorRT-RTX alone); empty: the
            GPU that is here.
        stages: Whether the engine also gives what it computes on the way.
        progress: See `Progress`.
        interruptible: Whether Ctrl-C stops it; for commands alone, as a ROS node has a handler of its own, which Python
            can neither see nor put back.
    """

    workspace_mib: int = WORKSPACE_MIB
    timing_cache: bytes = b""
    targets: Sequence[str] = ()
    stages: bool = False
    progress: Progress = field(default=lambda _: None)
    interruptible: bool = False


@dataclass(frozen=True)
class Compiled:
    """A serialised engine and what was learnt on the way.

    Attributes:
        data: The engine.
        timing_cache: For later builds; empty where the library keeps none.
    """

    data: bytes
    timing_cache: bytes


def compile_graph(trt: Any, graph: Path, how: CompileOptions) -> Compiled:
    """Compile an ONNX graph whose tensors have the types to compute in.

    Raises:
        BackendError: The parser or the builder refuses the graph, with their words.
        KeyboardInterrupt: The user stopped it, see `CompileOptions`.
    """
    monitor = make_monitor(trt, how.progress)
    with _interruptible(monitor) if how.interruptible else nullcontext():
        compiled = _compile(trt, graph, how, monitor)
    if monitor.stopped:
        raise KeyboardInterrupt
    how.progress(1.0)
    return compiled


def _compile(trt: Any, graph: Path, how: CompileOptions, monitor: Any) -> Compiled:
    """The work of `compile_graph`; what comes back after the monitor was stopped is of no use."""
    logger = make_logger(trt)
    builder: tensorrt.Builder = start(trt.Builder, logger)
    network: tensorrt.INetworkDefinition = builder.create_network(_network_flags(trt))
    _parse(trt, network, graph, logger)
    if not how.stages:
        hide_stages(network)
    config: tensorrt.IBuilderConfig = builder.create_builder_config()
    _configure(trt, config, how, monitor)
    logger.begin()
    plan = builder.build_serialized_network(network, config)
    if monitor.stopped:
        return Compiled(b"", b"")
    if plan is None:
        raise BackendError(f"{trt.__name__} {trt.__version__} cannot build the engine: {first_error(logger)}")
    timings: tensorrt.ITimingCache | None = config.get_timing_cache() if _times_kernels(trt) else None
    if timings is None:
        return Compiled(bytes(plan), b"")
    measured: tensorrt.IHostMemory = timings.serialize()
    return Compiled(bytes(plan), bytes(measured))


@contextmanager
def _interruptible(monitor: Any) -> Iterator[None]:
    """Let Ctrl-C stop the monitor's build: what is raised in a callback, of whichever class, is swallowed there."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        monitor.stopped = True

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _times_kernels(trt: Any) -> bool:
    """Whether the builder measures kernels: TensorRT-RTX has its functions for that, but they do nothing."""
    return bool(trt.__name__ != "tensorrt_rtx")


def _network_flags(trt: Any) -> int:
    """Strongly typed, by name: its number differs between versions, and it may one day be the only way."""
    flags = trt.NetworkDefinitionCreationFlag
    return 1 << int(flags.STRONGLY_TYPED) if hasattr(flags, "STRONGLY_TYPED") else 0


def _parse(trt: Any, network: tensorrt.INetworkDefinition, graph: Path, logger: Any) -> None:
    parser: tensorrt.OnnxParser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(str(graph)):  # reads weights beside it, too
        return
    told = []
    for i in range(min(parser.num_errors, 3)):
        error: tensorrt.ParserError = parser.get_error(i)
        told.append(f"{error.desc()} (node {error.node()})")
    raise BackendError(
        f"{trt.__name__} {trt.__version__} does not take the graph: {'; '.join(told) or first_error(logger)}"
    )


def hide_stages(network: tensorrt.INetworkDefinition) -> None:
    """Leave the stages out of an engine, so that nothing hinders the builder from fusing across them."""
    outputs: list[tensorrt.ITensor] = [network.get_output(i) for i in range(network.num_outputs)]
    for output in outputs:
        tensor: tensorrt.ITensor = output
        if tensor.name.startswith(STAGE):
            network.unmark_output(tensor)


def _configure(trt: Any, config: tensorrt.IBuilderConfig, how: CompileOptions, monitor: Any) -> None:
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, how.workspace_mib << 20)
    config.progress_monitor = monitor
    if hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)  # float32 means float32
    if _times_kernels(trt):
        cache: tensorrt.ITimingCache | None = config.create_timing_cache(how.timing_cache)
        if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):  # damaged, or of another GPU
            fresh: tensorrt.ITimingCache = config.create_timing_cache(b"")
            config.set_timing_cache(fresh, ignore_mismatch=False)
    if how.targets:
        config.num_compute_capabilities = len(how.targets)
        for i, name in enumerate(how.targets):
            config.set_compute_capability(getattr(trt.ComputeCapability, name), i)


class Phases:
    """Nested phases with steps -> one share that never falls."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[str | None, int, int]] = {}  # parent, steps, done
        self._share = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase begins, as a part of its parent's present step."""
        self._steps[name] = (parent, max(steps, 1), 0)

    def step(self, name: str, number: int) -> float:
        """A phase has finished the step of that number; returns the share of everything that is done."""
        parent, steps, _ = self._steps[name]
        self._steps[name] = (parent, steps, number + 1)
        share, at = (number + 1) / steps, parent
        while at in self._steps:
            at, steps, done = self._steps[at]
            share = min((done + share) / steps, 1.0)
        self._share = max(self._share, min(share, 1.0))
        return self._share

    def finish(self, name: str) -> None:
        """A phase ends."""
        self._steps.pop(name, None)


def make_monitor(trt: Any, progress: Progress) -> Any:
    """A progress monitor for a builder configuration; `stopped` says whether the user pressed Ctrl-C."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.stopped = False
            self._phases, self._lock = Phases(), threading.Lock()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            with self._lock:
                self._phases.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            with self._lock:
                progress(self._phases.step(phase_name, step))
            return not self.stopped

        def phase_finish(self, phase_name: str) -> None:
            with self._lock:
                self._phases.finish(phase_name)

    return Monitor()
