"""A checkpoint that travels: ``python -m training.lighten RUN/transformer.checkpoint --out light.pt`` and back.

About a third of its size: weights in float16 (the averaged ones where they differ), squared gradients in bfloat16, and
no mean gradients, which Adam knows again after ten steps. A run that goes on from it is not the same to the last bit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from depthart_core.checkpoint import save_model
from depthart_core.config import ModelConfig
from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from training.checkpoints import load_state, write_checkpoint
from training.command import run_command

State = dict[str, Any]


def lighten(state: State) -> State:
    """The part of a checkpoint that a later run needs, small.

    Raises:
        CheckpointError: The state is light already.
    """
    if state.get("light"):
        raise CheckpointError("a light checkpoint already; --restore is the way back")
    model, average, optimizer = state["model"], state["average"], state["optimizer"]
    differing = {name: value.half() for name, value in average.items() if not torch.equal(value, model[name])}
    squares = {
        number: {"step": values["step"], "exp_avg_sq": values["exp_avg_sq"].bfloat16()}
        for number, values in optimizer["state"].items()
    }
    halves = {name: value.half() for name, value in model.items()}
    light = {"model": halves, "average": differing, "optimizer": {**optimizer, "state": squares}, "light": True}
    return {**state, **light}


def restore(state: State) -> State:
    """A checkpoint that `training.loop.Trainer` goes on from.

    Raises:
        CheckpointError: The state is not a lightened one.
    """
    if not state.get("light"):
        raise CheckpointError("not a lightened checkpoint, expected one that training.lighten wrote")
    model = {name: value.float() for name, value in state["model"].items()}
    average = {**model, **{name: value.float() for name, value in state["average"].items()}}
    moments = {number: _moments(values) for number, values in state["optimizer"]["state"].items()}
    whole = {name: value for name, value in state.items() if name != "light"}
    return {**whole, "model": model, "average": average, "optimizer": {**state["optimizer"], "state": moments}}


def averaged_model(state: State) -> DepthART:
    """The model with the averaged weights of a checkpoint."""
    model = DepthART(ModelConfig.from_json(state["config"]))
    model.load_state_dict(state["average"])
    return model


def _moments(values: State) -> State:
    squares = values["exp_avg_sq"].float()
    return {"step": values["step"], "exp_avg": torch.zeros_like(squares), "exp_avg_sq": squares}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 1 with one sentence otherwise."""
    parser = argparse.ArgumentParser(prog="python -m training.lighten", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--restore", action="store_true", help="the way back")
    parser.add_argument("--model", type=Path, help="with --restore: the averaged model as a file of its own")
    args = parser.parse_args(arguments)

    def action() -> None:
        state = load_state(args.checkpoint)
        if not args.restore:
            write_checkpoint(args.out, lighten(state))
            return
        whole = restore(state)
        write_checkpoint(args.out, whole)
        if args.model is not None:
            save_model(averaged_model(whole), args.model)

    return run_command("training.lighten", action)


if __name__ == "__main__":
    sys.exit(main())
