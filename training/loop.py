"""The training loop: optimiser, averaged weights, checkpoints that resume, a time budget and a clean stop."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict
from functools import partial

import torch
from torch import nn
from tqdm import tqdm

from depthart_core.checkpoint import save_model
from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from depthart_core.model_files import remove_temporaries
from depthart_core.objective import weight_sums
from training.checkpoints import read_checkpoint, resume_optimizer, write_checkpoint
from training.command import on_stop_signal
from training.data.augment import Views
from training.data.loader import Batch, batches
from training.data.sample import Sample
from training.distributed import all_max, all_mean, open_processes, same_everywhere
from training.errors import TrainingError, make_folder
from training.nonfinite import NonFiniteDetector, Step
from training.optimizer import make_optimizer, set_learning_rate, update_average
from training.precision import autocast, choose_precision
from training.run_log import RunLog, progress_sheet
from training.settings import RunOptions, StageSettings
from training.stages.stage import Part, Scalars, Stage, StageLoss, TrainingBatch, to_training_batch
from training.validation import NOTHING, Validation

LOG_STEPS = 20  # between two lines of the log; where the steps or the minutes are over there is one as well
CHECKPOINT_MINUTES = 3.0  # between two checkpoints
PICTURE_MINUTES = 10.0  # between two sheets of pictures, and two validations


class Trainer:
    """One stage of one model.

    Args:
        name: Of the stage; names its files.
        model: Changed by `run`.
        stage: What is trained and minimised.
        settings: See `StageSettings`.
        options: See `RunOptions`.
    """

    def __init__(
        self, name: str, model: DepthART, stage: Stage, *, settings: StageSettings, options: RunOptions
    ) -> None:
        self.name, self.stage, self.settings, self.options = name, stage, settings, options
        self.processes = open_processes(options.device)
        self.device = self.processes.device
        self.precision = choose_precision(options.precision, self.device)
        self.model = model.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups = stage.groups(self.model)
        self.model.requires_grad_(False)
        self.parameters = [parameter for parameters, _ in groups for parameter in parameters]
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        self.optimizer = make_optimizer(self.model, groups, settings)
        self.average = deepcopy(self.model).eval().requires_grad_(False)
        self.loss = self.processes.share(StageLoss(self.model, stage))
        self.step, self.minutes, self.waited, self.first = 0, 0.0, 0.0, 0  # `run` goes on from the step `first`
        self.checkpoint, self.weights = options.out / f"{name}.checkpoint", options.out / f"{name}.safetensors"
        self.asked, self.stopping = False, False  # a signal came to this process; all have agreed to stop
        # Looking at a loss and talking to the other processes waits for the device: on a GPU not at every step.
        self.pace = 10 if self.device.type == "cuda" else 1
        self.nonfinite = NonFiniteDetector(self.pace)

    def run(self, samples: Sequence[Sample], *, until: int | None = None, validation: Validation = NOTHING) -> None:
        """Train until the steps or the minutes are over, or a SIGTERM or SIGINT comes to any process.

        After a signal all stop at the next step at which they agree (see `pace`).

        Args:
            samples: What to learn from.
            until: Pause at this step; the learning rate keeps to all steps.
            validation: What to score at the start, every few minutes and at the end.

        Raises:
            TrainingError: The loss is not finite (its samples are named beside the checkpoint), the disk is full, or
                the folder cannot be made.
            CheckpointError: The checkpoint to go on from does not fit, or not all processes see it.
            DepthartError: The validation cannot be scored at the start.
        """
        make_folder(self.options.out)
        self.processes.write(partial(remove_temporaries, self.checkpoint, self.weights))
        if self.checkpoint.exists():
            self._resume()
        if not same_everywhere(self.step, self.device):
            raise CheckpointError(f"not all processes see {self.checkpoint}: all machines need the same folder")
        source = batches(
            samples,
            self.settings.batch_size,
            seed=self.options.seed,
            views=Views(self.settings.smallest_crop, self.settings.turn_share),
            workers=self.options.workers,
            start_step=self.step * self.options.accumulate,
            size=self.model.config.tokenizer.input_size,
            rank=self.processes.rank,
            world_size=self.processes.world_size,
            pinned=self.device.type == "cuda",
            ahead=self.options.accumulate,
        )
        run_log = RunLog(self.options.out, self.name)
        with contextlib.closing(source), contextlib.closing(run_log), on_stop_signal(self._ask_to_stop):
            self.processes.write(partial(run_log.open, self.step))
            last = self.settings.steps if until is None else min(self.settings.steps, until)
            self._loop(source, run_log, validation if self._progress() < 1.0 else NOTHING, last)
            self.processes.write(self._save)

    def _loop(self, source: Iterator[Batch], run_log: RunLog, validation: Validation, last: int) -> None:
        self._validate(validation, run_log)
        began, offset, saved, shown = time.monotonic(), self.minutes, self.minutes, self.minutes
        total, quiet, most = self.settings.steps, not self.processes.main, self.options.minutes
        title = self.name + f" ({most:g} minutes at most)" * math.isfinite(most)
        bar = tqdm(total=total, initial=self.step, desc=title, mininterval=5.0, disable=quiet)
        # Only what all have agreed on ends the loop: no process waits for one that left, and all losses were looked at.
        while not self.stopping and self.step < last and self._progress() < 1.0:
            batch, scalars = self.train_step(source)
            self.step += 1
            bar.update()
            alone = self.asked and self.processes.world_size == 1  # nobody has to be told, so that it need not wait
            if self.step % self.pace and self.step < last and not alone:
                continue
            self._agree(offset + (time.monotonic() - began) / 60.0)
            if self.step % LOG_STEPS == 0 or self._progress() >= 1.0:
                bar.set_postfix(self._log(run_log, scalars), refresh=False)
            ends_scored = validation.sets and self._progress() >= 1.0  # scoring may fail: nothing is lost by it
            if self.minutes - saved > CHECKPOINT_MINUTES or ends_scored:
                self.processes.write(self._save)
                saved = self.minutes
            if self.minutes - shown > PICTURE_MINUTES or self._progress() >= 1.0:
                self.processes.write(partial(self._show, run_log, batch))
                began += self._validate(validation, run_log)  # its time does not count
                shown = self.minutes
        bar.close()

    def _validate(self, validation: Validation, run_log: RunLog) -> float:
        """Let the main process score the averaged weights; returns how many seconds all waited."""
        began, strict = time.monotonic(), self.step == self.first
        run = partial(validation.run, self.average, run_log, step=self.step, minutes=self.minutes, strict=strict)
        self.processes.write(partial(run, stopping=lambda: self.asked or self.stopping))
        return time.monotonic() - began

    def _progress(self) -> float:
        return max(self.step / self.settings.steps, self.minutes / self.options.minutes)

    def train_step(self, source: Iterator[Batch]) -> tuple[TrainingBatch, Scalars]:
        """One step of the optimiser and of the averaged weights; returns its last batch and what to log."""
        self.optimizer.zero_grad(set_to_none=True)
        reads = [self._next(source) for _ in range(self.options.accumulate)]
        found: list[Scalars] = []
        for read, part in zip(reads, self._parts(reads), strict=True):
            batch = to_training_batch(read, self.model.config, self.device)
            with self.processes.no_sync(self.loss, when=len(found) < len(reads) - 1):
                with autocast(self.precision, self.device):
                    total, scalars = self.loss(batch, part)
                (total / len(reads)).backward()
            found.append({"loss": total.detach(), **scalars})
        norm = nn.utils.clip_grad_norm_(self.parameters, self.settings.clip_norm)
        means = {name: torch.stack([each[name].float() for each in found]).mean() for name in found[0]}
        names = [name for read in reads for name in read.names]
        self.nonfinite.add(Step(self.step, means["loss"], norm.detach().float(), names))
        set_learning_rate(self.optimizer, self.settings, self.step, self._progress())
        self.optimizer.step()
        update_average(self.average, self.model, self.settings, self.step)
        return batch, {**means, "norm": norm}

    def _parts(self, reads: Sequence[Batch]) -> Iterator[Part]:
        """What the batches of this process are of the step; `training.data.loader.batches` says who takes which."""
        rank, world_size = self.processes.rank, self.processes.world_size
        count, sums = len(reads) * world_size, None
        if count > 1:
            known = (read.depth.to(self.device, non_blocking=True).isfinite() for read in reads)
            own = torch.stack([weight_sums(self.stage.weights(self.model, valid)) for valid in known])
            sums = all_mean(own.mean(0))
        for number in range(len(reads)):
            yield Part(self.step, number * world_size + rank, count, self.options.seed, sums)

    def _next(self, source: Iterator[Batch]) -> Batch:
        began = time.monotonic()
        batch = next(source)
        self.waited += time.monotonic() - began
        return batch

    def _agree(self, minutes: float) -> None:
        """Let all processes have one clock, one reason to stop and one opinion on the losses.

        Raises:
            TrainingError: A loss or gradient is not finite.
        """
        bad = self.nonfinite.first_bad()
        earliest = -math.inf if bad is None else -float(bad)
        self.minutes, stopping, earliest = all_max([minutes, float(self.asked), earliest], self.device)
        self.stopping = bool(stopping)
        if earliest > -math.inf:
            step, stem, size = int(-earliest), self.options.out / self.name, self.settings.batch_size
            path = self.nonfinite.save(step, stem, self.processes, self.options, batch_size=size)
            raise TrainingError(
                f"the loss or its gradient is not finite at step {step}; {path} names its samples; "
                "another --seed meets others"
            )

    def _log(self, run_log: RunLog, scalars: Scalars) -> dict[str, float]:
        """Record the means over all processes and return them."""
        means = all_mean(torch.stack([value.float() for value in scalars.values()])).tolist()
        values = dict(zip(scalars, means, strict=True))
        rates = {"learning_rate": self.optimizer.param_groups[0]["lr"], "waited_s": self.waited}
        self.processes.write(partial(run_log.scalars, self.step, self.minutes, values | rates))
        self.waited = 0.0
        return {name: round(value, 5) for name, value in values.items()}

    def _show(self, run_log: RunLog, batch: TrainingBatch) -> None:
        if run_log.board is not None:
            with autocast(self.precision, self.device):
                run_log.sheet(self.step, progress_sheet(self.stage, self.average, batch))

    def _save(self) -> None:
        """Write the checkpoint and the averaged model, each whole or not at all."""
        state = {
            "config": self.model.config.to_json(),
            "settings": asdict(self.settings),
            "step": self.step,
            "minutes": self.minutes,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "memory": self.stage.memory,
            "tf32": False,
        }
        write_checkpoint(self.checkpoint, state)
        save_model(self.average, self.weights)

    def _resume(self) -> None:
        state = read_checkpoint(self.checkpoint, self.model.config, self.settings, telling=self.processes.main)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        resume_optimizer(self.optimizer, state["optimizer"], self.checkpoint)
        self.stage.memory.update({name: value.to(self.device) for name, value in state["memory"].items()})
        self.step, self.minutes, self.first = state["step"], state["minutes"], state["step"]

    def _ask_to_stop(self) -> None:
        self.asked = True
