"""The comparison of the objectives at toy size: real steps, real scores, real files."""

import json
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from depthart_core.checkpoint import load_model
from depthart_core.errors import CheckpointError, DepthartError
from training.compare import main, parse_arguments, plan_of, stoppable
from training.comparison.contenders import make_contender
from training.comparison.cost import count_cost, steps_of
from training.comparison.plan import ComparisonError, Plan, keep_plan, settle_precision
from training.comparison.report import report
from training.comparison.runs import Job, Place, compare, finish, read_costs, read_points, trained_tokenizer
from training.comparison.scoring import read_frames, score_model
from training.data.rooms import read_rooms
from training.data.sample import DataError
from training.operations import counted
from training.precision import choose_precision

STAGE = {"steps": 9, "batch_size": 2, "learning_rate": 1e-3, "pixel_weight": 1.0, "train_decoder": True}


@pytest.fixture
def plan(toy_config, toy_model_path, shard_of, tmp_path):
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"model": json.loads(toy_config.to_json()), "transformer": STAGE}))
    shard = str(shard_of(3))
    return Plan(
        recipe=str(recipe),
        tokenizer=str(toy_model_path),
        train=(shard,),
        data=(f"rooms={shard}",),
        seeds=(0, 1),
        samples=4,
        points=(0.5, 1.0),
        frames=2,
        precision="fp32",
    )


def test_lists_of_the_command_line_may_be_given_in_parts():
    words = "--train a --train b --data x=1 --data y=2 --contenders depthart --contenders regressor --seeds 0 --seeds 3"
    given = plan_of(parse_arguments([*words.split(), "--points", "0.5", "--points", "1"]))
    assert (given.train, given.data, given.seeds) == (("a", "b"), ("x=1", "y=2"), (0, 3))
    assert (given.contenders, given.points) == (("depthart", "regressor"), (0.5, 1.0))
    left = plan_of(parse_arguments(["--train", "a"]))
    assert (left.contenders, left.seeds, left.points) == (Plan.contenders, Plan.seeds, Plan.points)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_both_objectives_of_a_seed_start_from_the_same_weights(plan):
    ours, theirs = (make_contender(name, plan, 0).model for name in ("depthart", "teacher_forcing"))
    assert torch.equal(weights(ours), weights(theirs))
    assert not torch.equal(weights(ours), weights(make_contender("depthart", plan, 1).model))


def test_all_start_from_the_given_tokenizer_and_from_imagenet(plan, toy_model):
    depthart, regressor = (make_contender(name, plan, 0).model for name in ("depthart", "regressor"))
    tokenizer = toy_model.tokenizer.state_dict()
    assert all(torch.equal(value, tokenizer[name]) for name, value in depthart.tokenizer.state_dict().items())
    assert torch.equal(regressor.decoder.output.weight, toy_model.tokenizer.decoder.output.weight)
    assert torch.equal(weights(depthart.image.backbone), weights(regressor.image.backbone))


def test_the_two_objectives_differ_by_one_option(plan):
    ours, theirs = (vars(make_contender(name, plan, 0).settings) for name in ("depthart", "teacher_forcing"))
    assert {name for name in ours if ours[name] != theirs[name]} == {"objective"}


def test_operations_of_a_training_step_grow_with_the_rollout(plan):
    costs = {name: count_cost(make_contender(name, plan, 0)) for name in plan.contenders}
    assert costs["depthart"].training_gflop > costs["teacher_forcing"].training_gflop
    assert costs["depthart"].inference_gflop == costs["teacher_forcing"].inference_gflop
    assert costs["depthart"].training_gflop > 2 * costs["depthart"].inference_gflop


def test_gradients_of_a_grouped_convolution_count_as_twice_its_operations():
    layer = torch.nn.Conv2d(8, 8, 3, padding=1, groups=8)
    image = torch.zeros(1, 8, 16, 16, requires_grad=True)
    _, operations = counted(lambda: layer(image).sum().backward())
    assert operations == 3 * (2 * 16 * 16 * 8 * 9)


