import cv2
import numpy as np
import pytest

from training.data.kitti import open_kitti, open_selection
from training.data.sample import DataError, readable
from training.data.source import KINDS, open_named, recognise

HEIGHT, WIDTH = 375, 1242
DATE, DRIVE = "2011_09_26", "2011_09_26_drive_0002_sync"
CALIBRATION = """calib_time: 09-Jan-2012 13:57:47
P_rect_00: 7 0 6 0 0 7 1 0 0 0 1 0
P_rect_02: 721.5 0 609.5 44.8 0 722.5 172.8 0.2 0 0 1 0.003
"""


def write_picture(path, shape=(HEIGHT, WIDTH)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*shape, 3), (0, 0, 90), np.uint8))


def write_depth(path, shape=(HEIGHT, WIDTH)):
    """10 m; the right half unknown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    depth = np.full(shape, 2560, np.uint16)
    depth[:, shape[1] // 2 :] = 0
    cv2.imwrite(str(path), depth)


@pytest.fixture
def kitti(tmp_path):
    """Raw pictures, annotated depth and a list; its third line has no depth, as in the one that is distributed."""
    lines = []
    for n in (5, 6):
        image, depth = (
            f"{DATE}/{DRIVE}/image_02/data/{n:010}.png",
            f"{DRIVE}/proj_depth/groundtruth/image_02/{n:010}.png",
        )
        write_picture(tmp_path / image)
        write_depth(tmp_path / "data_depth_annotated" / "val" / depth)
        lines.append(f"{image} {depth} 721.5377")
    (tmp_path / "eigen_test_files_with_gt.txt").write_text("\n".join([*lines, f"{image} None 721.5377"]))
    (tmp_path / DATE / "calib_cam_to_cam.txt").write_text(CALIBRATION)
    return tmp_path


def test_the_list_names_pictures_and_depth_in_order_without_lines_that_have_none(kitti):
    names = [f"{DRIVE}/image_02/{n:010}" for n in (5, 6)]
    assert [sample.name for sample in open_kitti(kitti)] == names
    (kitti / "two.txt").write_text((kitti / "eigen_test_files_with_gt.txt").read_text().splitlines()[1])
    assert [sample.name for sample in open_kitti(kitti, list="two.txt")] == names[1:]
    assert len(open_kitti(kitti / "two.txt")) == 1


def test_steps_become_metres_and_zero_becomes_nan(kitti):
    sample = open_kitti(kitti)[0]
    assert (sample.depth[:, : WIDTH // 2] == 10).all()
    assert np.isnan(sample.depth[:, WIDTH // 2 :]).all()
    assert sample.rgb[0, 0].tolist() == [90, 0, 0]


def test_intrinsics_come_from_the_calibration_of_the_date_or_else_from_the_list(kitti):
    camera = open_kitti(kitti)[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (721.5, 722.5, 609.5, 172.8)
    (kitti / DATE / "calib_cam_to_cam.txt").unlink()
    camera = open_kitti(kitti)[0].intrinsics
    assert (camera.fx, camera.cx, camera.cy) == (721.5377, (WIDTH - 1) / 2, (HEIGHT - 1) / 2)


def test_the_garg_crop_counts_what_the_published_evaluations_count(kitti):
    depth = np.full((HEIGHT, WIDTH), 10, np.float32)
    counted = KINDS["kitti"].protocol.counted(depth)
    rows, columns = np.flatnonzero(counted.any(axis=1)), np.flatnonzero(counted.any(axis=0))
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (153, 371, 44, 1197)
    depth[200, 600] = 80.5
    assert not KINDS["kitti"].protocol.counted(depth)[200, 600]


@pytest.mark.parametrize(("shape", "edges"), [((370, 1226), (151, 366, 44, 1181)), ((374, 1238), (152, 370, 44, 1193))])
def test_the_garg_crop_has_the_published_edges_at_every_size_of_the_recordings(shape, edges):
    counted = KINDS["kitti"].protocol.counted(np.full(shape, 10, np.float32))
    rows, columns = np.flatnonzero(counted.any(axis=1)), np.flatnonzero(counted.any(axis=0))
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == edges


def test_without_a_list_all_annotated_depth_is_read(kitti):
    (kitti / "eigen_test_files_with_gt.txt").unlink()
    with pytest.warns(UserWarning, match=r"no list of a split .* all 2 annotated pictures are read"):
        assert len(open_kitti(kitti)) == 2
    next(kitti.glob(f"{DATE}/*/*/*/0000000005.png")).unlink()
    (kitti / DATE / "calib_cam_to_cam.txt").unlink()
    with (
        pytest.warns(UserWarning, match=r"1 frames have depth and no picture, skipped: .*0000000005.png"),
        pytest.warns(UserWarning, match="all 1 annotated"),
        pytest.raises(DataError, match=r"no camera, expected calib_cam_to_cam.txt in the folder of its date"),
    ):
        open_kitti(kitti)[0]


def test_a_calibration_that_describes_no_camera_costs_its_frames_alone(kitti):
    text = CALIBRATION.replace("721.5 ", "0 ")
    (kitti / DATE / "calib_cam_to_cam.txt").write_text(text)
    with pytest.warns(UserWarning, match=r"skipped 2 of 2 samples: .*0000000005.*IntrinsicsError"):
        assert not list(readable(open_kitti(kitti)))


def test_the_selected_crops_bring_their_own_cameras(tmp_path):
    folder = tmp_path / "depth_selection" / "val_selection_cropped"
    name = f"{DRIVE}_{{}}_0000000005_image_02"
    write_picture(folder / "image" / f"{name.format('image')}.png", (352, 1216))
    write_depth(folder / "groundtruth_depth" / f"{name.format('groundtruth_depth')}.png", (352, 1216))
    (folder / "intrinsics").mkdir()
    (folder / "intrinsics" / f"{name.format('image')}.txt").write_text("700 0 600 0 701 170 0 0 1")
    [sample] = open_selection(tmp_path)
    camera = sample.intrinsics
    assert (camera.width, camera.fx, camera.fy, camera.cx, camera.cy) == (1216, 700, 701, 600, 170)
    found = open_named(f"crops={tmp_path}")
    assert (found.kind, found.protocol.crop_name, found.protocol.cap) == ("kitti_selection", "-", 80)
    (tmp_path / "eigen_test_files_with_gt.txt").write_text("a b 1")
    assert recognise(tmp_path) == "kitti"  # what is asked for with ?list=
    with pytest.raises(DataError, match="holds no selected crops of KITTI, expected val_selection_cropped with"):
        open_selection(folder / "image")


def test_missing_files_of_the_list_are_counted_and_named(kitti):
    next(kitti.glob("data_depth_annotated/val/*/*/*/*/0000000005.png")).unlink()
    with pytest.warns(UserWarning, match=r"1 frames are not there, skipped: .*groundtruth/image_02/0000000005.png"):
        assert len(open_kitti(kitti)) == 1


def test_a_list_of_which_nothing_is_there_says_what_was_expected_where(kitti):
    elsewhere = kitti / "elsewhere" / "list.txt"
    elsewhere.parent.mkdir()
    elsewhere.write_text((kitti / "eigen_test_files_with_gt.txt").read_text())
    with pytest.raises(DataError, match=rf"holds none of the 2 frames of .*list.txt, expected .*elsewhere/{DATE}/"):
        open_kitti(elsewhere)
    (kitti / "data_depth_annotated").rename(kitti / "depth")
    with pytest.raises(DataError, match=rf"none of the 2 frames of .*, expected {kitti}/{DRIVE}/proj_depth/ground"):
        open_kitti(kitti)


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no picture with depth of KITTI, expected a list of"):
        open_kitti(tmp_path)


def test_a_corrupt_calibration_and_depth_map_are_skipped_and_named(kitti):
    next(kitti.glob("data_depth_annotated/val/*/*/*/*/0000000005.png")).write_bytes(b"")
    with pytest.warns(UserWarning, match=r"skipped 1 of 2 samples: .*0000000005.png: 0 bytes"):
        assert len(list(readable(open_kitti(kitti)))) == 1
    (kitti / DATE / "calib_cam_to_cam.txt").write_text("P_rect_03: 1 2 3")
    with pytest.raises(DataError, match=r"calib_cam_to_cam.txt: KeyError.*expected a camera matrix P_rect_02"):
        open_kitti(kitti)[1]
