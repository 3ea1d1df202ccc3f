import cv2
import numpy as np
import pytest

from training.data.diode import open_diode
from training.data.sample import DataError, readable
from training.data.source import KINDS

HEIGHT, WIDTH = 6, 8


def write_scan(place, name):
    """4 m deep; row 0 is masked, one pixel holds nothing, one lies at 60 m."""
    scan = place / "scene_00019" / "scan_00183"
    scan.mkdir(parents=True, exist_ok=True)
    depth, mask = np.full((HEIGHT, WIDTH, 1), 4, np.float32), np.ones((HEIGHT, WIDTH))
    mask[0], depth[1, 0], depth[1, 1] = 0, 0, 60
    np.save(scan / f"{name}_depth.npy", depth)
    np.save(scan / f"{name}_depth_mask.npy", mask)
    cv2.imwrite(str(scan / f"{name}.png"), np.full((HEIGHT, WIDTH, 3), (0, 0, 99), np.uint8))
    return scan


@pytest.fixture
def diode(tmp_path):
    write_scan(tmp_path / "val" / "indoors", "00019_00183_indoors_000_010")
    write_scan(tmp_path / "val" / "outdoor", "00022_00195_outdoor_010_030")
    return tmp_path


@pytest.mark.parametrize(("folder", "count"), [(".", 2), ("val", 2), ("val/indoors", 1)])
def test_any_level_of_the_download_can_be_named(diode, folder, count):
    assert len(open_diode(diode / folder)) == count


def test_the_validation_split_is_the_default_and_the_others_can_be_chosen(diode):
    write_scan(diode / "train" / "outdoor", "00001_00001_outdoor_000_010")
    assert len(open_diode(diode)) == len(open_diode(diode, split="val")) == 2
    assert [sample.name for sample in open_diode(diode, split="train")] == ["diode/00001_00001_outdoor_000_010"]
    assert len(open_diode(diode, split="all")) == 3
    with pytest.raises(DataError, match=r"val/train holds no picture of DIODE"):
        open_diode(diode / "val", split="train")
    with pytest.raises(DataError, match=r"^split=test: expected train, val or all"):
        open_diode(diode, split="test")


@pytest.mark.parametrize(("folder", "refused"), [(".", True), ("val", True), ("val/indoors", True), ("train", False)])
def test_pictures_that_models_are_scored_on_are_not_learnt_from_unasked(diode, folder, refused):
    write_scan(diode / "train" / "outdoor", "00001_00001_outdoor_000_010")
    assert KINDS["diode"].holds_test_data(diode / folder, ()) is refused
    assert not KINDS["diode"].holds_test_data(diode / folder, ("split",))


def test_masked_pixels_are_unknown(diode):
    sample = open_diode(diode)[0]
    assert sample.name == "diode/00019_00183_indoors_000_010"
    assert np.isnan(sample.depth[0]).all()
    assert np.isnan(sample.depth[1, 0])
    assert (sample.depth[2:] == 4).all()
    assert sample.rgb[0, 0].tolist() == [99, 0, 0]


def test_depth_beyond_50_metres_does_not_count(diode):
    sample = open_diode(diode)[0]
    assert sample.depth[1, 1] == 60
    assert np.isnan(KINDS["diode"].protocol.restrict(sample).depth[1, 1])


def test_intrinsics_are_those_of_the_devkit_at_the_size_of_the_picture(diode):
    camera = open_diode(diode)[0].intrinsics
    scale = WIDTH / 1024
    assert (camera.fx, camera.fy) == pytest.approx((886.81 * scale, 927.06 * scale))
    assert (camera.cx, camera.cy) == ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no picture of DIODE, expected scene_XXXXX/scan_XXXXX/ with NAME.png"):
        open_diode(tmp_path)


def test_missing_and_corrupt_arrays_are_skipped_and_named(diode):
    write_scan(diode / "val" / "indoors", "whole")
    next(diode.glob("val/indoors/*/*/00019*_mask.npy")).unlink()
    next(diode.glob("val/outdoor/*/*/*_depth.npy")).write_bytes(b"\x93NUMPY")
    with pytest.warns(UserWarning, match=r"skipped 2 of 3 .*_mask.npy: FileNotFoundError.*_depth.npy: ValueError"):
        assert len(list(readable(open_diode(diode)))) == 1


def test_a_mask_of_another_size_is_an_error(diode):
    np.save(next(diode.glob("val/indoors/*/*/*_mask.npy")), np.ones(3))
    with pytest.raises(DataError, match="48 depths, 3 in the mask; expected 48 of each"):
        open_diode(diode)[0]