def test_the_cost_of_a_step_is_a_mean_of_some_as_some_decode_twice(plan, monkeypatch):
    contender = make_contender("depthart", plan, 0)
    mean = count_cost(contender).training_gflop
    monkeypatch.setattr("training.operations.COUNTED_STEPS", 1)
    first = count_cost(contender).training_gflop
    assert 1.01 * first < mean < 1.5 * first


def test_equal_operations_give_the_cheaper_one_more_steps(plan):
    costs = {name: count_cost(make_contender(name, plan, 0)) for name in plan.contenders}
    large = Plan(**{**vars(plan), "samples": 100_000})
    spent = [steps_of(large, costs, name, 2) * costs[name].training_gflop for name in plan.contenders]
    assert max(spent) == pytest.approx(min(spent), rel=1e-3)


def test_every_decoding_is_scored_and_depth_after_every_scale(plan):
    frames = read_frames(plan.data, plan.frames, 64)
    model = make_contender("depthart", plan, 0).model
    scores = score_model(model, frames, seed=0, scales=True)["rooms"]
    assert set(scores) == {f"{d}{k}" for d in ("expected", "argmax", "sample") for k in ("", "@1", "@2", "@3")}
    assert scores["expected@3"] == scores["expected"]
    assert scores["expected"].frames == 2


def test_scores_are_computed_in_float32_on_a_gpu_too(plan):
    """TF32 is a flag of the process, which a machine without a GPU has as well."""
    frames, seen = read_frames(plan.data, 1, 64), []
    model = make_contender("regressor", plan, 0).model
    model.register_forward_pre_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    torch.backends.cudnn.allow_tf32 = True
    score_model(model, frames, seed=0, scales=False)
    assert (seen, torch.backends.cudnn.allow_tf32) == ([False], True)


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
    Path(plan.recipe).write_text(json.dumps({**recipe, "tokenizer": {**STAGE, "steps": 2}}))
    own = Plan(**{**vars(plan), "tokenizer": "trained", "seeds": (0,), "contenders": ("depthart",), "points": (1.0,)})
    out = tmp_path / "out"
    assert compare(own, Place(out, workers=0))
    trained = load_model(out / "tokenizer" / "tokenizer.safetensors").tokenizer.encoder.state_dict()
    learnt = load_model(out / "depthart-0" / "transformer.safetensors").tokenizer.encoder.state_dict()
    assert all(torch.equal(value, learnt[name]) for name, value in trained.items())
    assert json.loads((out / "results.json").read_text())["plan"]["tokenizer"] == "trained"


def test_a_terminated_tokenizer_goes_on_where_it_was(plan, tmp_path, terminated_at):
    recipe = json.loads(Path(plan.recipe).read_text())
    Path(plan.recipe).write_text(json.dumps({**recipe, "tokenizer": {**STAGE, "steps": 4}}))
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


def test_a_signal_while_scoring_ends_the_work_and_leaves_the_handlers():
    before = signal.getsignal(signal.SIGTERM)
    assert not stoppable(lambda: signal.raise_signal(signal.SIGTERM) or True)
    assert stoppable(lambda: True)
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_plan_in_the_same_folder_is_refused(plan, tmp_path):
    keep_plan(plan, tmp_path)
    keep_plan(plan, tmp_path)
    with pytest.raises(ComparisonError, match="samples was 4, now 8"):
        keep_plan(Plan(**{**vars(plan), "samples": 8}), tmp_path)


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


def test_the_same_names_with_other_contents_are_another_comparison(plan, tmp_path):
    keep_plan(plan, tmp_path / "out")
    Path(plan.recipe).write_text(Path(plan.recipe).read_text() + "\n")
    with pytest.raises(ComparisonError, match=r"contents was .*recipe.*: choose another --out"):
        keep_plan(plan, tmp_path / "out")


