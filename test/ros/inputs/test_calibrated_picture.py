"""The calibration of a picture: the camera's own, else a file, else the field of view; distortion ignored or undone."""

import math
import os

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo

from depthart_core.errors import ConfigError
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.inputs.calibrated_picture import PictureCalibrator
from depthart_ros.inputs.calibration_file import load_calibration
from depthart_ros.inputs.camera_model import intrinsics_from_fov
from depthart_ros.inputs.fallback_calibration import pinhole
from depthart_ros.outputs.snapshot import calibration_yaml
from depthart_ros.parameters.paths import path_of
from depthart_ros.parameters.settings import Settings

STAMP = Time(sec=1)


@pytest.fixture
def logged():
    return []


@pytest.fixture
def calibrator(logged):
    return PictureCalibrator(CameraInfo, Problems(logged.append))


@pytest.fixture
def file(tmp_path, info_message):
    """A calibration file that holds the camera of `info_message`, as camera_calibration writes it."""
    path = tmp_path / "camera.yaml"
    path.write_bytes(calibration_yaml(info_message(STAMP)))
    return path


def test_a_field_of_view_gives_the_angle_that_it_names():
    camera = pinhole(intrinsics_from_fov(640, 480, 90.0))
    fx, cx = camera.k[0], camera.k[2]
    left, right = (-0.5 - cx) / fx, (639.5 - cx) / fx  # the outer edges of the outer pixels
    assert math.degrees(math.atan(right) - math.atan(left)) == pytest.approx(90.0)
    assert camera.k[4] == fx


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_calibration_file_gives_the_camera_info_that_it_was_written_from(file, info_message, form):
    made, expected = load_calibration(form.format(file)).fill(CameraInfo()), info_message(STAMP)
    for name in ("width", "height", "distortion_model", "d", "k", "r", "p"):
        np.testing.assert_array_equal(getattr(made, name), getattr(expected, name), err_msg=name)


def test_ros_home_is_put_into_the_url(monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    assert path_of("file://${ROS_HOME}/camera_info/webcam.yaml") == tmp_path / "camera_info" / "webcam.yaml"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "camera_info_url is .*none.yaml'.* cannot be read"),
        ("a: [", "camera_info_url is .* cannot be read"),
        ("date: 2024-13-45", "camera_info_url is .* cannot be read"),
        ("image_width: .inf\nimage_height: 3", r"is no calibration \(OverflowError: "),
        ("image_width: -1", r"is no calibration \(ValueError: image_width is -1\)"),
        ("image_width: 3\nimage_height: 4294967296", r"is no calibration \(ValueError: image_height is 4294967296\)"),
        ("- 1", "is no calibration .*expected the YAML that camera_calibration writes"),
        pytest.param("#" * (1 << 20) + "\n", "cannot be read: it has more than 1048576 characters", id="too long"),
        ("image_width: 3", r"is no calibration \(KeyError: 'image_height'\)"),
    ],
)
def test_a_file_that_is_no_calibration_is_named(tmp_path, content, sentence):
    path = tmp_path / "none.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        load_calibration(str(path))


def test_other_urls_and_absent_packages_are_named():
    with pytest.raises(ConfigError, match="'http://x/y'; expected a path, file:// or package://"):
        load_calibration("http://x/y")
    with pytest.raises(ConfigError, match=r"camera_info_url is '~nobody_at_all/camera\.yaml': "):
        load_calibration("~nobody_at_all/camera.yaml")
    with pytest.raises(ConfigError, match="package 'no_such_package' is not installed"):
        load_calibration("package://no_such_package/camera.yaml")


def test_without_any_calibration_there_are_no_intrinsics(calibrator, picture):
    assert calibrator.of(picture(), None, Settings()).intrinsics is None


def test_the_field_of_view_stands_in_while_no_camera_info_came_or_it_is_uncalibrated(calibrator, picture, info_message):
    settings = Settings(fov_deg=60.0)
    for info in (None, info_message(STAMP, k=[0.0] * 9, p=[0.0] * 12)):
        assert calibrator.of(picture(), info, settings).intrinsics.fx == pytest.approx(32 / math.tan(math.radians(30)))
    assert calibrator.of(picture(), info_message(STAMP), settings).intrinsics.fx == 55.5


