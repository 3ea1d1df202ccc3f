"""The parameters of the calibration, proven: each changes what it says."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time

from depthart_core import DepthartError
from depthart_ros.outputs.snapshot import calibration_yaml


@pytest.mark.proves("rectified")
def test_intrinsics_come_from_p_of_rectified_images_and_from_k_of_raw_ones(bench):
    pipeline = bench.pipeline()
    p, k = (bench.frame(pipeline, scale=1.0, rectified=value)["depth/camera_info"].p[0] for value in (True, False))
    assert (p, k) == (55.5, 60.5)


@pytest.mark.proves("rectify")
def test_rectify_undoes_the_distortion_and_gives_the_camera_of_p(bench):
    out = {value: bench.frame(bench.pipeline(), scale=1.0, rectify=value) for value in (False, True)}
    raw, undistorted = (out[value]["depth/camera_info"] for value in (False, True))
    assert (any(raw.d), any(undistorted.d)) == (True, False)
    assert undistorted.k[0] == raw.p[0] == undistorted.p[0]
    assert not np.array_equal(*(bench.values(out[value]["depth/relative"]) for value in (False, True)))


@pytest.mark.proves("fov_deg")
def test_a_field_of_view_stands_in_for_a_calibration(bench):
    pipeline = bench.pipeline()
    assert "points" not in bench.frame(pipeline, scale=1.0, calibrated=False)
    found = bench.frame(pipeline, scale=1.0, calibrated=False, fov_deg=90.0)
    assert "points" in found
    assert found["depth/camera_info"].p[0] == pytest.approx(32.0)


@pytest.mark.proves("camera_info_url")
def test_a_file_stands_in_for_a_calibration(bench, tmp_path):
    file = tmp_path / "camera.yaml"
    file.write_bytes(calibration_yaml(bench.info_message(Time(sec=1))))
    found = bench.frame(bench.pipeline(), scale=1.0, calibrated=False, camera_info_url=str(file))
    assert found["depth/camera_info"].p[0] == 55.5


@pytest.mark.proves("max_pixels")
def test_images_of_more_than_max_pixels_are_refused(bench):
    pipeline = bench.pipeline()
    bench.frame(pipeline, max_pixels=64 * 48)
    with pytest.raises(DepthartError, match="max_pixels"):
        bench.frame(pipeline, max_pixels=64 * 48 - 1)
