"""The GPU benchmark tried out on a CPU at toy size."""

import pytest

from benchmarks import limits
from benchmarks.gpu import main


@pytest.fixture(autouse=True)
def quick_limits(monkeypatch):
    """A small matrix: without units for bfloat16 a large one takes seconds."""
    monkeypatch.setitem(limits.PEAK_SIDE, "cpu", 256)


def test_a_model_is_measured_and_agrees_with_itself(toy_model_path, tmp_path, capsys):
    options = ["--device", "cpu", "--rounds", "2", "--batches", "1", "2", "--numbers", "float32", "--numbers"]
    assert main(["--models", str(toy_model_path), *options, "bfloat16", "--out", str(tmp_path / "gpu.md")]) == 0
    rows = [line.split(" | ") for line in (tmp_path / "gpu.md").read_text().splitlines() if line.startswith("| toy")]
    assert [row[0] for row in rows] == [
        f"| toy, {number}, eager, batch {batch}" for number in ("float32", "bfloat16") for batch in (1, 2)
    ]
    errors = [float(row[7]) for row in rows]
    assert max(errors[:2]) < 1e-5
    assert 0 < max(errors[2:]) < 0.2


def test_what_was_measured_is_delivered_before_the_next_model(toy_model_path, tmp_path):
    options = ["--device", "cpu", "--rounds", "1", "--batches", "1", "--numbers", "float32", "--paths", "eager"]
    out = tmp_path / "gpu.md"
    assert main(["--models", str(toy_model_path), "gone.safetensors", *options, "--out", str(out)]) == 1
    assert "| toy, float32, eager, batch 1" in out.read_text()


def test_a_device_that_is_not_there_is_one_sentence(capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert main(["--models", "nano"]) == 1
    assert capsys.readouterr().err.startswith("benchmarks.gpu: --device cuda:")