def test_a_file_comes_before_the_field_of_view(calibrator, picture, file):
    settings = Settings(fov_deg=60.0, camera_info_url=str(file))
    assert calibrator.of(picture(), None, settings).intrinsics.fx == 55.5


def test_a_file_for_another_size_is_named(calibrator, picture, file, logged):
    assert calibrator.of(picture(80, 60), None, Settings(camera_info_url=str(file))).intrinsics is None
    assert logged[0].startswith("camera_info: it is for images of 64x48; expected 80x60")


def test_a_calibration_that_is_given_beside_that_of_the_camera_is_said_not_to_count(
    calibrator, picture, file, info_message, logged
):
    for settings in (Settings(camera_info_url=str(file)), Settings(fov_deg=60.0), Settings(fov_deg=60.0)):
        calibrator.of(picture(), info_message(STAMP), settings)
    assert len(logged) == 1
    assert logged[0].startswith("camera_info: the camera sends a calibration of its own, which counts")


def test_ignored_distortion_of_raw_images_is_said_once(calibrator, picture, info_message, logged):
    for _ in range(3):
        found = calibrator.of(picture(), info_message(STAMP), Settings(rectified=False))
        assert found.intrinsics.fx == 60.5
    assert [sentence for sentence in logged if "distortion is ignored" in sentence] == logged
    assert len(logged) == 1


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(rectified=False, rectify=True)], ids=["rectified already", "rectify"]
)
def test_nothing_is_said_where_no_distortion_is_ignored(calibrator, picture, info_message, logged, settings):
    calibrator.of(picture(), info_message(STAMP), settings)
    assert not logged


@pytest.mark.parametrize("topic", ["/cam/image_raw", "/cam/image_raw/compressed"])
def test_raw_images_that_are_taken_for_rectified_ones_are_said_once(calibrator, picture, info_message, logged, topic):
    for _ in range(3):
        assert calibrator.of(picture(), info_message(STAMP), Settings(), topic=topic).intrinsics.fx == 55.5
    assert len(logged) == 1
    assert f"{topic} sounds like raw images, but `rectified` is true" in logged[0]


@pytest.mark.parametrize(
    ("topic", "fields"),
    [
        ("/raw/image_rect", {}),
        ("/cam/image_raw", {"d": [0.0] * 5}),
        ("/cam/image_raw", {"p": [60.5, 0.0, 31.25, 0.0, 0.0, 61.5, 23.75, 0.0, 0.0, 0.0, 1.0, 0.0]}),
    ],
    ids=["rectified by its name", "no distortion", "P is K"],
)
def test_images_that_may_well_be_rectified_are_not_called_raw(calibrator, picture, info_message, logged, topic, fields):
    calibrator.of(picture(), info_message(STAMP, **fields), Settings(), topic=topic)
    assert not logged


@pytest.mark.parametrize("rectified", [True, False])
def test_rectify_changes_the_picture_and_takes_the_intrinsics_of_p(calibrator, picture, info_message, rectified):
    rgb = picture()
    found = calibrator.of(rgb, info_message(STAMP), Settings(rectify=True, rectified=rectified))
    assert found.intrinsics.fx == 55.5
    assert found.rgb.shape == rgb.shape
    assert (found.rgb != rgb).mean() > 0.5


def test_an_unknown_distortion_model_is_named_and_the_picture_stays_raw(calibrator, picture, info_message, logged):
    rgb = picture()
    found = calibrator.of(rgb, info_message(STAMP, distortion_model="omni"), Settings(rectify=True))
    assert found.rgb is rgb
    assert found.intrinsics is None
    assert "distortion_model is 'omni'; expected one of" in logged[0]
    assert logged[0].endswith("so no cloud and no depth/camera_info, and the picture stays raw")


def test_a_calibration_that_was_written_anew_is_read_anew(file):
    before = load_calibration(str(file))
    file.write_text(file.read_text().replace(f"image_width: {before.width}", "image_width: 99"))
    os.utime(file, ns=(1, 1))
    assert load_calibration(str(file)).width == 99
