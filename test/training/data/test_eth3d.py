import cv2
import numpy as np
import pytest

from training.data.eth3d import open_eth3d
from training.data.sample import DataError, readable
from training.data.source import KINDS

HEIGHT, WIDTH = 20, 30


def write_scene(root, scene):
    """Two photographs with depth; the ramp holds what is unknown and what lies beyond the cap."""
    images, depths = root / scene / "images" / "dslr_images", root / scene / "ground_truth_depth" / "dslr_images"
    images.mkdir(parents=True)
    depths.mkdir(parents=True)
    for n in range(2):
        cv2.imwrite(str(images / f"DSC_000{n}.JPG"), np.full((HEIGHT, WIDTH, 3), (0, 0, 250), np.uint8))
    depth = np.linspace(1, 80, HEIGHT * WIDTH, dtype="<f4").reshape(HEIGHT, WIDTH)
    depth[0, :2] = np.inf, 0
    for n in range(2):
        (depths / f"DSC_000{n}.JPG").write_bytes(depth.tobytes())
    return root / scene


def write_calibration(scene, folder, camera):
    calibration = scene / folder
    calibration.mkdir()
    (calibration / "cameras.txt").write_text(f"# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n4 {camera}\n")
    lines = [f"{n} 1 0 0 0 0 0 0 4 dslr_images/DSC_000{n}.JPG\n1.5 2.5 -1" for n in range(2)]
    (calibration / "images.txt").write_text("\n".join(["# IMAGE_ID, ...", *lines]))


@pytest.fixture
def eth3d(tmp_path):
    write_scene(tmp_path, "courtyard")
    write_scene(tmp_path, "office")
    return tmp_path


def test_a_photograph_without_depth_is_counted_and_named(eth3d):
    images = eth3d / "office" / "images" / "dslr_images"
    (images / "DSC_0002.JPG").write_bytes((images / "DSC_0001.JPG").read_bytes())
    with pytest.warns(UserWarning, match=r"office/ground_truth_depth/.* 1 frames are not there, skipped: DSC_0002"):
        open_eth3d(eth3d / "office")


def test_photographs_with_depth_of_one_scene_or_of_all_are_found(eth3d):
    names = ["courtyard/DSC_0000", "courtyard/DSC_0001", "office/DSC_0000", "office/DSC_0001"]
    assert [sample.name for sample in open_eth3d(eth3d)] == names
    assert len(open_eth3d(eth3d / "office")) == 2


def test_raw_floats_are_metres_and_infinity_and_zero_are_unknown(eth3d):
    sample = open_eth3d(eth3d)[0]
    assert np.isnan(sample.depth[0, :2]).all()
    np.testing.assert_allclose(sample.depth[-1, -1], 80)
    assert sample.rgb[3, 3, 0] > 240


def test_depth_beyond_72_metres_does_not_count(eth3d):
    depth = open_eth3d(eth3d)[0].depth
    counted = KINDS["eth3d"].protocol.counted(depth)
    assert counted.sum() == np.sum(depth <= 72) < np.isfinite(depth).sum()


def test_intrinsics_of_the_photographs_come_first_and_count_pixel_centres_at_integers(eth3d):
    scene = eth3d / "office"
    write_calibration(scene, "dslr_calibration_undistorted", "PINHOLE 34 24 21 22 17 12")
    camera = open_eth3d(scene)[0].intrinsics
    assert (camera.width, camera.fx, camera.fy, camera.cx, camera.cy) == (WIDTH, 21, 22, 14.5, 9.5)
    write_calibration(scene, "dslr_calibration_jpg", "THIN_PRISM_FISHEYE 30 20 25 26 15.5 9 0 0 0 0 0 0 0 0")
    camera = open_eth3d(scene)[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (25, 26, 15, 8.5)


def test_without_a_calibration_the_focal_length_is_nominal_and_said_to_be(eth3d):
    sample = open_eth3d(eth3d)[0]
    assert not sample.meta["calibrated"]
    assert sample.intrinsics.fx == pytest.approx(0.565 * WIDTH)


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no photograph with depth, expected SCENE/images/dslr_images"):
        open_eth3d(tmp_path)


def test_a_depth_file_cut_short_is_skipped_and_named(eth3d):
    file = eth3d / "office" / "ground_truth_depth" / "dslr_images" / "DSC_0001.JPG"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.warns(UserWarning, match=r"skipped 1 of 4 .*DSC_0001.JPG: 2360 bytes, expected 2400: float32 of 30x20"):
        assert len(list(readable(open_eth3d(eth3d)))) == 3


def test_a_corrupt_calibration_is_refused(eth3d):
    write_calibration(eth3d / "office", "dslr_calibration_jpg", "PINHOLE wide high")
    with pytest.raises(DataError, match=r"dslr_calibration_jpg: ValueError.*expected cameras.txt and images.txt"):
        open_eth3d(eth3d)
