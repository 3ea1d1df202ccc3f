"""How fast backends are on this machine: each in a process of its own, in turns."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from depthart_core.errors import DepthartError
from depthart_core.estimator import DepthEstimator
from depthart_core.preprocess import resize_smooth, to_input, to_picture_size

Pictures = Sequence[npt.NDArray[np.uint8]]

Subjects = Mapping[str, Mapping[str, Any]]
"""Name in the tables -> arguments of `DepthEstimator.load`."""

ON_CPU_ALONE = ("onnx", "openvino")

BATCH = 5
"""Pictures that a backend estimates before it is the next one's turn."""


@dataclass
class Measured:
    """What was measured of one backend.

    Attributes:
        precision: What most of it is computed in.
        seconds: Stage -> one entry a picture; "total" is from the picture to depth of its size.
        memory: Largest resident size of its process, in bytes.
        depth: Of every picture float32 (H, W).
    """

    precision: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    memory: int = 0
    depth: list[npt.NDArray[np.float32]] = field(default_factory=list)


def subjects(backends: Sequence[str], *, device: str = "cpu", precision: str = "auto", **others: Any) -> Subjects:
    """Backends as subjects, and each once more in a precision that is asked for.

    Args:
        backends: Their names.
        device: Of those that do not run on the CPU alone.
        precision: One of `depthart_core.inference.PRECISIONS`.
        others: Further arguments of `DepthEstimator.load`.
    """
    result: dict[str, dict[str, Any]] = {}
    for backend in backends:
        result[backend] = {"backend": backend, "device": "cpu" if backend in ON_CPU_ALONE else device, **others}
        if precision != "auto":
            result[f"{backend} {precision}"] = result[backend] | {"precision": precision}
    return result


def measure(
    model: str, subjects: Subjects, pictures: Pictures, *, rounds: int
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Measure backends in turns; returns what was measured, and of those that cannot run the reason.

    Args:
        model: As `DepthEstimator.load` takes it.
        subjects: What to measure.
        pictures: uint8 (H, W, 3) RGB, all used in turn.
        rounds: How often every backend has its turn, after one that does not count.
    """
    found: dict[str, Measured] = {}
    refused: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="depthart-")))
        np.savez(folder / "pictures.npz", *pictures)
        workers: dict[str, Callable[[str], dict[str, Any]]] = {}

        def ask(subject: str, word: str) -> dict[str, Any]:
            """What a worker answers; one that fails is asked no more, and there is nothing of it."""
            answer = workers[subject](word)
            if "error" not in answer:
                return answer
            del workers[subject]
            found.pop(subject, None)
            refused[subject] = answer["error"]
            return {}

        for subject, arguments in subjects.items():
            workers[subject] = stack.enter_context(_start_worker(folder, [model, subject, json.dumps(arguments)]))
            if answer := ask(subject, "start"):
                found[subject] = Measured(**answer)
        for _ in range(rounds):
            for subject in list(workers):
                for stage, seconds in ask(subject, "batch").get("seconds", {}).items():
                    found[subject].seconds.setdefault(stage, []).extend(seconds)
        for subject in list(workers):
            if answer := ask(subject, "finish"):
                found[subject].memory = answer["memory"]
                with np.load(folder / f"{subject}.npz") as stored:
                    found[subject].depth = [stored[name] for name in stored.files]
    return found, refused


@contextmanager
def _start_worker(folder: Path, arguments: list[str]) -> Iterator[Callable[[str], dict[str, Any]]]:
    """A process that answers words with what the method of `_Worker` of that name returns."""
    command = [sys.executable, "-m", __spec__.name, str(folder), *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    # In a session of its own, or Ctrl-C would reach it as well: whoever asks ends it.
    with subprocess.Popen(command, text=True, start_new_session=True, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answers = process.stdin, process.stdout

        def say(word: str) -> dict[str, Any]:
            with suppress(BrokenPipeError):  # then it has ended, and there is no line either
                print(word, file=ask, flush=True)
            line = answers.readline()
            answer: dict[str, Any] = json.loads(line) if line else {"error": f"its process ended at {word!r}"}
            return answer

        try:
            yield say
        except BaseException:
            process.kill()  # it may be in the middle of a batch
            raise
        finally:
            with suppress(BrokenPipeError):
                ask.close()


def time_stages(estimator: DepthEstimator, rgb: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Seconds by stage of what `DepthEstimator.__call__` does.

    A backend that times its scales tells how long each took; the rest of it is the prefix.
    """
    start = time.perf_counter()
    small = to_input(rgb, estimator.backend.input_size)
    resized = time.perf_counter()
    found = estimator.backend.infer(small)
    inferred = time.perf_counter()
    to_picture_size(found.depth, *rgb.shape[:2])
    if found.confidence is not None:
        resize_smooth(found.confidence, *rgb.shape[:2])
    end = time.perf_counter()
    seconds = {"resize": resized - start, "model": inferred - resized, "upsample": end - inferred, "total": end - start}
    scale_times = getattr(estimator.backend, "scale_times", None)
    if scale_times is not None:
        scales = {f"scale {k + 1}": scale_times.latest(k) for k in range(scale_times.scales)}
        decoding = scale_times.latest(None)
        prefix = seconds["model"] - sum(scales.values()) - decoding
        seconds |= {"prefix": prefix, **scales, "decode": decoding}
    return seconds


def peak_memory() -> int:
    """Largest resident size of this process in bytes.

    Linux's own ru_maxrss would not do: it begins with what the process that started this one had.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return 1024 * (found[0] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


class _Worker:
    """What the process of one backend does: a method for every word that it is told."""

    def __init__(self, folder: Path, model: str, name: str, arguments: Mapping[str, Any]) -> None:
        self.folder, self.name, self.next = folder, name, 0
        with np.load(folder / "pictures.npz") as stored:
            self.pictures = [stored[name] for name in stored.files]
        self.estimator = DepthEstimator.load(model, **arguments)

    def start(self) -> dict[str, Any]:
        """Estimate every picture once: that warms up and is what is compared."""
        np.savez(self.folder / f"{self.name}.npz", *[self.estimator(picture).values for picture in self.pictures])
        return {"precision": self.estimator.backend.precision}

    def batch(self) -> dict[str, Any]:
        """Time some pictures."""
        seconds: dict[str, list[float]] = {}
        for _ in range(BATCH):
            picture = self.pictures[self.next % len(self.pictures)]
            for stage, value in time_stages(self.estimator, picture).items():
                seconds.setdefault(stage, []).append(value)
            self.next += 1
        return {"seconds": seconds}

    def finish(self) -> dict[str, Any]:
        """Tell the memory."""
        return {"memory": peak_memory()}


def main() -> None:
    """Answer every word on standard input with a line of JSON."""
    folder, model, name, arguments = sys.argv[1:]
    worker: _Worker | None = None
    for word in sys.stdin:
        try:
            worker = worker or _Worker(Path(folder), model, name, json.loads(arguments))
            answer = {"start": worker.start, "batch": worker.batch, "finish": worker.finish}[word.strip()]()
        except DepthartError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
