import itertools
import multiprocessing
import sys
import time

import numpy as np
import pytest
import torch

from training.data.cache import load_into_memory
from training.data.frames import Frames
from training.data.loader import batches, sample_index
from training.data.rooms import read_rooms
from training.data.sample import DataError, Sample, readable


def take(count, *args, **options):
    return list(itertools.islice(batches(*args, **options), count))


def same(first, second):
    return (
        first.names == second.names
        and torch.equal(first.rgb, second.rgb)
        and torch.equal(first.depth, second.depth)
        and torch.equal(first.intrinsics, second.intrinsics)
    )


def test_a_batch_has_the_documented_shapes_and_types(shard_of):
    [batch] = take(1, read_rooms([shard_of(5)]), 3, workers=0, size=64)
    assert (batch.rgb.shape, batch.rgb.dtype) == ((3, 3, 64, 64), torch.uint8)
    assert (batch.depth.shape, batch.depth.dtype) == ((3, 1, 64, 64), torch.float32)
    assert batch.intrinsics.shape == (3, 4)
    assert len(batch.names) == 3


def test_colours_and_depth_are_those_of_the_named_sample(shard_of):
    rooms = read_rooms([shard_of(5)])
    by_name = {sample.name: sample for sample in rooms}
    [batch] = take(1, rooms, 4, workers=0, views=None, size=32)
    for rgb, depth, camera, name in zip(batch.rgb, batch.depth, batch.intrinsics, batch.names, strict=True):
        np.testing.assert_array_equal(rgb.permute(1, 2, 0), by_name[name].rgb)
        np.testing.assert_array_equal(depth[0], by_name[name].depth)
        assert camera.tolist() == [40.0, 50.0, 15.5, 15.5]


@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_at_a_step_gives_the_batches_of_an_unbroken_run(shard_of, workers):
    rooms = read_rooms([shard_of(5)])
    unbroken = take(6, rooms, 2, workers=0, seed=3, size=32)
    resumed = take(3, rooms, 2, workers=workers, seed=3, size=32, start_step=3)
    assert all(same(*pair) for pair in zip(unbroken[3:], resumed, strict=True))


def test_processes_share_the_batches_of_one_without_overlap(shard_of):
    rooms = read_rooms([shard_of(7)])
    alone = take(3, rooms, 4, workers=0, size=32)
    parts = [take(3, rooms, 2, workers=0, size=32, rank=rank, world_size=2) for rank in range(2)]
    for batch, first, second in zip(alone, *parts, strict=True):
        assert batch.names == first.names + second.names
        assert torch.equal(batch.rgb, torch.cat([first.rgb, second.rgb]))


def test_another_seed_gives_other_batches(shard_of):
    rooms = read_rooms([shard_of(5)])
    [first], [second] = (take(1, rooms, 5, workers=0, seed=seed, size=32) for seed in (1, 2))
    assert not same(first, second)


