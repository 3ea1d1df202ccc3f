"""Raw pictures become rectified: every distortion model against its formula, region of interest and binning too."""

import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="sensor_msgs is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import RegionOfInterest

from depthart_core.errors import IntrinsicsError
from depthart_ros.inputs.rectification import Undistorter, make_undistortion

STAMP = Time(sec=1)
MODELS = {
    "plumb_bob": [-0.3, 0.1, 0.002, -0.001, 0.02],
    "rational_polynomial": [0.4, -0.2, 0.001, 0.002, 0.03, 0.6, -0.1, 0.02],
    "equidistant": [0.05, -0.02, 0.01, -0.004],
    "fisheye": [0.05, -0.02, 0.01, -0.004],
}


def distorted(model, d, x, y):
    """Where a ray (x, y, 1) appears, in normalised coordinates: the formulas of the models."""
    r2 = x * x + y * y
    if model in ("equidistant", "fisheye"):
        r = np.sqrt(r2)
        theta = np.arctan(r)
        bent = theta * (1 + d[0] * theta**2 + d[1] * theta**4 + d[2] * theta**6 + d[3] * theta**8)
        factor = np.where(r > 1e-9, bent / np.maximum(r, 1e-9), 1.0)
        return x * factor, y * factor
    k1, k2, p1, p2, k3, k4, k5, k6 = [*d, *[0.0] * (8 - len(d))]
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    return (
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
    )


def plane(u, v):
    """A raw picture whose colours say where its pixels are, linear so that interpolation is exact."""
    return np.stack([3 * u + 20, 4 * v + 10, u + v], axis=-1)


def expected_picture(info, columns, rows, bin_x=1, bin_y=1, x0=0, y0=0):
    """What the pixels of a window should show, by the formula, in the colours of `plane` of the window."""
    k, p, r = (np.asarray(values).reshape(3, -1) for values in (info.k, info.p, info.r))
    u, v = np.meshgrid(x0 + bin_x * columns, y0 + bin_y * rows)
    rays = np.stack([(u - p[0, 2]) / p[0, 0], (v - p[1, 2]) / p[1, 1], np.ones_like(u, float)]).reshape(3, -1)
    rays = r.T @ rays
    x, y = distorted(info.distortion_model, info.d, rays[0] / rays[2], rays[1] / rays[2])
    raw_u, raw_v = k[0, 0] * x + k[0, 2], k[1, 1] * y + k[1, 2]
    shape = u.shape
    return ((raw_u - x0) / bin_x).reshape(shape), ((raw_v - y0) / bin_y).reshape(shape)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("turned", [False, True])
def test_every_model_is_undone_by_its_formula(info_message, model, turned):
    angle = 0.03
    r = (
        [np.cos(angle), 0.0, np.sin(angle), 0.0, 1.0, 0.0, -np.sin(angle), 0.0, np.cos(angle)]
        if turned
        else np.eye(3).ravel()
    )
    info = info_message(STAMP, distortion_model=model, d=MODELS[model], r=r)
    undo = make_undistortion(info)
    u, v = expected_picture(info, np.arange(64), np.arange(48))
    rectified = undo(plane(*np.meshgrid(np.arange(64), np.arange(48))).astype(np.uint8))
    inside = (u >= 0) & (u <= 63) & (v >= 0) & (v <= 47)
    assert 0.2 < inside.mean() <= 1
    np.testing.assert_array_equal(~inside if not inside.all() else None, undo.outside)
    difference = np.abs(rectified - plane(u, v))[inside]
    assert difference.max() <= 4 / 32 + 4 / 32 + 0.51  # OpenCV rounds positions to 1/32 px


def test_region_of_interest_and_binning_are_undone_as_the_part_of_the_whole(info_message):
    roi = RegionOfInterest(x_offset=8, y_offset=4, width=48, height=40)
    info = info_message(STAMP, d=MODELS["plumb_bob"], roi=roi, binning_x=2, binning_y=4)
    undo = make_undistortion(info)
    u, v = expected_picture(info, np.arange(24), np.arange(10), 2, 4, 8, 4)
    rectified = undo(plane(*np.meshgrid(np.arange(24), np.arange(10))).astype(np.uint8))
    inside = (u >= 0) & (u <= 23) & (v >= 0) & (v <= 9)
    assert np.abs(rectified - plane(u, v))[inside].max() <= 0.76


