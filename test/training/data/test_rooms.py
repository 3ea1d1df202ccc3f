import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthart_core.geometry import Intrinsics
from depthart_core.preprocess import to_input
from training.data.rooms import depth_from_codes, read_rooms
from training.data.sample import DataError, Sample, readable, resize_sample


def test_every_sample_of_every_shard_is_read_in_order(shard_of, write_shard, room_members):
    first = shard_of(2)
    second = write_shard([room_members("000009")], "train-001.tar")
    rooms = read_rooms([first, second])
    assert [sample.name for sample in rooms] == ["train-000/000000", "train-000/000001", "train-001/000009"]


def test_depth_codes_become_metres_as_the_readme_states():
    values = np.array([[1 << 4, 2048 << 4, 4095 << 4]], np.uint16)
    expected = [0.2 * 200 ** (1 / 4095), 0.2 * 200 ** (2048 / 4095), 40.0]
    np.testing.assert_allclose(depth_from_codes(values)[0], expected, rtol=1e-6)


def test_an_invalid_code_becomes_nan():
    assert np.isnan(depth_from_codes(np.zeros((1, 1), np.uint16))).all()


def test_depth_and_colours_survive_the_shard(shard_of):
    sample = read_rooms([shard_of(3)])[2]
    assert sample.rgb.dtype == np.uint8
    assert sample.depth.dtype == np.float32
    np.testing.assert_allclose(sample.depth, 1.2, rtol=2e-3)
    assert sample.meta["room"] == 7


def test_intrinsics_count_pixel_centres_at_integers(shard_of):
    camera = read_rooms([shard_of(1)])[0].intrinsics
    # The centre of a 32 pixel wide image lies between pixels 15 and 16.
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (40.0, 50.0, 15.5, 15.5)


def test_colours_come_in_rgb_order(write_shard, room_members):
    members = room_members("000000")
    bgr = np.zeros((32, 32, 3), np.uint8)
    bgr[..., 2] = 250
    members["000000.webp"] = cv2.imencode(".webp", bgr)[1].tobytes()
    red, green, _ = read_rooms([write_shard([members])])[0].rgb.mean(axis=(0, 1))
    assert red > 240
    assert green < 10


def test_pictures_may_be_jpeg_as_the_renderer_writes_them(write_shard, room_members):
    members = room_members("000000")
    del members["000000.webp"]
    members["000000.jpg"] = cv2.imencode(".jpg", np.full((32, 32, 3), (30, 120, 210), np.uint8))[1].tobytes()
    rgb = read_rooms([write_shard([members])])[0].rgb
    np.testing.assert_allclose(rgb.mean(axis=(0, 1)), (210, 120, 30), atol=3)


@pytest.mark.parametrize("member", ["000001.webp", "000001.png", "000001.json"])
def test_a_corrupt_member_is_skipped_counted_and_named(write_shard, member, room_members):
    samples = [room_members(f"{n:06}") for n in range(3)]
    samples[1][member] = samples[1][member][:20]
    rooms = read_rooms([write_shard(samples)])
    with pytest.warns(UserWarning, match=f"skipped 1 of 3 samples: train-000/{member}"):
        assert [s.name for s in readable(rooms)] == ["train-000/000000", "train-000/000002"]


def test_a_sample_without_depth_is_left_out_and_named(write_shard, room_members):
    samples = [room_members(f"{n:06}") for n in range(2)]
    del samples[0]["000000.png"]
    with pytest.warns(UserWarning, match="skipped 1 incomplete samples: 000000"):
        assert len(read_rooms([write_shard(samples)])) == 1


def test_a_shard_cut_short_keeps_what_is_whole(shard_of):
    path = shard_of(3)
    path.write_bytes(path.read_bytes()[:7000])
    with pytest.warns(UserWarning, match="cut short"):
        rooms = read_rooms([path])
    assert 1 <= len(rooms) < 3
    assert np.isfinite(rooms[0].depth).all()