def test_every_epoch_visits_every_sample_once_in_its_own_order():
    epochs = [[sample_index(10 * epoch + place, 10, 0) for place in range(10)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_same_sample_is_augmented_differently_in_the_next_epoch(shard_of):
    first, second = take(2, read_rooms([shard_of(1)]), 1, workers=0, size=32)
    assert first.names == second.names
    assert not torch.equal(first.rgb, second.rgb)


@pytest.mark.parametrize("workers", [0, 2])
def test_corrupt_samples_are_replaced_counted_and_named_once(room_members, write_shard, workers):
    samples = [room_members(f"{n:06}") for n in range(4)]
    samples[1]["000001.png"] = samples[2]["000002.png"] = b""
    rooms = read_rooms([write_shard(samples)])
    with pytest.warns(UserWarning, match="skipped a sample") as warned:
        found = take(4, rooms, 4, workers=workers, size=32)
    assert {name for batch in found for name in batch.names} == {"train-000/000000", "train-000/000003"}
    ours = [warning for warning in warned if warning.category is UserWarning]  # Python 3.12 warns of fork as well
    said = [str(warning.message).partition(" so far: ") for warning in ours]
    assert [count for count, _, _ in said] == ["skipped a sample, 1", "skipped a sample, 2"]
    assert sorted(reason[:20] for _, _, reason in said) == ["train-000/000001.png", "train-000/000002.png"]


@pytest.mark.parametrize("workers", [0, 1])
def test_samples_kept_in_memory_give_the_same_batches(shard_of, workers):
    rooms = read_rooms([shard_of(5)])
    kept = load_into_memory(rooms, 48)
    read, from_memory = (take(3, samples, 2, workers=workers, size=48) for samples in (rooms, kept))
    assert all(same(*pair) for pair in zip(read, from_memory, strict=True))
    assert kept[1].rgb.shape == (48, 48, 3)
    assert kept[1] is kept[1:3][0] is kept[-4]


def test_a_corrupt_sample_kept_in_memory_is_named_when_it_is_asked_for(room_members, write_shard):
    rooms = read_rooms([write_shard([room_members("000000"), room_members("000001") | {"000001.png": b""}])])
    with pytest.warns(UserWarning, match=r"1 of 2 samples cannot be read: .*000001\.png"):
        kept = load_into_memory(rooms, 32)
    assert [sample.name for sample in readable(kept[:1])] == ["train-000/000000"]
    with pytest.raises(DataError, match=r"000001\.png"):
        kept[1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Python's own way to start processes is taken")
def test_processes_that_decode_are_forked_also_where_python_starts_others_differently(samples_at):
    method = multiprocessing.get_start_method()
    multiprocessing.set_start_method("forkserver", force=True)  # the default from Python 3.14 on
    try:
        unpickled = Frames(samples_at((1.0, 2.0)), lambda sample: sample)
        [batch] = take(1, unpickled, 2, workers=1, size=32)
    finally:
        multiprocessing.set_start_method(method, force=True)
    assert len(batch.names) == 2


class Counted:
    """Samples that count in all processes how many of them were read."""

    def __init__(self, samples):
        self.samples, self.reads = samples, multiprocessing.Value("i", 0)

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, place):
        with self.reads.get_lock():
            self.reads.value += 1
        return self.samples[place]


def test_all_batches_that_are_taken_at_once_are_read_beforehand(samples_at):
    samples, moment = Counted(samples_at((1.0, 2.0))), time.monotonic()
    source = batches(samples, 1, workers=1, size=32, ahead=8)
    while samples.reads.value <= 8 and time.monotonic() - moment < 60.0:
        time.sleep(0.01)
    assert samples.reads.value > 8
    source.close()


@pytest.mark.parametrize("ending", ["error", "closed"])
def test_processes_that_decode_end_with_the_batches_whoever_holds_an_error(shard_of, ramp, ending):
    """They ignore signals, so that a program which ends with such an error in hand would wait for them for ever."""
    before = set(multiprocessing.active_children())
    blind = Sample("blind", ramp.rgb, np.full_like(ramp.depth, np.nan), ramp.intrinsics)
    source = batches([blind] if ending == "error" else read_rooms([shard_of(3)]), 2, workers=2, size=32)
    assert len(set(multiprocessing.active_children()) - before) == 2
    if ending == "error":
        with pytest.raises(DataError) as held:
            next(source)
        assert held.value.__traceback__ is not None
    else:
        next(source)
        source.close()
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.parametrize("workers", [0, 1])
def test_samples_of_which_none_can_be_used_are_an_error_of_one_sentence(room_members, write_shard, workers):
    members = room_members("000000") | {"000000.webp": b"no picture"}
    with pytest.raises(DataError, match=r"^none of the 1 samples can be used, .* train-000/000000\.webp[^\n]*$"):
        take(1, read_rooms([write_shard([members])]), 1, workers=workers)


def test_a_view_that_would_know_no_depth_is_not_taken(samples_at):
    (sample,) = samples_at([2.0], size=32)
    sample.depth[:] = np.nan
    sample.depth[0, 0] = 2.0  # in a corner, which most crops miss
    for batch in take(20, [sample], 1, workers=0, size=32):
        assert batch.depth.isfinite().any()


def test_a_sample_that_knows_no_depth_is_replaced_and_named(samples_at):
    samples = samples_at([1.0, 2.0])
    samples[0].depth[:] = np.nan
    samples[0].depth[0, 0] = 1.0  # which the size to train at has no pixel for
    with pytest.warns(UserWarning, match=rf"skipped a sample, 1 so far: {samples[0].name}: no depth is known"):
        [batch] = take(1, samples, 4, workers=0, size=32)
    assert set(batch.names) == {samples[1].name}


def test_no_samples_are_an_error():
    with pytest.raises(DataError, match="no samples to draw batches from"):
        batches([], 1)
