"""Checkpoints of a training run: everything that is needed to go on as if it had never stopped."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from depthart_core.checkpoint import read_tensors
from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError
from depthart_core.model_files import open_atomically
from training.errors import TrainingError
from training.settings import StageSettings


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        TrainingError: The disk is full, say; a checkpoint before this one is still there.
    """
    try:
        with open_atomically(path) as file:  # all of it in memory once more would not fit beside a large model
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # PyTorch makes a RuntimeError of it
        if not isinstance(cause, OSError):
            raise
        kept = "the checkpoint before it is kept" if path.exists() else "there is none before it"
        raise TrainingError(f"cannot write {path} ({cause.strerror}); {kept}") from error


def read_checkpoint(path: Path, config: ModelConfig, settings: StageSettings, *, telling: bool) -> dict[str, Any]:
    """Read a checkpoint of the same model and objective, onto the CPU.

    Args:
        path: Of the checkpoint.
        config: Of the model.
        settings: Of the stage.
        telling: Whether to say on stderr that an earlier version made it, which computed otherwise on GPUs.

    Raises:
        CheckpointError: Damaged, or of another configuration; names what differs.
    """
    state = load_state(path)
    if state.get("light"):
        raise CheckpointError(f"{path} is a light one, first: python -m training.lighten {path} --restore --out FILE")
    found = json.loads(ModelConfig.from_json(state["config"]).to_json())
    differences = difference(found, json.loads(config.to_json()))
    # The learning rate, say, may change on the way; a mixture of two objectives would be neither.
    objectives = ({"objective": said} for said in (state["settings"]["objective"], settings.objective))
    differences += difference(*objectives)
    if differences:
        raise CheckpointError(f"{path} is of another configuration than the recipe: {'; '.join(differences)}")
    if telling and "tf32" not in state:
        earlier = "was made by an earlier version, which on GPUs computed float32 in TF32; from here on it is float32"
        print(f"training.train: {path} {earlier}", file=sys.stderr)
    return state


def check_origin(path: Path, before: Path, *, still: Collection[str]) -> None:
    """Refuse to go on with a stage when the model that it was begun from has been trained further since.

    Args:
        path: Checkpoint of the stage.
        before: Model that the stage before it made.
        still: Names of the tensors that the stage leaves as they were.

    Raises:
        CheckpointError: They differ by more than rounding to float16, in which checkpoints travel.
    """
    theirs, (_, ours) = load_state(path, mapped=True)["model"], read_tensors(before)
    pairs = [(theirs[name], ours[name]) for name in still if name in theirs and name in ours]
    if any(old.shape == new.shape and not torch.equal(old.half(), new.half()) for old, new in pairs):
        raise CheckpointError(
            f"{path} was begun from an earlier {before}, or from another model, so that what is there now would be "
            f"lost: remove {path} to begin the stage anew, or go on with it by --init {before}"
        )


def resume_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any], path: Path) -> None:
    """Take the running means; what the recipe says of the groups of parameters holds from now on.

    Raises:
        CheckpointError: The checkpoint at `path` trains other parameters.
    """
    said = [{name: group[name] for name in ("factor", "weight_decay")} for group in optimizer.param_groups]
    try:
        optimizer.load_state_dict(state)
    except ValueError as error:
        raise CheckpointError(
            f"{path} trains other parameters than the recipe, or was begun with another version; begin anew with "
            f"another --out: {error}"
        ) from error
    for group, values in zip(optimizer.param_groups, said, strict=True):
        group.update(values)


def load_state(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Read a checkpoint of any model, whole or light, onto the CPU.

    Args:
        path: Of the checkpoint.
        mapped: Whether tensors stay in the file until they are looked at, for who needs few of them.

    Raises:
        CheckpointError: Damaged, or no checkpoint.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu", mmap=mapped)
    except pickle.UnpicklingError as error:  # PyTorch advises to run whatever the file says
        raise CheckpointError(f"{path} is not a readable checkpoint: expected one that training.train wrote") from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {str(error).partition(chr(10))[0]}") from error
    if not isinstance(state, dict) or not {"config", "settings"} <= state.keys():
        raise CheckpointError(f"{path} is not a checkpoint of training.train: it has no configuration")
    return state


def difference(found: dict[str, Any], expected: dict[str, Any], where: str = "") -> list[str]:
    """Phrases for the fields of nested tables that differ."""
    phrases: list[str] = []
    for name in sorted({*found, *expected}):
        ours, theirs = expected.get(name), found.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            phrases += difference(theirs, ours, f"{where}{name}.")
        elif ours != theirs:
            phrases.append(f"{where}{name} is {theirs!r}, expected {ours!r}")
    return phrases
