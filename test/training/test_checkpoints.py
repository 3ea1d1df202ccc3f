"""Writing of checkpoints, and a look at what one was begun from."""

import tracemalloc
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from depthart_core.errors import CheckpointError
from training.checkpoints import check_origin, write_checkpoint
from training.errors import TrainingError


@pytest.fixture
def state():
    return {name: torch.rand(1_000_000) for name in "abcd"}


def test_no_second_copy_of_a_checkpoint_is_made_in_memory(state, tmp_path):
    tracemalloc.start()
    try:
        write_checkpoint(tmp_path / "run.checkpoint", state)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
    assert torch.equal(torch.load(tmp_path / "run.checkpoint", weights_only=True)["d"], state["d"])


@pytest.mark.parametrize("limit", [1000, 7_000_000, 16_000_500])
def test_a_disk_that_is_full_is_one_sentence_wherever_in_the_file_it_is(state, tmp_path, limit, files_of_at_most):
    said = r"cannot write .*run.checkpoint \(File too large\); there is none before it"
    with files_of_at_most(limit), pytest.raises(TrainingError, match=said):
        write_checkpoint(tmp_path / "run.checkpoint", state)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="Linux alone counts what a process reads")
def test_of_a_checkpoint_only_what_is_compared_with_its_origin_is_read(state, tmp_path):
    before, checkpoint = tmp_path / "before.safetensors", tmp_path / "run.checkpoint"
    save_file({"a": state["a"], "b": torch.zeros(3)}, before)
    write_checkpoint(checkpoint, {"config": "", "settings": {}, "model": state, "optimizer": {}})
    read = bytes_read()
    check_origin(checkpoint, before, still=["a", "d"])
    assert bytes_read() - read < checkpoint.stat().st_size / 4
    save_file({"a": state["b"]}, before)
    with pytest.raises(CheckpointError, match="was begun from an earlier"):
        check_origin(checkpoint, before, still=["a"])


def test_what_is_no_checkpoint_is_refused_when_its_origin_is_looked_at(tmp_path):
    path = tmp_path / "run.checkpoint"
    for content in (b"", b"nothing of ours", b"\x80\x02}q\x00."):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"run.checkpoint is not a readable checkpoint: "):
            check_origin(path, tmp_path / "before.safetensors", still=[])


def bytes_read() -> int:
    """So far, by calls that read."""
    return int(Path("/proc/self/io").read_text().split()[1])
