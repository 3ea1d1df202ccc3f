"""The plan of a comparison, which alone goes on in its folder."""

from pathlib import Path

import pytest
import torch

from training.comparison.plan import ComparisonError, Plan, keep_plan, settle_precision
from training.precision import choose_precision


def test_another_plan_in_the_same_folder_is_refused(plan, tmp_path):
    keep_plan(plan, tmp_path)
    keep_plan(plan, tmp_path)
    with pytest.raises(ComparisonError, match="samples was 4, now 8"):
        keep_plan(Plan(**{**vars(plan), "samples": 8}), tmp_path)


def test_the_same_names_with_other_contents_are_another_comparison(plan, tmp_path):
    keep_plan(plan, tmp_path / "out")
    Path(plan.recipe).write_text(Path(plan.recipe).read_text() + "\n")
    with pytest.raises(ComparisonError, match=r"contents was .*recipe.*: choose another --out"):
        keep_plan(plan, tmp_path / "out")


def test_a_comparison_goes_on_in_the_precision_it_began_with(plan, tmp_path):
    automatic, cpu = Plan(**{**vars(plan), "precision": "auto"}), torch.device("cpu")
    assert settle_precision(automatic, tmp_path, cpu).precision == choose_precision("auto", cpu)
    for begun in ("bf16", "fp32"):
        keep_plan(Plan(**{**vars(plan), "precision": begun}), tmp_path / begun)
        keep_plan(settle_precision(automatic, tmp_path / begun, cpu), tmp_path / begun)


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
