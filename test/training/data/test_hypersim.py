import csv
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data.hypersim import STANDARD_CAMERA, camera_intrinsics, open_hypersim, tone_map, z_depth
from training.data.sample import DataError, readable

h5py = pytest.importorskip("h5py")
pytestmark = pytest.mark.filterwarnings("ignore:.*(split_scene_v1|camera_parameters).csv (is not there|lacks)")
HEIGHT, WIDTH = 24, 32


def write_hdf5(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["dataset"] = values


def write_frame(root, scene, camera, number, *, preview=True, hdr=False):
    """Distance number + 1 m, one pixel without; a red preview; a grey HDR ramp, its last pixel without a surface."""
    images = root / scene / "images"
    geometry = images / f"scene_{camera}_geometry_hdf5"
    distance = np.full((HEIGHT, WIDTH), number + 1, np.float16)
    distance[0, 0] = np.nan
    write_hdf5(geometry / f"frame.{number:04}.depth_meters.hdf5", distance)
    if preview:
        path = images / f"scene_{camera}_final_preview" / f"frame.{number:04}.tonemap.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), (0, 0, 255), np.uint8))
    if hdr:
        radiance = np.linspace(0, 8, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1).repeat(3, axis=2).astype(np.float16)
        radiance[-1, -1] = 1e4
        entities = np.zeros((HEIGHT, WIDTH), np.int32)
        entities[-1, -1] = -1
        write_hdf5(images / f"scene_{camera}_final_hdf5" / f"frame.{number:04}.color.hdf5", radiance)
        write_hdf5(geometry / f"frame.{number:04}.render_entity_id.hdf5", entities)


@pytest.fixture
def hypersim(tmp_path):
    write_frame(tmp_path, "ai_001_002", "cam_00", 0)
    write_frame(tmp_path, "ai_001_002", "cam_01", 7, hdr=True)
    write_frame(tmp_path, "ai_003_001", "cam_00", 2, preview=False, hdr=True)
    return tmp_path


def test_frames_of_all_scenes_and_cameras_come_in_order(hypersim):
    names = [frame.name for frame in open_hypersim(hypersim)]
    assert names == ["ai_001_002/cam_00/0000", "ai_001_002/cam_01/0007", "ai_003_001/cam_00/0002"]
    assert len(open_hypersim(hypersim / "ai_001_002")) == 2


def test_distance_along_the_ray_becomes_depth_along_the_axis(hypersim):
    depth = open_hypersim(hypersim)[1].depth
    focal, row, column = 886.81 * WIDTH / 1024, 5, 3
    ray = np.array([(column - 15.5) / focal, (row - 11.5) / focal, 1])
    assert depth[row, column] == pytest.approx(8 / np.linalg.norm(ray), rel=1e-5)
    assert np.isnan(depth[0, 0])


def test_the_standard_camera_has_the_published_focal_length():
    camera = camera_intrinsics(STANDARD_CAMERA, 768, 1024)
    assert (camera.fx, camera.fy) == pytest.approx((886.81, 886.81), abs=5e-3)
    assert (camera.cx, camera.cy) == (511.5, 383.5)


def test_rays_and_intrinsics_of_a_shifted_camera_agree():
    matrix = np.array([[0.5, 0, 0.1], [0, 0.4, -0.05], [0, 0, -1.0]])
    camera = camera_intrinsics(matrix, HEIGHT, WIDTH)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    norm = np.sqrt(((u - camera.cx) / camera.fx) ** 2 + ((v - camera.cy) / camera.fy) ** 2 + 1)
    np.testing.assert_allclose(z_depth(np.ones((HEIGHT, WIDTH)), matrix), 1 / norm, rtol=1e-6)  # rays are float32


def _cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def write_camera(root, matrix, *scenes):
    row = {f"M_cam_from_uv_{i}{j}": matrix[i, j] for i in range(3) for j in range(3)}
    with (root / "metadata_camera_parameters.csv").open("w") as file:
        writer = csv.DictWriter(file, ["scene_name", *row])
        writer.writeheader()
        writer.writerows({"scene_name": scene, **row} for scene in scenes)


def test_depth_and_intrinsics_of_a_tilted_image_plane_agree(hypersim):
    """The camera of ai_024_001, whose plane is tilted by 27 degrees."""
    matrix = np.array([[0.65, 0, 0], [0, 0.435, 0], [0, -0.221, -1.126]])
    write_camera(hypersim, matrix, "ai_003_001")
    sample = open_hypersim(hypersim)[2]
    camera = sample.intrinsics
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones((HEIGHT, WIDTH))], axis=2)
    distance = sample.depth * np.linalg.norm(rays, axis=2)
    np.testing.assert_allclose(distance[1:], 3, rtol=1e-6)
    first, last = (matrix @ (sign * (1 - 1 / WIDTH), sign * (1 / HEIGHT - 1), 1) for sign in (-1, 1))
    assert _cosine(rays[0, 0], rays[-1, -1]) == pytest.approx(_cosine(first, last))


def test_the_camera_of_a_scene_comes_from_the_authors_table(hypersim):
    write_camera(hypersim, np.diag([0.3, 0.2, -1.0]), "ai_003_001")
    frames = open_hypersim(hypersim)
    assert frames[2].intrinsics.fx == pytest.approx(WIDTH / 2 / 0.3)
    assert frames[0].intrinsics.fx == pytest.approx(886.81 * WIDTH / 1024, rel=1e-4)


