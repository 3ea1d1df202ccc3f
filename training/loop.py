"""The training loop: optimiser, averaged weights, checkpoints that resume, a time budget and a clean stop."""

from __future__ import annotations

import contextlib
import io
import json
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor, nn
from tqdm import tqdm

from depthart_core.checkpoint import read_tensors, save_model, write_atomically
from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError, DepthartError
from depthart_core.model import DepthART
from depthart_core.normalize import normalize, normalize_image
from training.data.loader import Batch, batches
from training.data.sample import Sample
from training.settings import StageSettings
from training.stages import Stage, TrainingBatch


class TrainingError(DepthartError):
    """A training run that cannot go on."""


@dataclass(frozen=True)
class RunOptions:
    """Where and how long.

    Attributes:
        out: Folder of checkpoints, log and model.
        minutes: Time budget of the whole stage; the learning rate falls to its end by then at the latest.
        device: Such as "cpu" or "cuda".
        precision: "bf16" (autocast) or "fp32".
        seed: Of order and augmentation.
        workers: Processes that decode.
        checkpoint_minutes: Between two checkpoints.
    """

    out: Path
    minutes: float = math.inf
    device: str = "cpu"
    precision: str = "bf16"
    seed: int = 0
    workers: int = 1
    checkpoint_minutes: float = 3.0

    def autocast(self) -> AbstractContextManager[object]:
        """What the forward pass runs in."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)


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
        self.model = model.to(options.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups = stage.groups(self.model)
        self.model.requires_grad_(False)
        self.parameters = [parameter for parameters, _ in groups for parameter in parameters]
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        self.optimizer = torch.optim.AdamW(
            [{"params": parameters, "factor": factor} for parameters, factor in groups],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.average = deepcopy(self.model).eval().requires_grad_(False)
        self.step, self.spent_minutes = 0, 0.0
        self.checkpoint = options.out / f"{name}.checkpoint"
        self.stopping = False

    def run(self, samples: Sequence[Sample]) -> None:
        """Train until the steps or the minutes are over, or a SIGTERM or SIGINT comes.

        Raises:
            TrainingError: The loss is not finite; the batch is saved beside the checkpoint.
        """
        self.options.out.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.exists():
            self._resume()
        source = batches(
            samples,
            self.settings.batch_size,
            seed=self.options.seed,
            workers=self.options.workers,
            start_step=self.step,
            size=self.model.config.tokenizer.input_size,
        )
        with self._signals():
            self._loop(source)
        self._save()

    def _loop(self, source: Iterator[Batch]) -> None:
        began, offset, saved = time.monotonic(), self.spent_minutes, time.monotonic()
        bar = tqdm(total=self.settings.steps, initial=self.step, desc=self.name, mininterval=5.0)
        while not self.stopping and self._progress() < 1.0:
            scalars = self._train(next(source))
            self.step += 1
            self.spent_minutes = offset + (time.monotonic() - began) / 60.0
            bar.update()
            if self.step % 20 == 0:
                self._log(bar, scalars)
            if time.monotonic() - saved > 60.0 * self.options.checkpoint_minutes:
                self._save()
                saved = time.monotonic()
        bar.close()

    def _progress(self) -> float:
        return max(self.step / self.settings.steps, self.spent_minutes / self.options.minutes)

    def _train(self, batch: Batch) -> dict[str, Tensor]:
        image = normalize_image(batch.rgb.to(self.options.device))
        image = image.contiguous(memory_format=torch.channels_last)
        metres = batch.depth.to(self.options.device)
        depth = normalize(metres, self.model.config).masked_fill(~torch.isfinite(metres), torch.nan)
        with self.options.autocast():
            total, scalars = self.stage.loss(
                self.model, TrainingBatch(image, depth, metres, batch.intrinsics.to(self.options.device)), self.step
            )
        if not torch.isfinite(total):
            self._report_bad(batch)
        self._set_learning_rate()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.settings.clip_norm)
        self.optimizer.step()
        self._update_average()
        return {"loss": total.detach(), "norm": norm, **scalars}

    def _set_learning_rate(self) -> None:
        warm = min(1.0, (self.step + 1) / self.settings.warmup_steps)
        cosine = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(self._progress(), 1.0)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * group["factor"] * warm * cosine

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.ema, (1.0 + self.step) / (10.0 + self.step))
        own, other = dict(self.model.named_parameters()), dict(self.average.named_parameters())
        trained = [name for name, parameter in own.items() if parameter.requires_grad]
        torch._foreach_lerp_([other[name] for name in trained], [own[name] for name in trained], 1.0 - decay)

    def _report_bad(self, batch: Batch) -> None:
        path = self.options.out / f"{self.name}.bad_batch.pt"
        torch.save({"rgb": batch.rgb, "depth": batch.depth, "names": list(batch.names)}, path)
        raise TrainingError(f"the loss is not finite at step {self.step}; the batch is saved as {path}")

    def _log(self, bar: tqdm[None], scalars: dict[str, Tensor]) -> None:
        values = {name: round(float(value), 5) for name, value in scalars.items()}
        bar.set_postfix(values, refresh=False)
        line = {"step": self.step, "minutes": round(self.spent_minutes, 2), **values}
        with (self.options.out / f"{self.name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _save(self) -> None:
        """Write the checkpoint and the averaged model, each whole or not at all."""
        state = {
            "config": self.model.config.to_json(),
            "step": self.step,
            "minutes": self.spent_minutes,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "memory": self.stage.memory,
        }
        data = io.BytesIO()
        torch.save(state, data)
        write_atomically(self.checkpoint, data.getvalue())
        save_model(self.average, self.options.out / f"{self.name}.safetensors")

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.options.device)
        if ModelConfig.from_json(state["config"]) != self.model.config:
            raise CheckpointError(f"{self.checkpoint} is of another configuration: {state['config']}")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.stage.memory.update(state["memory"])
        self.step, self.spent_minutes = state["step"], state["minutes"]

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(_signal: int, _frame: FrameType | None) -> None:
            self.stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def take_weights(model: DepthART, path: Path) -> None:
    """Start from another model's weights; parts of another shape (a new transformer, say) keep their own.

    Raises:
        CheckpointError: Nothing in the file fits.
    """
    _, tensors = read_tensors(path)
    own = model.state_dict()
    fitting = {name: value.float() for name, value in tensors.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise CheckpointError(f"{path} has no tensor that fits this model")
    model.load_state_dict(fitting, strict=False)
