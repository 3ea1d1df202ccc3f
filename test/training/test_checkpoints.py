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
def test_a_disk_that_is_full_is_one_sentence_wherever_in_the_file_it_is(state, tmp_path, limit, files_of_at_most):
    said = r"cannot write .*run.checkpoint \(File too large\); there is none before it"
    with files_of_at_most(limit), pytest.raises(TrainingError, match=said):
        write_checkpoint(tmp_path / "run.checkpoint", state)
    assert not list(tmp_path.iterdir())
