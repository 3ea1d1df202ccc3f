import json
import math

import numpy as np
import pytest

from training.data.folder import read_folder
from training.data.rooms import read_rooms
from training.data.sample import DataError, readable
from training.data.source import open_data


def test_frames_are_paired_by_name_and_come_in_order(frame_folder):
    assert [frame.name for frame in read_folder(frame_folder)] == ["desk/0000", "desk/0001", "desk/0002"]


@pytest.mark.parametrize("names", [("frame_2", "frame_9", "frame_10"), ("9.75", "10.25", "10.5")])
def test_numbers_order_frames_so_that_a_part_is_a_stretch_of_the_recording(frame_folder, names):
    for part, suffix in (("rgb", ".jpg"), ("depth", ".png")):
        for before, after in zip(("0001", "0000", "0002"), names, strict=True):
            (frame_folder / part / f"{before}{suffix}").rename(frame_folder / part / f"{after}{suffix}")
    assert [frame.name for frame in read_folder(frame_folder)] == [f"desk/{name}" for name in names]


def test_depth_files_may_end_in_capitals(frame_folder):
    for path in list((frame_folder / "depth").iterdir()):
        path.rename(path.with_suffix(".PNG"))
    assert len(read_folder(frame_folder)) == 3


def test_names_that_do_not_pair_are_shown(frame_folder):
    for path in list((frame_folder / "depth").iterdir()):
        path.rename(path.with_name(f"{path.stem}_depth.png"))
    there = r"3 pictures in rgb \(0000.jpg, ...\) and 3 .png in depth \(0000_depth.png, ...\)"
    with pytest.raises(DataError, match=f"desk holds no pair of equal names among {there}, expected rgb/NAME"):
        read_folder(frame_folder)


def test_depth_steps_become_metres_and_zero_becomes_nan(frame_folder):
    frame = read_folder(frame_folder)[1]
    assert np.isnan(frame.depth[0]).all()
    np.testing.assert_allclose(frame.depth[1:], 2.0)


def test_intrinsics_are_those_of_info_json(frame_folder):
    camera = read_folder(frame_folder)[0].intrinsics
    assert (camera.width, camera.height, camera.fx, camera.cy) == (48, 36, 40.0, 17.5)


@pytest.mark.parametrize("part", ["rgb", "depth", "info.json"])
def test_a_missing_part_says_what_was_expected_where(frame_folder, part):
    (frame_folder / part).rename(frame_folder / "elsewhere")
    with pytest.raises(DataError, match=rf"{part} is not there, expected .*desk to hold rgb/NAME"):
        read_folder(frame_folder)


def test_an_info_with_an_endless_picture_is_refused(frame_folder):
    path = frame_folder / "info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"width": math.inf}))
    with pytest.raises(DataError, match=r"info.json: expected an object with .*OverflowError"):
        read_folder(frame_folder)


def test_an_info_without_the_depth_unit_is_refused(frame_folder):
    path = frame_folder / "info.json"
    info = json.loads(path.read_text())
    del info["depth_file_unit_m"]
    path.write_text(json.dumps(info))
    with pytest.raises(DataError, match=r"info.json: expected an object with .*depth_file_unit_m"):
        read_folder(frame_folder)


@pytest.mark.parametrize("unit", [0, -0.001, "NaN"])
def test_a_unit_that_makes_no_depth_is_refused(frame_folder, unit):
    path = frame_folder / "info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "depth_file_unit_m": unit}))
    with pytest.raises(DataError, match=r"info.json: .*depth_file_unit_m is"):
        read_folder(frame_folder)


def test_zero_is_unknown_also_where_another_value_is(frame_folder):
    path = frame_folder / "info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "invalid": 65535}))
    assert np.isnan(read_folder(frame_folder)[1].depth[0]).all()


def test_a_frame_without_depth_is_left_out_and_named(frame_folder):
    (frame_folder / "depth" / "0001.png").unlink()
    with pytest.warns(UserWarning, match="1 frames without a partner: 0001"):
        assert len(read_folder(frame_folder)) == 2


def test_a_corrupt_depth_file_is_skipped_and_named(frame_folder):
    (frame_folder / "depth" / "0002.png").write_bytes(b"\x89PNG cut")
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 samples: .*0002.png: 8 bytes"):
        assert len(list(readable(read_folder(frame_folder)))) == 2


def test_a_frame_of_another_size_than_stated_is_refused(frame_folder):
    path = frame_folder / "info.json"
    path.write_text(path.read_text().replace("48", "64"))
    with pytest.raises(DataError, match=r"size \(36, 48\), expected \(36, 64\)"):
        read_folder(frame_folder)[0]


def test_a_data_set_opens_by_its_path_alone(frame_folder, shard_of):
    shard = shard_of(2)
    assert len(open_data(frame_folder)) == 3
    assert len(open_data(shard)) == len(open_data(shard.parent)) == len(read_rooms([shard])) == 2


def test_a_path_that_does_not_exist_says_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not there, expected a .tar shard or a folder"):
        open_data(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["tum_fr1_rpy", "tum_fr3_cabinet"])
def test_the_real_tum_folders_read_completely(shared_data, name):
    frames = read_folder(shared_data / "real" / name)
    assert len(frames) == 58
    depth = frames[0].depth
    assert depth.shape == (480, 640)
    assert 0.3 < np.nanmedian(depth) < 5
