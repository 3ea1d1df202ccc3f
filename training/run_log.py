"""What a run tells about itself while it goes on: RUN/STAGE.jsonl, and RUN/tensorboard with scalars and pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from depthart_core.config import ModelConfig
from depthart_core.model import DepthART
from depthart_core.model_files import write_atomically
from depthart_core.normalize import denormalize
from training.scoring.sheets import colour_depth
from training.stages.stage import Stage, TrainingBatch

PICTURES = 4
"""Samples a sheet of progress shows."""


class RunLog:
    """Writes the log of one stage, once it is opened: one process of several does that.

    Args:
        out: Folder of the run.
        name: Of the stage.
    """

    def __init__(self, out: Path, name: str) -> None:
        self.path, self.folder = out / f"{name}.jsonl", out / "tensorboard" / name
        self.board: Any = None

    def open(self, step: int = 0) -> None:
        """Begin at a step, or go on there: what an interrupted run wrote after its last checkpoint is dropped."""
        self._drop_after(step)
        self.board = _board(self.folder, step)

    def scalars(self, step: int, minutes: float, values: Mapping[str, float]) -> None:
        """Add one line to the log and one point to every curve."""
        line = {"step": step, "minutes": round(minutes, 2), **{name: _rounded(value) for name, value in values.items()}}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def sheet(self, step: int, picture: np.ndarray) -> None:
        """Add one picture (H, W, 3) uint8 RGB."""
        if self.board is not None:
            self.board.add_image("image, truth, depth", picture, step, dataformats="HWC")
            self.board.flush()

    def close(self) -> None:
        """Write what is still in memory."""
        if self.board is not None:
            self.board.close()

    def _drop_after(self, step: int) -> None:
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        if len(kept) < len(lines):
            write_atomically(self.path, "".join(kept).encode())


@torch.no_grad()
def progress_sheet(stage: Stage, model: DepthART, batch: TrainingBatch) -> np.ndarray:
    """Image | truth | depth as `Stage.pictures` has it, a row for each of the first samples: (H, W, 3) uint8 RGB.

    Depth has the colours of the truth's range, red near and blue far; what is unknown is black.
    """
    few = TrainingBatch(**{name: value[:PICTURES] for name, value in vars(batch).items()})
    guesses = [_relative(depth, model.config) for depth in stage.pictures(model, few)]
    truths, images = _relative(few.depth, model.config), _colours(few.image)
    rows = []
    for i, (image, truth) in enumerate(zip(images, truths, strict=True)):
        known = truth[np.isfinite(truth)]
        limits = np.quantile(known, (0.01, 0.99)) if known.size else (1.0, 2.0)
        depths = [colour_depth(depth, *limits)[..., ::-1] for depth in (truth, *(guess[i] for guess in guesses))]
        rows.append(np.hstack([image, *depths]))
    return np.vstack(rows)


def _relative(depth: torch.Tensor, config: ModelConfig) -> np.ndarray:
    """(B, 1, S, S) normalised -> (B, S, S) relative."""
    return denormalize(depth[:, 0].float().clamp(-1.0, 1.0), config).cpu().numpy()


def _colours(image: torch.Tensor) -> np.ndarray:
    """(B, 3, S, S) in [-1, 1] -> (B, S, S, 3) uint8."""
    return ((image.float() + 1.0) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        print(f"training.train: no TensorBoard without {error.name}; the log is written all the same", file=sys.stderr)
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