@pytest.mark.parametrize(
    ("model", "d", "powers", "focal"),
    [
        ("plumb_bob", [-0.32, 0.1, 0.0, 0.0, -0.014], (2, 4, 0, 0, 6), 17.5),
        ("rational_polynomial", [-0.32, 0.1, 0.0, 0.0, -0.014, 0.0, 0.0, 0.0], (2, 4, 0, 0, 6, 0, 0, 0), 17.5),
        ("equidistant", [-0.1, 0.0, -0.1, 0.0], (2, 4, 6, 8), 13.0),
    ],
)
def test_rays_behind_the_turn_of_a_distortion_show_nothing(info_message, model, d, powers, focal):
    info = info_message(STAMP, distortion_model=model, d=d)
    info.k[[0, 4]], info.p[[0, 5]] = 35.0, focal
    undo = make_undistortion(info)
    x, y = ((np.arange(size) - centre) / focal for size, centre in ((64, info.p[2]), (48, info.p[6])))
    radius = np.hypot(x, y[:, None])
    fine = np.linspace(0.0, radius.max(), 100_000)
    at = np.arctan(fine) if model == "equidistant" else fine
    slope = 1 + sum((power + 1) * k * at**power for k, power in zip(d, powers, strict=True))
    turn = fine[np.argmax(slope < 0)]
    assert 0.5 < turn < radius.max()
    u, v = expected_picture(info, np.arange(64), np.arange(48))
    inside = (u >= 0) & (u <= 63) & (v >= 0) & (v <= 47)
    assert (inside & (radius > turn)).mean() > 0.02, "they do meet the raw picture again"
    sure = np.abs(radius - turn) > 0.02
    np.testing.assert_array_equal(undo.outside[sure], ~(inside & (radius < turn))[sure])
    assert not undo(np.full((48, 64, 3), 200, np.uint8))[sure & (radius > turn)].any()


def test_a_driver_that_leaves_the_last_row_of_p_empty_gets_the_same_picture(info_message, picture):
    info, rgb = info_message(STAMP), picture()
    expected = make_undistortion(info)(rgb)
    info.p[10] = 0.0
    np.testing.assert_array_equal(make_undistortion(info)(rgb), expected)


@pytest.mark.parametrize("model", MODELS)
def test_what_stands_beside_focal_lengths_and_principal_point_in_k_plays_no_part(info_message, picture, model):
    info, rgb = info_message(STAMP, distortion_model=model, d=MODELS[model]), picture()
    expected = make_undistortion(info)(rgb)
    info.k[[1, 3]] = info.k[[4, 0]]  # singular
    np.testing.assert_array_equal(make_undistortion(info)(rgb), expected)


def test_an_undistorted_camera_costs_no_copy(info_message, picture):
    info = info_message(STAMP, d=[0.0] * 5)
    info.p = [*info.k[:3], 0.0, *info.k[3:6], 0.0, *info.k[6:], 0.0]
    rgb = picture()
    assert make_undistortion(info)(rgb) is rgb


def test_maps_are_kept_until_the_calibration_changes(info_message):
    undistorter = Undistorter()
    first = undistorter.of(info_message(STAMP))
    assert undistorter.of(info_message(Time(sec=2))) is first
    assert undistorter.of(info_message(STAMP, d=[0.2, 0.0, 0.0, 0.0, 0.0])) is not first


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"distortion_model": "omni"}, "camera_info: distortion_model is 'omni'; expected one of plumb_bob, rational"),
        ({"d": [0.1] * 3}, r"camera_info: d is \[0.1, 0.1, 0.1\]; expected 0 or 4 or 5 finite numbers for plumb_bob"),
        ({"d": [float("nan")] * 5}, "camera_info: d is .*; expected 0 or 4 or 5 finite numbers"),
        ({"p": [0.0] * 12}, "camera_info: p is all zero"),
        ({"p": [9.0, 9.0, 1.0, 0.0, 9.0, 9.0, 1.0, 0.0, *[0.0] * 4]}, r"p is \[9.0, .*; expected the matrix"),
        ({"p": [9.0, float("nan"), 1.0, 0.0, 0.0, 9.0, *[0.0] * 6]}, "camera_info: p is .*; expected the matrix"),
        ({"k": [0.0] * 9}, "camera_info: k is all zero"),
        ({"r": [1.0] * 9}, r"camera_info: r is \[1.0, .*; expected a rotation"),
        ({"r": [float("nan")] * 9}, "camera_info: r is .*; expected a rotation"),
    ],
)
def test_a_distortion_that_cannot_be_undone_is_named(info_message, fields, sentence):
    with pytest.raises(IntrinsicsError, match=sentence):
        Undistorter().of(info_message(STAMP, **fields))