def test_one_scene_has_the_tables_that_lie_beside_it(hypersim, monkeypatch):
    write_camera(hypersim, np.diag([0.3, 0.2, -1.0]), "ai_003_001")
    write_splits(hypersim, ["ai_003_001,cam_00,2,True,,test"])
    monkeypatch.chdir(hypersim / "ai_003_001")
    [frame] = open_hypersim(Path(), split="test")
    assert frame.name == "ai_003_001/cam_00/0002"
    assert frame.intrinsics.fx == pytest.approx(WIDTH / 2 / 0.3)


def test_depth_without_a_picture_is_counted_and_named(hypersim):
    next(hypersim.glob("ai_003*/images/*/frame.0002.color.hdf5")).unlink()
    with pytest.warns(UserWarning, match=r"ai_003_001: 1 frames have depth and no picture, skipped: .*frame.0002"):
        assert len(open_hypersim(hypersim)) == 2


def test_an_array_of_another_shape_is_skipped_and_named(hypersim):
    write_hdf5(next(hypersim.glob("ai_003*/images/*/*depth_meters.hdf5")), np.ones((HEIGHT, WIDTH, 3)))
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 samples: .*ai_003_001.*ValueError"):
        assert len(list(readable(open_hypersim(hypersim)))) == 2


def test_a_preview_is_used_where_there_is_one_and_hdr_on_request(hypersim):
    assert open_hypersim(hypersim)[1].rgb[0, 0, 0] > 240
    hdr = open_hypersim(hypersim, color="hdr")[1].rgb
    assert np.ptp(hdr.astype(int), axis=2).max() == 0
    assert (hdr == open_hypersim(hypersim)[2].rgb).all()


def test_tone_mapping_puts_the_ninetieth_percentile_of_the_surfaces_at_four_fifths():
    radiance = np.linspace(0, 10, 1001, dtype=np.float32).reshape(1, -1, 1).repeat(3, axis=2)
    picture = tone_map(radiance, np.ones((1, 1001), bool))
    assert picture[0, 900, 0] == round(0.8 * 255)
    assert picture[0, 225, 0] == round(0.8 * 255 * (225 / 900) ** (1 / 2.2))
    assert picture[0, -1].tolist() == [214] * 3
    some = np.arange(1001)[None] < 500
    assert tone_map(radiance, some)[0, 449, 0] == pytest.approx(0.8 * 255, abs=1)


def test_a_picture_that_shows_no_surface_keeps_its_brightness():
    assert (tone_map(np.full((2, 2, 3), 0.5), np.zeros((2, 2), bool)) == round(255 * 0.5 ** (1 / 2.2))).all()


def test_a_black_picture_stays_black():
    assert not tone_map(np.zeros((2, 2, 3)), np.ones((2, 2), bool)).any()


def write_splits(root, rows):
    header = "scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,split_partition_name"
    (root / "metadata_images_split_scene_v1.csv").write_text("\n".join([header, *rows]))


def test_the_authors_list_chooses_a_split_and_leaves_out_what_was_withdrawn(hypersim):
    write_splits(
        hypersim,
        ["ai_001_002,cam_00,0,True,,train", "ai_001_002,cam_01,7,False,blank,train", "ai_003_001,cam_00,2,True,,test"],
    )
    assert [frame.name for frame in open_hypersim(hypersim, split="test")] == ["ai_003_001/cam_00/0002"]
    assert [frame.name for frame in open_hypersim(hypersim)] == ["ai_003_001/cam_00/0002"]
    assert len(open_hypersim(hypersim, split="all")) == 2
    with pytest.raises(DataError, match=r"no frame of split=val, expected one of test, train, all$"):
        open_hypersim(hypersim, split="val")
    with pytest.raises(DataError, match=r"no frame of split=test, expected one of train, all$"):
        open_hypersim(hypersim / "ai_001_002")


def test_without_the_list_all_frames_are_read_and_that_is_said(hypersim):
    with pytest.warns(UserWarning, match=r"scene_v1.csv is not there: all 3 frames are read, scenes of the test"):
        assert len(open_hypersim(hypersim)) == 3
    write_camera(hypersim, np.diag([0.3, 0.2, -1.0]), "ai_001_002", "ai_003_001")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(open_hypersim(hypersim, split="all")) == 3


def test_without_the_table_of_cameras_one_is_taken_for_all_and_that_is_said(hypersim):
    with pytest.warns(UserWarning, match=r"camera_parameters.csv is not there: 60 degrees across for every scene"):
        open_hypersim(hypersim, split="all")


def test_scenes_that_the_table_of_cameras_lacks_are_counted_and_named(hypersim):
    write_camera(hypersim, np.diag([0.3, 0.2, -1.0]), "ai_003_001")
    lacks = r"camera_parameters.csv lacks 1 of 2 scenes: 60 degrees across for ai_001_002, right for fewer than half$"
    with pytest.warns(UserWarning, match=lacks):
        open_hypersim(hypersim, split="all")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_hypersim(hypersim / "ai_003_001", split="all")


def test_a_split_without_the_list_says_where_it_was_expected(hypersim):
    with pytest.raises(DataError, match=r"split_scene_v1.csv is not there, expected it beside the scenes"):
        open_hypersim(hypersim, split="test")


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no frame of Hypersim, expected ai_VVV_NNN/images"):
        open_hypersim(tmp_path)


def test_a_corrupt_depth_file_is_skipped_and_named(hypersim):
    file = next(hypersim.glob("ai_003*/images/*/*depth_meters.hdf5"))
    file.write_bytes(file.read_bytes()[:900])
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 samples: .*frame.0002.depth_meters.hdf5: OSError"):
        assert len(list(readable(open_hypersim(hypersim)))) == 2
