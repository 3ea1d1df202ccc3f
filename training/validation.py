"""Validation: how good the averaged weights of a stage are on frames that it does not learn from, while it goes on."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tqdm import tqdm

from depthart_core.backends.torch import TorchBackend
from depthart_core.errors import DepthartError, running
from depthart_core.estimator import DepthEstimator, RelativeDepth
from depthart_core.inference import BackendOptions
from depthart_core.model import DepthART
from training.data.frames import Frames
from training.data.sample import DataError, Sample
from training.data.selection import stretch
from training.data.source import DataSet, split_options
from training.reconstruct import reconstruct
from training.run_log import RunLog
from training.scoring.arguments import check_limit, open_sets
from training.scoring.frames import Frame, ScoringSettings, for_each_frame, judge
from training.scoring.metrics import Scores, average

SPLITS = ("split", "list")
"""Options of readers by which a data set is divided."""


class _Stopped(Exception):  # noqa: N818 nothing went wrong
    """The run was asked to stop."""


@dataclass(frozen=True)
class Validation:
    """What a stage is scored on.

    Attributes:
        sets: Each by its protocol, as `training.evaluate` does it.
        tokenizer: Whether the model is shown the true depth (`training.reconstruct`) instead of the picture.
    """

    sets: Sequence[DataSet] = ()
    tokenizer: bool = False

    def run(
        self,
        model: DepthART,
        run_log: RunLog,
        *,
        step: int,
        minutes: float,
        stopping: Callable[[], bool],
        strict: bool,
    ) -> None:
        """Score, then add the scores to the log and say them beside the progress bar.

        Args:
            model: In evaluation mode, in float32, and left so; nothing random is drawn.
            run_log: Of the stage.
            step: Of the stage, for the log.
            minutes: Likewise.
            stopping: Asked before every frame; where it holds, nothing is logged.
            strict: Whether to raise what keeps the scores away; otherwise it is said.

        Raises:
            DepthartError: No frame of a set can be scored, or a prediction makes no sense.
        """
        try:
            scores = {name: value for data in self.sets for name, value in self._scores(model, data, stopping).items()}
        except _Stopped:
            return
        except DepthartError as error:
            if strict:
                raise
            _say(f"no validation at step {step}: {error}")
            return
        if not scores:
            return
        run_log.scalars(step, minutes, {f"validation/{name}": value for name, value in scores.items()})
        _say(f"validation at step {step}: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))

    @torch.inference_mode()
    def _scores(self, model: DepthART, data: DataSet, stopping: Callable[[], bool]) -> dict[str, float]:
        """NAME/absrel and NAME/delta1 with one scale a frame; NAME/absrel_unaligned where the model guesses metres."""
        if self.tokenizer:
            settings = ScoringSettings(replace(data.protocol, size=model.config.tokenizer.input_size))
        else:
            settings = ScoringSettings(data.protocol, ("scale", "none") if model.config.heads else ("scale",))
        predict = _reconstructor(model) if self.tokenizer else _predictor(model)

        def scores_of(frame: Frame) -> list[Scores]:
            if stopping():
                raise _Stopped
            return [judged.scores for judged in judge(predict(frame), frame, settings)]

        rows = for_each_frame(scores_of, data.samples, settings, title=data.name)
        aligned, *unaligned = (average(column) for column in zip(*rows, strict=True))
        scores = {f"{data.name}/absrel": aligned.abs_rel, f"{data.name}/delta1": aligned.delta1}
        return scores | {f"{data.name}/absrel_unaligned": one.abs_rel for one in unaligned}


NOTHING = Validation()


def _predictor(model: DepthART) -> Callable[[Frame], RelativeDepth]:
    """No graphs: none may be recorded while the thread that reads batches talks to the GPU."""
    options = BackendOptions(device=str(next(model.parameters()).device))
    estimator = DepthEstimator(TorchBackend(model, options, graphs=False), "validation")
    return lambda frame: estimator(frame.sample.rgb)


def _reconstructor(model: DepthART) -> Callable[[Frame], RelativeDepth]:
    def predict(frame: Frame) -> RelativeDepth:
        with running("PyTorch cannot run the tokenizer", RuntimeError, MemoryError):
            return RelativeDepth(reconstruct(model, frame.sample)[-2])  # the last one has no quantizer

    return predict


def _say(sentence: str) -> None:
    tqdm.write(f"training.train: {sentence}", file=sys.stderr)


def open_validation(items: Sequence[str], limit: int, learnt: Sequence[str]) -> list[DataSet]:
    """Open the sets of --validation.

    Args:
        items: Each as NAME=PATH.
        limit: Most frames of each, evenly chosen: in a recording those next to each other are nearly the same.
        learnt: What is learnt from, each as PATH or NAME=PATH.

    Raises:
        DataError: See `open_sets`; or a set may hold frames that are learnt from.
    """
    check_limit(limit, option="--validation-limit")
    sets = open_sets(items, None, option="--validation")
    for item in items:
        for other in learnt:
            if may_overlap(path_of(item), path_of(other)):
                raise DataError(
                    f"--validation {item} lies in what --data {other} learns from, or around it: expected other "
                    "frames, as another ?part=FROM:TO of a recording"
                )
    return [replace(data, samples=evenly(data.samples, limit)) for data in sets]


def evenly(samples: Sequence[Sample], most: int) -> Sequence[Sample]:
    """At most so many of the samples, at even distances."""
    count = len(samples)
    return samples if count <= most else Frames([n * count // most for n in range(most)], samples.__getitem__)


def path_of(item: str) -> Path:
    """PATH of NAME=PATH or of PATH."""
    return Path(re.sub(r"^[^/=?]+=", "", item))


def may_overlap(one: Path, other: Path) -> bool:
    """Whether two paths with their options may hold the same frames: one place, or one below the other.

    What one of them leaves out counts only where both choose a stretch or a split.
    """
    (place, options), (second, others) = (split_options(path) for path in (one, other))
    first, last = stretch(options.get("part", "0:100"))
    begin, end = stretch(others.get("part", "0:100"))
    apart = any(name in options and name in others and options[name] != others[name] for name in SPLITS)
    place, second = place.resolve(), second.resolve()
    near = place.is_relative_to(second) or second.is_relative_to(place)
    return near and not apart and begin < last and first < end
