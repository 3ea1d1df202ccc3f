"""The models by stage: what is measured is what the backend runs."""

import torch

from benchmarks import limits
from benchmarks.model import as_run, count_operations, main
from depthart_core.backends.torch import load
from depthart_core.checkpoint import save_model
from depthart_core.config import ModelConfig, TokenizerConfig, TransformerConfig
from depthart_core.inference import BackendOptions
from depthart_core.model import DepthART


def wide_model():
    """Wide and large enough for Winograd's convolutions."""
    tokenizer = TokenizerConfig(
        scale_sizes=(1, 16), codebook_size=16, channels=128, channel_multipliers=(1, 1, 1), encoder_blocks=1
    )
    return DepthART(ModelConfig(tokenizer, TransformerConfig(width=32, heads=2, blocks=1, mlp_ratio=2))).eval()


@torch.inference_mode()
def test_a_model_is_measured_as_the_backend_runs_it(tmp_path):
    model = wide_model()
    save_model(model, tmp_path / "wide.safetensors")
    image = torch.zeros(1, 3, 64, 64)
    for precision in ("fp32", "bf16"):
        variant = as_run("wide", model, precision)
        backend = load(tmp_path / "wide.safetensors", BackendOptions(precision=precision))
        assert [type(one) for one in variant.model.modules()] == [type(one) for one in backend.model.modules()]
        count_operations(variant, image)
        assert min(variant.operations.values()) > 0


def test_the_report_has_every_stage(toy_model_path, monkeypatch, tmp_path):
    monkeypatch.setitem(limits.PEAK_SIDE, "cpu", 64)
    out = tmp_path / "model.md"
    assert main(["--models", str(toy_model_path), "--repeats", "1", "--threads", "1", "--out", str(out)]) == 0
    rows = [line.strip("| ").split(" | ")[0] for line in out.read_text().splitlines() if line.startswith("| toy")]
    assert rows == [f"toy float32, {stage}" for stage in ("prefix", "rollout", "decoder", "total")]
