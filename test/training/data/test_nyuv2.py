import numpy as np
import pytest

from training.data.nyuv2 import FILE, open_nyuv2
from training.data.sample import DataError
from training.data.source import KINDS

h5py = pytest.importorskip("h5py")
COUNT = 4


@pytest.fixture
def nyu(tmp_path):
    """Four frames; frame n is n + 1 m deep, its top row red, its left column 9 m, its top left corner unknown.

    As measured the right half is unknown, too.
    """
    images = np.zeros((COUNT, 3, 640, 480), np.uint8)
    images[:, 0, :, 0] = 250
    depths = np.arange(1, COUNT + 1, dtype=np.float32)[:, None, None] * np.ones((1, 640, 480), np.float32)
    depths[:, 0, :] = 9
    depths[:, 0, 0] = 0
    raw = depths.copy()
    raw[:, 320:] = 0
    with h5py.File(tmp_path / FILE, "w") as file:
        for name, values in (("images", images), ("depths", depths), ("rawDepths", raw)):
            file.create_dataset(name, data=values, chunks=(1, *values.shape[1:]), compression=1)
    return tmp_path


def write_splits(folder):
    savemat = pytest.importorskip("scipy.io").savemat
    savemat(folder / "splits.mat", {"trainNdxs": [[1], [3]], "testNdxs": [[2], [4]]})


def test_axes_are_turned_back_and_zero_is_unknown(nyu):
    sample = open_nyuv2(nyu, split="all", depth="filled")[2]
    assert sample.rgb.shape == (480, 640, 3)
    assert sample.rgb[0, :, 0].min() == 250
    assert not sample.rgb[1:].any()
    assert (sample.depth[1:, 0] == 9).all()
    assert (sample.depth[:, 1:] == 3).all()
    assert np.isnan(sample.depth[0, 0])
    assert sample.intrinsics.fx == pytest.approx(518.858, abs=1e-3)


@pytest.mark.parametrize("depth", ["raw", "filled"])
def test_depth_that_was_cut_at_10_metres_is_unknown(nyu, depth):
    with h5py.File(nyu / FILE, "r+") as file:
        for name in ("depths", "rawDepths"):
            file[name][0, 5, 7:9] = 10.0, 9.99
    found = open_nyuv2(nyu, split="all", depth=depth)[0].depth
    assert np.isnan(found[7, 5])
    assert found[8, 5] == np.float32(9.99)


def test_depth_is_as_measured_unless_the_filled_one_is_asked_for(nyu):
    measured, filled = (open_nyuv2(nyu, split="all", **option)[2].depth for option in ({}, {"depth": "filled"}))
    assert np.isnan(measured[:, 320:]).all()
    np.testing.assert_array_equal(measured[:, :320], filled[:, :320])
    with pytest.raises(DataError, match="depth=full: expected raw or filled"):
        open_nyuv2(nyu, depth="full")


def test_the_test_split_is_the_default_and_the_others_can_be_chosen(nyu):
    write_splits(nyu)
    assert [sample.name for sample in open_nyuv2(nyu / FILE)] == ["nyuv2/0002", "nyuv2/0004"]
    assert [sample.name for sample in open_nyuv2(nyu, split="train")] == ["nyuv2/0001", "nyuv2/0003"]
    assert len(open_nyuv2(nyu, split="all")) == COUNT
    with pytest.raises(DataError, match="split=half: expected train, test or all"):
        open_nyuv2(nyu, split="half")


def test_without_splits_all_frames_are_read_with_a_warning(nyu):
    with pytest.warns(UserWarning, match=r"splits.mat is not there: all 4 frames are read, not the 654"):
        assert len(open_nyuv2(nyu)) == COUNT
    with pytest.raises(DataError, match=r"splits.mat is not there"):
        open_nyuv2(nyu, split="test")


def test_the_eigen_crop_counts_rows_45_to_471_and_columns_41_to_601(nyu):
    counted = KINDS["nyuv2"].protocol.counted(open_nyuv2(nyu, split="all", depth="filled")[0].depth)
    assert counted[45:471, 41:601].all()
    assert counted.sum() == (471 - 45) * (601 - 41)


def test_a_file_of_other_shapes_is_refused(tmp_path):
    with h5py.File(tmp_path / FILE, "w") as file:
        file["images"], file["rawDepths"] = np.zeros((2, 3, 8, 6), np.uint8), np.zeros((2, 8, 6))
    with pytest.raises(DataError, match=r"images \(2, 3, 8, 6\).*expected .*images \(N, 3, 640, 480\)"):
        open_nyuv2(tmp_path)


def test_a_missing_or_damaged_file_says_what_was_expected_where(tmp_path):
    with pytest.raises(DataError, match=rf"{FILE} is not there, expected {FILE} \(HDF5"):
        open_nyuv2(tmp_path)
    (tmp_path / FILE).write_bytes(b"no HDF5")
    with pytest.raises(DataError, match=rf"{FILE}: OSError"):
        open_nyuv2(tmp_path)


def test_a_damaged_frame_is_an_error_of_that_frame_alone(nyu):
    frames = open_nyuv2(nyu, split="all")
    content = bytearray((nyu / FILE).read_bytes())
    with h5py.File(nyu / FILE, "r") as file:
        chunk = file["rawDepths"].id.get_chunk_info(2)
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    (nyu / FILE).write_bytes(content)
    assert frames[1].depth[9, 9] == 2
    with pytest.raises(DataError, match=rf"{FILE}: OSError.*'rawDepths'"):
        frames[2]
