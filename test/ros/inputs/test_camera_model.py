"""Which intrinsics a camera_info gives, and the camera_info of the published depth."""

import math

import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="sensor_msgs is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from depthart_core.errors import IntrinsicsError
from depthart_core.geometry import Intrinsics
from depthart_ros.inputs.camera_model import fill_camera_info, intrinsics_of

STAMP = Time(sec=3, nanosec=5)
HEADER = Header(stamp=Time(sec=12, nanosec=345), frame_id="optical")


def fill(source, *, rectified):
    return fill_camera_info(CameraInfo(), source, HEADER, rectified=rectified)


def test_a_rectified_image_has_the_intrinsics_of_p_and_a_raw_one_those_of_k(info_message):
    info = info_message(STAMP)
    assert intrinsics_of(info, 64, 48, rectified=True) == Intrinsics(64, 48, 55.5, 56.5, 30.25, 22.75)
    assert intrinsics_of(info, 64, 48, rectified=False) == Intrinsics(64, 48, 60.5, 61.5, 31.25, 23.75)


def test_region_of_interest_and_binning_see_the_same_ray(info_message):
    roi = RegionOfInterest(x_offset=8, y_offset=4, width=48, height=40)
    info = info_message(STAMP, roi=roi, binning_x=2, binning_y=4)
    part = intrinsics_of(info, 24, 10, rectified=True)
    whole = intrinsics_of(info_message(STAMP), 64, 48, rectified=True)
    column, row = 5, 7  # of the part
    assert (column - part.cx) / part.fx == pytest.approx((8 + 2 * column - whole.cx) / whole.fx)
    assert (row - part.cy) / part.fy == pytest.approx((4 + 4 * row - whole.cy) / whole.fy)


@pytest.mark.parametrize("rectified", [True, False])
def test_the_published_camera_info_gives_its_reader_our_intrinsics_even_without_roi_and_binning(
    info_message, rectified
):
    roi = RegionOfInterest(x_offset=8, y_offset=4, width=48, height=40)
    info = info_message(STAMP, roi=roi, binning_x=2, binning_y=4)
    published = fill(info, rectified=rectified)
    ours = intrinsics_of(info, 24, 10, rectified=rectified)
    assert intrinsics_of(published, 24, 10, rectified=rectified) == ours
    assert (published.p[0], published.p[5], published.p[2], published.p[6]) == (ours.fx, ours.fy, ours.cx, ours.cy)
    assert (published.width, published.height, published.binning_x, published.binning_y) == (24, 10, 0, 0)
    assert published.roi == RegionOfInterest()


@pytest.mark.parametrize(("letter", "last"), [("k", 8), ("p", 10)])
def test_a_driver_that_leaves_the_last_row_of_a_matrix_empty_gets_the_same_camera(info_message, letter, last):
    info = info_message(STAMP, roi=RegionOfInterest(x_offset=8, y_offset=4, width=48, height=40))
    whole = fill(info, rectified=letter == "p")
    getattr(info, letter)[last] = 0.0
    published = fill(info, rectified=letter == "p")
    assert getattr(published, letter)[last] == 1.0
    assert intrinsics_of(published, 48, 40, rectified=True) == intrinsics_of(whole, 48, 40, rectified=True)


def test_a_matrix_that_is_unknown_stays_so_under_a_region_of_interest(info_message):
    info = info_message(STAMP, roi=RegionOfInterest(x_offset=8, y_offset=4, width=48, height=40))
    info.k = np.zeros(9)
    published = fill(info, rectified=True)
    assert not published.k.any()
    assert published.p[2] == info.p[2] - 8


def test_a_plain_rectified_camera_info_is_published_as_it_came_with_the_header_of_the_image(info_message):
    info = info_message(STAMP)
    published = fill(info, rectified=True)
    assert published.header == HEADER
    for name in ("width", "height", "distortion_model", "d", "k", "r", "p"):
        np.testing.assert_array_equal(getattr(published, name), getattr(info, name), err_msg=name)


def test_a_raw_depth_image_has_k_as_its_projection(info_message):
    published = fill(info_message(STAMP), rectified=False)
    np.testing.assert_array_equal(published.p.reshape(3, 4), np.hstack([published.k.reshape(3, 3), np.zeros((3, 1))]))
    np.testing.assert_array_equal(published.r, np.eye(3).ravel())


def test_the_source_is_left_as_it_is(info_message):
    info = info_message(STAMP)
    fill(info, rectified=False)
    assert info == info_message(STAMP)


@pytest.mark.parametrize(
    ("change", "rectified", "sentence"),
    [
        ({"p": [0.0] * 12}, True, "camera_info: p is all zero; expected the matrix of a calibrated camera"),
        ({"k": [0.0] * 9}, False, "camera_info: k is all zero"),
        (
            {"k": [0.0, 0.0, 3.0, 0.0, 5.0, 3.0, 0.0, 0.0, 1.0]},
            False,
            r"intrinsics: fx is 0.0; expected .* \(fx = k\[0\]",
        ),
        (
            {"p": [5.0, 0.0, 3.0, 0.0, 0.0, math.nan, 3.0, 0.0, 0.0, 0.0, 1.0, 0.0]},
            True,
            r"fy is nan; expected .* fy = p\[5\]",
        ),
        (
            {"p": [5.0, 0.0, math.nan, 0.0, 0.0, 5.0, 3.0, 0.0, 0.0, 0.0, 1.0, 0.0]},
            True,
            r"cx is nan; expected .* cx = p\[2\]",
        ),
        ({"k": [-5.0, 0.0, 3.0, 0.0, 5.0, 3.0, 0.0, 0.0, 1.0]}, False, "fx is -5.0; expected"),
        (
            {"width": 128, "height": 96},
            True,
            "camera_info: it is for images of 128x96; expected 64x48, the size of the image",
        ),
        ({"width": 0, "height": 0}, True, "camera_info: size is 0x0; expected"),
        (
            {"roi": RegionOfInterest(x_offset=60, width=10, height=8)},
            True,
            r"camera_info: roi is 10x8 at \(60, 0\); expected",
        ),
    ],
)
def test_a_camera_info_that_fits_no_camera_or_another_image_is_refused_by_name(
    info_message, change, rectified, sentence
):
    with pytest.raises(IntrinsicsError, match=sentence):
        intrinsics_of(info_message(STAMP, **change), 64, 48, rectified=rectified)