def test_a_damaged_header_inside_a_shard_is_named_with_what_it_hides(shard_of):
    path = shard_of(3)
    with tarfile.open(path) as shard:
        place = shard.getmember("000001.webp").offset
    content = bytearray(path.read_bytes())
    content[place + 150] ^= 1  # of the header's checksum
    path.write_bytes(content)
    hidden = len(content) - place
    with pytest.warns(UserWarning, match=rf"train-000.tar: .* at byte {place}, skipped the {hidden} bytes"):
        assert [room.name for room in read_rooms([path])] == ["train-000/000000"]


def test_a_header_cut_short_or_made_zero_is_named(shard_of):
    path = shard_of(2)
    with tarfile.open(path) as shard:
        place = shard.getmember("000001.webp").offset
    content = path.read_bytes()
    for damaged in (content[: place + 100], content[:place] + bytes(512) + content[place + 512 :]):
        path.write_bytes(damaged)
        with pytest.warns(UserWarning, match=f"at byte {place}, skipped"):
            assert len(read_rooms([path])) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("zeros", [0, 100, 512, 1024, 70_000])
def test_a_whole_shard_is_read_silently_however_its_end_is_marked(shard_of, zeros):
    path = shard_of(2)
    with tarfile.open(path) as shard:
        shard.getmembers()
        end = shard.offset
    path.write_bytes(path.read_bytes()[:end] + bytes(zeros))
    assert len(read_rooms([path])) == 2


def test_a_missing_shard_says_what_was_expected_where(tmp_path):
    with pytest.raises(DataError, match=r"train-000.tar is not there, expected a tar shard of .webp"):
        read_rooms([tmp_path / "train-000.tar"])


def test_a_file_that_is_no_shard_is_refused(tmp_path):
    path = tmp_path / "train-000.tar"
    path.write_bytes(b"no tar" * 300)
    with pytest.raises(DataError, match="is no tar file"):
        read_rooms([path])


def test_an_empty_shard_among_others_is_skipped_and_named(shard_of, write_shard, tmp_path):
    first, second, nothing = shard_of(2), write_shard([], "train-001.tar"), tmp_path / "train-002.tar"
    nothing.touch()
    with pytest.warns(UserWarning, match=f"{second}, {nothing}: no complete sample, skipped"):
        assert len(read_rooms([first, second, nothing])) == 2
    with pytest.raises(DataError, match=f"{second}, {nothing}: no complete sample, expected .webp or .jpg"):
        read_rooms([second, nothing])


def test_a_warning_names_the_first_of_many(write_shard, room_members):
    samples = [room_members(f"{n:06}") for n in range(14)]
    for n, members in enumerate(samples[:13]):
        del members[f"{n:06}.png"]
    with pytest.warns(UserWarning, match="skipped 13 incomplete samples: 000000, .*, 000009, and 3 more$"):
        assert len(read_rooms([write_shard(samples)])) == 1


def test_an_empty_list_of_shards_is_refused():
    with pytest.raises(DataError, match="no shard given"):
        read_rooms([])


def test_resizing_keeps_true_depths_and_the_direction_of_each_pixel(ramp):
    half = resize_sample(ramp, 64)
    assert np.isin(half.depth, ramp.depth).all()
    # The left edge of the image is the left edge of its first pixel at both sizes.
    assert (-0.5 - half.intrinsics.cx) / half.intrinsics.fx == pytest.approx(
        (-0.5 - ramp.intrinsics.cx) / ramp.intrinsics.fx
    )


@pytest.mark.parametrize("shape", [(240, 320), (480, 640), (200, 240), (240, 640)])
def test_training_sees_a_picture_as_the_estimator_does(shape):
    generator = np.random.default_rng(0)
    rgb = generator.integers(0, 255, (*shape, 3), np.uint8)
    sample = Sample("noise", rgb, np.ones(shape, np.float32), Intrinsics(shape[1], shape[0], 100.0, 100.0, 50.0, 50.0))
    np.testing.assert_array_equal(resize_sample(sample, 256).rgb, to_input(rgb, 256))


def test_the_real_validation_shard_reads_completely(shared_data: Path):
    rooms = read_rooms([shared_data / "rooms" / "val-000.tar"])
    assert len(rooms) == 300
    sample = rooms[0]
    assert sample.rgb.shape == (256, 256, 3)
    assert 0.2 <= np.nanmin(sample.depth) <= np.nanmax(sample.depth) <= 40.0
