"""The comparison of the objectives at toy size: real steps, real scores, real files."""

import json
from pathlib import Path

import pytest
import torch

from depthart_core.checkpoint import load_model
from depthart_core.errors import DepthartError
from training.comparison.contenders import make_contender
from training.comparison.cost import count_cost
from training.comparison.plan import ComparisonError, Plan, keep_plan
from training.comparison.report import report
from training.comparison.runs import Job, Place, compare, finish, read_costs, read_points, trained_tokenizer
from training.comparison.scoring import read_frames
from training.data.rooms import read_rooms


def test_a_comparison_is_run_written_and_reported(plan, tmp_path):
    out = tmp_path / "out"
    assert compare(plan, Place(out, workers=0))
    results = json.loads((out / "results.json").read_text())
    runs = {(point["contender"], point["seed"], point["share"]) for point in results["points"]}
    assert runs == {(name, seed, share) for name in plan.contenders for seed in (0, 1) for share in (0.5, 1.0)}
    text = report(out / "results.json", tmp_path / "docs").read_text()
    assert "| regressor, regression |" in text
    assert "±" in text
    assert (tmp_path / "docs" / "comparison-training.png").stat().st_size > 5000
    assert not list(out.glob("*/*.checkpoint"))


def test_without_a_given_tokenizer_one_is_trained_first_and_all_start_from_it(plan, tmp_path):
    recipe = json.loads(Path(plan.recipe).read_text())
    Path(plan.recipe).write_text(json.dumps({**recipe, "tokenizer": {**recipe["transformer"], "steps": 2}}))
    own = Plan(**{**vars(plan), "tokenizer": "trained", "seeds": (0,), "contenders": ("depthart",), "points": (1.0,)})
    out = tmp_path / "out"
    assert compare(own, Place(out, workers=0))
    trained = load_model(out / "tokenizer" / "tokenizer.safetensors").tokenizer.encoder.state_dict()
    learnt = load_model(out / "depthart-0" / "transformer.safetensors").tokenizer.encoder.state_dict()
    assert all(torch.equal(value, learnt[name]) for name, value in trained.items())
    assert json.loads((out / "results.json").read_text())["plan"]["tokenizer"] == "trained"


def test_a_terminated_tokenizer_goes_on_where_it_was(plan, tmp_path, terminated_at):
    recipe = json.loads(Path(plan.recipe).read_text())
    Path(plan.recipe).write_text(json.dumps({**recipe, "tokenizer": {**recipe["transformer"], "steps": 4}}))
    own, place = Plan(**{**vars(plan), "tokenizer": "trained"}), Place(tmp_path / "out", workers=0)
    samples = list(read_rooms([Path(path) for path in own.train]))
    assert trained_tokenizer(own, place, terminated_at(samples, 4)) is None
    path = trained_tokenizer(own, place, samples)
    assert path is not None
    written = Path(path).stat().st_mtime_ns
    assert trained_tokenizer(own, place, []) == path
    assert Path(path).stat().st_mtime_ns == written


def test_a_terminated_comparison_goes_on_and_repeats_nothing(plan, tmp_path, terminated_at):
    alone = Plan(**{**vars(plan), "samples": 8, "contenders": ("regressor",)})
    job = Job(alone, Place(tmp_path / "out", workers=0), "regressor", 0)
    costs = {"regressor": count_cost(make_contender("regressor", alone, 0))}
    samples, frames = list(read_rooms([Path(path) for path in alone.train])), read_frames(alone.data, 1, 64)
    assert not finish(job, costs, terminated_at(samples, 6), frames)  # in the third of four steps
    done = job.point(0.5).stat().st_mtime_ns
    assert finish(job, costs, samples, frames)
    assert job.point(0.5).stat().st_mtime_ns == done
    assert json.loads(job.point(1.0).read_text())["step"] == 4
    assert finish(job, costs, [], frames)


def test_a_signal_in_the_last_step_ends_the_comparison_too(plan, tmp_path, terminated_at):
    alone = Plan(**{**vars(plan), "samples": 8, "contenders": ("regressor",)})
    job = Job(alone, Place(tmp_path / "out", workers=0), "regressor", 0)
    costs = {"regressor": count_cost(make_contender("regressor", alone, 0))}
    samples, frames = list(read_rooms([Path(path) for path in alone.train])), read_frames(alone.data, 1, 64)
    assert not finish(job, costs, terminated_at(samples, 8), frames)
    assert not job.point(1.0).exists()
    assert finish(job, costs, samples, frames)


@pytest.mark.parametrize("content", ["{", "5", '{"depthart": 5}'])
def test_a_damaged_file_of_a_comparison_is_named(plan, tmp_path, content):
    job = Job(plan, Place(tmp_path), "depthart", 0)
    job.folder.mkdir()
    point, costs, kept = job.point(0.5), tmp_path / "costs.json", tmp_path / "plan.json"
    for path in (point, costs, kept):
        path.write_text(content)
    asked = {point: lambda: list(read_points(plan, tmp_path)), costs: lambda: read_costs(plan, tmp_path)}
    if "depthart" not in content:  # else it is the plan of another comparison
        asked[kept] = lambda: keep_plan(plan, tmp_path)
    for path, ask in asked.items():
        with pytest.raises(ComparisonError, match=f"^{path} is damaged"):
            ask()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number from 1 up, got 0"),
        ({"learning_rate": -1.0}, "learning_rate must be a number from 0 up"),
        ({"pixel_weight": -1.0, "contenders": ("regressor", "depthart")}, "pixel_weight must be a number from 0 up"),
        ({"tokenizer": "trained"}, "no stage 'tokenizer'"),
        ({"tokenizer": "nano"}, "its tokenizer is"),
    ],
)
def test_what_could_not_train_takes_no_folder_and_trains_no_tokenizer(plan, tmp_path, change, message):
    with pytest.raises(DepthartError, match=message):
        compare(Plan(**{**vars(plan), **change}), Place(tmp_path / "out", workers=0))
    assert not (tmp_path / "out").exists()


def test_a_model_that_the_regressor_cannot_be_compared_with_is_refused_before_the_tokenizer_is_trained(plan, tmp_path):
    recipe = json.loads(Path(plan.recipe).read_text())
    recipe["model"]["tokenizer"] |= {"decoder": "var"}
    (path := tmp_path / "var.json").write_text(json.dumps(recipe | {"tokenizer": recipe["transformer"]}))
    with pytest.raises(DepthartError, match=r"the regressor needs .* decoder 'guided', got .* decoder 'var'"):
        compare(Plan(**{**vars(plan), "recipe": str(path), "tokenizer": "trained"}), Place(tmp_path / "out", workers=0))
    assert not (tmp_path / "out").exists()


def test_results_of_another_kind_are_refused(tmp_path):
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(ComparisonError, match=r"expected the results.json of a comparison"):
        report(tmp_path / "results.json", tmp_path)
