"""The number format that a training takes by itself."""

import pytest
import torch

from training.precision import choose_precision, settle_gpu

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("description", "taken"),
    [
        ("flags\t\t: fpu avx avx2 fma", "fp32"),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_bf16", "bf16"),
        ("flags\t\t: fpu avx512f avx512_vnni", "fp32"),
        ("Features\t: fp asimd i8mm bf16 dgh", "bf16"),
    ],
)
def test_a_processor_trains_in_bf16_only_with_units_for_it(tmp_path, description, taken):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{description}\n\nprocessor\t: 1\n{description}\n")
    assert choose_precision("auto", CPU, processor=tmp_path / "cpuinfo") == taken


def test_a_processor_that_is_not_described_trains_in_fp32(tmp_path):
    assert choose_precision("auto", CPU, processor=tmp_path / "missing") == "fp32"


@pytest.mark.parametrize("asked", ["bf16", "fp32"])
def test_what_is_asked_for_is_taken(asked):
    assert choose_precision(asked, CPU) == asked


def test_float32_on_a_gpu_is_not_computed_in_tf32_whatever_was_asked_before(monkeypatch):
    """As TORCH_ALLOW_TF32_CUBLAS_OVERRIDE asks; flags of the process need no GPU."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    torch.set_float32_matmul_precision("high")
    try:
        settle_gpu()
        assert (torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()) == (False, "highest")
    finally:
        torch.set_float32_matmul_precision("highest")
