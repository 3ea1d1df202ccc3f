"""Writing of checkpoints."""

import tracemalloc

import pytest
import torch

from training.checkpoints import write_checkpoint
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
def test_a_disk_that_is_full_is_one_sentence_wherever_in_the_file_it_is(state, tmp_path, limit):
    """A limit on the size of files stands for the full disk."""
    resource = pytest.importorskip("resource", reason="limits of this kind exist on Unix alone")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(TrainingError, match=r"cannot write .*run.checkpoint \(File too large\); the checkpoint"):
            write_checkpoint(tmp_path / "run.checkpoint", state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())
