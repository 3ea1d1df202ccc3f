from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data.pairing import pair_stamps
from training.data.sample import DataError, readable
from training.data.source import open_data
from training.data.tum import open_tum

RGB_STAMPS = ("10.000000", "10.033000", "10.066000", "11.000000")
DEPTH_STAMPS = ("10.015000", "10.040000", "10.070000")


def write_sequence(folder):
    """Depth map n is n + 1 m deep, its first row unknown."""
    for part, stamps in (("rgb", RGB_STAMPS), ("depth", DEPTH_STAMPS)):
        (folder / part).mkdir(parents=True)
        lines = [f"{stamp} {part}/{stamp}.png" for stamp in stamps]
        (folder / f"{part}.txt").write_text("\n".join(["# timestamp filename", *lines]) + "\n")
    for stamp in RGB_STAMPS:
        cv2.imwrite(str(folder / "rgb" / f"{stamp}.png"), np.full((6, 8, 3), (0, 0, 200), np.uint8))
    for n, stamp in enumerate(DEPTH_STAMPS):
        depth = np.full((6, 8), 5000 * (n + 1), np.uint16)
        depth[0] = 0
        cv2.imwrite(str(folder / "depth" / f"{stamp}.png"), depth)
    return folder


@pytest.fixture
def tum(tmp_path):
    return write_sequence(tmp_path / "rgbd_dataset_freiburg2_desk")


def test_pictures_and_depth_of_about_the_same_time_are_paired(tum):
    frames = open_tum(tum)
    assert [frame.name for frame in frames] == [f"{tum.name}/{stamp}" for stamp in RGB_STAMPS[:3]]
    assert [float(np.nanmax(frame.depth)) for frame in frames] == [1, 2, 3]


def test_steps_become_metres_and_zero_becomes_nan(tum):
    frame = open_tum(tum)[1]
    assert np.isnan(frame.depth[0]).all()
    np.testing.assert_allclose(frame.depth[1:], 2)
    assert frame.rgb[0, 0].tolist() == [200, 0, 0]


def test_intrinsics_are_those_of_the_camera_in_the_name(tum):
    camera = open_tum(tum)[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (520.9, 521.0, 325.1, 249.7)
    assert open_tum(tum, camera="fr3")[0].intrinsics.fx == 535.4


def test_a_folder_of_sequences_is_read_as_one(tum):
    write_sequence(tum.parent / "rgbd_dataset_freiburg1_xyz")
    frames = open_tum(tum.parent)
    assert len(frames) == 6
    assert frames[0].intrinsics.fx == 517.3


def test_every_second_pair_is_taken_of_each_sequence(tum):
    write_sequence(tum.parent / "rgbd_dataset_freiburg1_xyz")
    frames = open_data(Path(f"{tum.parent}?every=2"), "tum")
    assert [frame.name for frame in frames] == [
        f"{sequence}/{stamp}"
        for sequence in ("rgbd_dataset_freiburg1_xyz", tum.name)
        for stamp in (RGB_STAMPS[0], RGB_STAMPS[2])
    ]


@pytest.mark.parametrize("every", ["0", "-1", "1.5", "all", ""])
def test_every_so_many_that_is_no_number_is_refused(tum, every):
    with pytest.raises(DataError, match=f"^every={every}: expected a whole number from 1 up"):
        open_tum(tum, every=every)


def test_a_name_without_a_camera_says_what_was_expected(tum):
    other = tum.rename(tum.parent / "desk")
    with pytest.raises(DataError, match=r"desk: no freiburg1, 2 or 3 in its name, expected one, or PATH\?camera=fr1"):
        open_tum(other)
    with pytest.raises(DataError, match="camera=fr4: expected one of fr1, fr2, fr3"):
        open_tum(other, camera="fr4")


def test_a_missing_list_says_what_was_expected_where(tum):
    (tum / "depth.txt").unlink()
    with pytest.raises(DataError, match=r"depth.txt is not there, expected rgb.txt and depth.txt"):
        open_tum(tum)


def test_a_list_of_another_form_is_refused(tum):
    (tum / "rgb.txt").write_text("10.0\n")
    with pytest.raises(DataError, match=r"rgb.txt: ValueError.*expected lines of 'timestamp filename'"):
        open_tum(tum)


def test_a_missing_and_a_corrupt_picture_are_skipped_and_named(tum):
    (tum / "rgb" / f"{RGB_STAMPS[0]}.png").unlink()
    (tum / "depth" / f"{DEPTH_STAMPS[1]}.png").write_bytes(b"\x89PNG")
    with pytest.warns(UserWarning, match=r"skipped 2 of 3 .*10.000000.png cannot be read.*10.040000.png: 4 bytes"):
        assert len(list(readable(open_tum(tum)))) == 1


def test_the_closest_pairs_are_made_first_and_every_entry_is_used_once():
    first, second = np.array([0.0, 1.0, 5.0]), np.array([1.25, 0.875, 9.0])
    assert pair_stamps(first, second, 1.5) == [(0, 0), (1, 1)]
    assert pair_stamps(first, second, 0.2) == [(1, 1)]
    assert pair_stamps(first, second, 0.01) == []


@pytest.mark.parametrize("seed", range(5))
def test_pairing_agrees_with_the_plain_double_loop(seed):
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, 1000, count) for count in (40, 30))
    close = sorted(
        (abs(int(a) - int(b)), i, j) for i, a in enumerate(first) for j, b in enumerate(second) if abs(a - b) <= 20
    )
    pairs = {}
    for _, i, j in close:
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    assert dict(pair_stamps(first, second, 20)) == pairs