def test_what_cannot_start_takes_no_folder(plan, tmp_path, capsys):
    with pytest.raises(DataError, match="not there"):
        compare(Plan(**{**vars(plan), "data": (f"rooms={tmp_path}/mistyped.tar",)}), Place(tmp_path / "out", workers=0))
    assert not (tmp_path / "out").exists()
    assert main(["--shared", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert f"{tmp_path}/rooms holds no train-*.tar" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


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
    (path := tmp_path / "var.json").write_text(json.dumps(recipe | {"tokenizer": STAGE}))
    with pytest.raises(DepthartError, match=r"the regressor needs .* decoder 'guided', got .* decoder 'var'"):
        compare(Plan(**{**vars(plan), "recipe": str(path), "tokenizer": "trained"}), Place(tmp_path / "out", workers=0))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("device", ["gpu", "cuda:77"])
def test_a_device_that_is_not_there_is_one_sentence_and_takes_no_folder(plan, tmp_path, capsys, device):
    options = ["--out", str(tmp_path / "out"), "--recipe", plan.recipe, "--train", *plan.train, "--data", *plan.data]
    assert main([*options, "--device", device, "--precision", "fp32"]) == 1
    assert capsys.readouterr().err.startswith(f"training.compare: device '{device}' cannot be used")
    assert not (tmp_path / "out").exists()


def test_the_device_may_be_left_to_the_machine(plan, tmp_path):
    places = ["--out", str(tmp_path / "out"), "--tokenizer", plan.tokenizer, "--recipe", plan.recipe]
    few = ["--contenders", "regressor", "--seeds", "0", "--samples", "2", "--points", "1", "--frames", "1"]
    assert (
        main([*places, "--train", *plan.train, "--data", *plan.data, *few, "--device", "auto", "--workers", "0"]) == 0
    )
    assert json.loads((tmp_path / "out" / "plan.json").read_text())["precision"] in ("fp32", "bf16")


def test_a_comparison_goes_on_in_the_precision_it_began_with(plan, tmp_path):
    automatic, cpu = Plan(**{**vars(plan), "precision": "auto"}), torch.device("cpu")
    assert settle_precision(automatic, tmp_path, cpu).precision == choose_precision("auto", cpu)
    for begun in ("bf16", "fp32"):
        keep_plan(Plan(**{**vars(plan), "precision": begun}), tmp_path / begun)
        keep_plan(settle_precision(automatic, tmp_path / begun, cpu), tmp_path / begun)


def test_a_tokenizer_of_another_shape_is_refused(plan):
    with pytest.raises(ComparisonError, match="its tokenizer is"):
        make_contender("depthart", Plan(**{**vars(plan), "tokenizer": "nano"}), 0)


@pytest.mark.parametrize("metadata", [{}, {"format": "depthart/1", "config": "{}"}])
def test_a_tokenizer_of_no_model_of_ours_is_named(plan, tmp_path, metadata):
    save_file({"other": torch.zeros(3)}, tmp_path / "odd.safetensors", metadata)
    with pytest.raises(CheckpointError, match=r"odd.safetensors (is not a depthart/1 model|carries a configuration)"):
        make_contender("depthart", Plan(**{**vars(plan), "tokenizer": str(tmp_path / "odd.safetensors")}), 0)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("contenders", ("magic",), "contenders of depthart"),
        ("equal", "minutes", "equal must be one of flops, samples"),
        ("points", (0.5,), "rise from above 0 to 1"),
        ("samples", 0, "above 0"),
        ("seeds", (0, -1), "seeds from 0 up"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan, field, value, message):
    with pytest.raises(ComparisonError, match=message):
        Plan(**{**vars(plan), field: value})


def test_results_of_another_kind_are_refused(tmp_path):
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(ComparisonError, match=r"expected the results.json of a comparison"):
        report(tmp_path / "results.json", tmp_path)
