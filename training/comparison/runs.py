"""The runs of a comparison: train to each point, score there, write it down; what is written is not done again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from depthart_core.model import DepthART
from training.comparison.contenders import STAGE, Contender, make_contender, settings_of
from training.comparison.cost import Cost, count_cost, steps_of
from training.comparison.plan import TRAINED, ComparisonError, Plan, keep_plan, read_json, write_json
from training.comparison.scoring import read_frames, score_model
from training.data.rooms import read_rooms
from training.data.sample import Sample
from training.initialization import initialize
from training.loop import Trainer
from training.recipe import read_recipe
from training.scoring.frames import Frame
from training.settings import RunOptions
from training.stages.regressor import check_config
from training.stages.table import make_stage

TOKENIZER = "tokenizer"


@dataclass(frozen=True)
class Place:
    """Where a comparison runs; it does not decide the results.

    Attributes:
        out: Folder of everything it writes.
        device: Such as "cpu" or "cuda".
        workers: Processes that decode.
    """

    out: Path
    device: str = "cpu"
    workers: int = 1


@dataclass(frozen=True)
class Point:
    """A run at one point of its training.

    Attributes:
        contender: Its name.
        seed: Of the run.
        share: Of the training that is done.
        step: Optimiser steps done.
        samples: Pictures learnt from.
        teraflop: Operations of the training so far.
        minutes: Of the training so far, scoring not counted.
        scores: By data set and variant: abs_rel, delta1, frames.
    """

    contender: str
    seed: int
    share: float
    step: int
    samples: int
    teraflop: float
    minutes: float
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]


def compare(plan: Plan, place: Place) -> bool:
    """Do what is left of a comparison and write results.json; False when it was stopped by a signal.

    Raises:
        DepthartError: See `check_start`, `keep_plan`, `make_contender` and `Trainer.run`.
    """
    check_start(plan, place)
    train = read_rooms([Path(path) for path in plan.train])
    data = read_frames(plan.data, plan.frames, read_recipe(Path(plan.recipe)).model.tokenizer.input_size)
    keep_plan(plan, place.out)  # only now: a folder is not to be taken by what cannot start
    tokenizer = trained_tokenizer(plan, place, train)
    if tokenizer is None:
        return False
    started = dataclasses.replace(plan, tokenizer=tokenizer)
    costs = read_costs(started, place.out)
    for seed in plan.seeds:
        for name in plan.contenders:
            if not finish(Job(started, place, name, seed), costs, train, data):
                return False
    write_results(plan, costs, place.out)
    return True


def check_start(plan: Plan, place: Place) -> None:
    """Refuse what could not train, or only after the tokenizer has been trained for hours.

    Raises:
        ConfigError: The recipe lacks a stage, its model does not do for the regressor, or a number makes no sense.
        CheckpointError, ComparisonError: The tokenizer is missing or does not fit, see `make_contender`.
    """
    recipe = read_recipe(Path(plan.recipe))
    for name in plan.contenders:
        settings_of(name, plan, recipe)
        if name == "regressor":
            check_config(recipe.model)
    RunOptions(out=place.out, workers=place.workers)
    if plan.tokenizer == TRAINED:
        recipe.stage(TOKENIZER)
    elif not (place.out / "plan.json").exists():  # else it has started before
        make_contender(plan.contenders[0], plan, plan.seeds[0])


def trained_tokenizer(plan: Plan, place: Place, train: Sequence[Sample]) -> str | None:
    """The model that all start from: the given one, or one whose tokenizer is trained here first.

    Returns:
        Its name or path; None when a signal stopped the training.

    Raises:
        ConfigError: The recipe has no tokenizer stage.
        TrainingError: See `Trainer.run`.
    """
    if plan.tokenizer != TRAINED:
        return plan.tokenizer
    recipe, folder = read_recipe(Path(plan.recipe)), place.out / TOKENIZER
    weights = folder / f"{TOKENIZER}.safetensors"
    if weights.exists() and not (folder / f"{TOKENIZER}.checkpoint").exists():
        return str(weights)
    settings = recipe.stage(TOKENIZER)
    torch.manual_seed(0)
    model = DepthART(recipe.model)
    initialize(model)
    options = RunOptions(out=folder, device=place.device, precision=plan.precision, workers=place.workers)
    trainer = Trainer(TOKENIZER, model, make_stage(TOKENIZER, settings), settings=settings, options=options)
    trainer.run(train)
    if trainer.asked or trainer.step < settings.steps:
        return None
    trainer.checkpoint.unlink()
    return str(weights)


@dataclass(frozen=True)
class Job:
    """One contender with one seed."""

    plan: Plan
    place: Place
    name: str
    seed: int

    @property
    def folder(self) -> Path:
        """Of its checkpoint, log, model and points."""
        return self.place.out / f"{self.name}-{self.seed}"

    def point(self, share: float) -> Path:
        """File of the scores there."""
        return self.folder / f"point-{share:g}.json"


def finish(job: Job, costs: Mapping[str, Cost], train: Sequence[Sample], data: Mapping[str, Sequence[Frame]]) -> bool:
    """Train and score what is left of a job; False when a signal stopped the training.

    Args:
        job: See `Job`.
        costs: By contender.
        train: Samples to learn from.
        data: Frames to score on, by data set.
    """
    left = [share for share in job.plan.points if not job.point(share).exists()]
    if not left:
        return True
    contender = make_contender(job.name, job.plan, job.seed)
    steps = steps_of(job.plan, costs, job.name, contender.settings.batch_size)
    trainer = _trainer(job, contender, steps)
    for share in left:
        until = max(1, round(share * steps))
        trainer.run(train, until=until)
        if trainer.asked or trainer.step < until:  # a signal may come in the last step, too
            return False
        scores = score_model(trainer.average, data, seed=job.seed, scales=share == job.plan.points[-1])
        plain = {name: {v: dataclasses.asdict(s) for v, s in found.items()} for name, found in scores.items()}
        point = _point(job, share, trainer, costs[job.name], plain)
        write_json(job.point(share), dataclasses.asdict(point))
    trainer.checkpoint.unlink(missing_ok=True)  # four times the size of the model, and nothing goes on from here
    return True


def _trainer(job: Job, contender: Contender, steps: int) -> Trainer:
    settings = dataclasses.replace(
        contender.settings, steps=steps, warmup_steps=min(contender.settings.warmup_steps, max(1, steps // 10))
    )
    options = RunOptions(
        out=job.folder,
        device=job.place.device,
        precision=job.plan.precision,
        seed=job.seed,
        workers=job.place.workers,
    )
    return Trainer(STAGE, contender.model, contender.stage, settings=settings, options=options)


def _point(
    job: Job, share: float, trainer: Trainer, cost: Cost, scores: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Point:
    samples = trainer.step * trainer.settings.batch_size
    teraflop = samples * cost.training_gflop / 1e3
    return Point(job.name, job.seed, share, trainer.step, samples, teraflop, trainer.minutes, scores)


def read_costs(plan: Plan, out: Path) -> dict[str, Cost]:
    """Operations and parameters of every contender, counted once.

    Raises:
        ComparisonError: Their file is damaged.
    """
    path = out / "costs.json"
    if not path.exists():
        counted = {name: count_cost(make_contender(name, plan, 0)) for name in plan.contenders}
        write_json(path, {name: dataclasses.asdict(cost) for name, cost in counted.items()})
    return read_json(path, lambda found: {name: Cost(**values) for name, values in found.items()})


def read_points(plan: Plan, out: Path) -> Iterator[Point]:
    """All points of the plan that are done.

    Raises:
        ComparisonError: One is damaged.
    """
    for seed in plan.seeds:
        for name in plan.contenders:
            files = [Job(plan, Place(out), name, seed).point(share) for share in plan.points]
            yield from (read_json(path, lambda found: Point(**found)) for path in files if path.exists())


def write_results(plan: Plan, costs: Mapping[str, Cost], out: Path) -> None:
    """Everything in one file: results.json.

    Raises:
        ComparisonError: Nothing is done yet.
    """
    points = [dataclasses.asdict(point) for point in read_points(plan, out)]
    if not points:
        raise ComparisonError(f"{out} holds no scores, expected point-*.json in the folders of its runs")
    found = {name: dataclasses.asdict(cost) for name, cost in costs.items()}
    write_json(out / "results.json", {"plan": dataclasses.asdict(plan), "costs": found, "points": points})
