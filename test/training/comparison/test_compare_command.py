"""The command that compares the objectives."""

import json
import signal

import pytest

from training.compare import main, parse_arguments, plan_of, stoppable
from training.comparison.plan import Plan
from training.comparison.runs import Place, compare
from training.data.sample import DataError


def test_lists_of_the_command_line_may_be_given_in_parts():
    words = "--train a --train b --data x=1 --data y=2 --contenders depthart --contenders regressor --seeds 0 --seeds 3"
    given = plan_of(parse_arguments([*words.split(), "--points", "0.5", "--points", "1"]))
    assert (given.train, given.data, given.seeds) == (("a", "b"), ("x=1", "y=2"), (0, 3))
    assert (given.contenders, given.points) == (("depthart", "regressor"), (0.5, 1.0))
    left = plan_of(parse_arguments(["--train", "a"]))
    assert (left.contenders, left.seeds, left.points) == (Plan.contenders, Plan.seeds, Plan.points)


def test_a_signal_while_scoring_ends_the_work_and_leaves_the_handlers():
    before = signal.getsignal(signal.SIGTERM)
    assert not stoppable(lambda: signal.raise_signal(signal.SIGTERM) or True)
    assert stoppable(lambda: True)
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_cannot_start_takes_no_folder(plan, tmp_path, capsys):
    with pytest.raises(DataError, match="not there"):
        compare(Plan(**{**vars(plan), "data": (f"rooms={tmp_path}/mistyped.tar",)}), Place(tmp_path / "out", workers=0))
    assert not (tmp_path / "out").exists()
    assert main(["--shared", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert f"{tmp_path}/rooms holds no train-*.tar" in capsys.readouterr().err
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
