"""Resizing: to the model's square and back, without depth that is nowhere."""

import cv2
import numpy as np
import pytest

from depthart_core.errors import ImageError
from depthart_core.preprocess import EDGE_RATIO, check_rgb, to_input, to_picture_size

SIZES = pytest.mark.parametrize("size", [(480, 640), (97, 131), (64, 200), (33, 20), (1, 1), (64, 65)])


@SIZES
def test_resizing_invents_no_depth_between_an_edges_two_sides(size):
    depth = np.where(np.add.outer(np.arange(64), 2 * np.arange(64)) % 37 < 18, 1.0, 3.0).astype(np.float32)
    assert set(np.unique(to_picture_size(depth, *size))) <= {1.0, 3.0}


def test_surfaces_are_interpolated_linearly():
    depth = np.linspace(2.0, 2.5, 32, dtype=np.float32)[None].repeat(32, 0)
    plain = cv2.resize(depth, (100, 60), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(to_picture_size(depth, 60, 100), plain, rtol=1e-6)


@SIZES
def test_resized_depth_has_the_asked_size_and_no_new_extremes(size):
    depth = np.random.default_rng(0).uniform(0.5, 5.0, (64, 64)).astype(np.float32)
    resized = to_picture_size(depth, *size)
    assert (resized.shape, resized.dtype) == (size, np.float32)
    assert depth.min() <= resized.min()
    assert resized.max() <= depth.max()


@SIZES
def test_resized_depth_is_nearest_at_edges_and_linear_elsewhere_to_the_last_bit(size):
    rng = np.random.default_rng(1)
    depth = cv2.resize(rng.uniform(0.5, 5.0, (9, 9)).astype(np.float32), (64, 64), interpolation=cv2.INTER_LINEAR)
    depth[20:40, 30:50] += 1.0
    smooth, nearest = (
        cv2.resize(depth, size[::-1], interpolation=kind) for kind in (cv2.INTER_LINEAR, cv2.INTER_NEAREST_EXACT)
    )
    kernel = np.ones((3, 3), np.uint8)
    edge = (cv2.dilate(depth, kernel) > EDGE_RATIO * cv2.erode(depth, kernel)).astype(np.uint8)
    mask = cv2.resize(edge, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)
    np.testing.assert_array_equal(to_picture_size(depth, *size), np.where(mask, nearest, smooth))


def test_depth_of_the_right_size_is_returned_unchanged():
    depth = np.random.default_rng(0).uniform(0.5, 5.0, (9, 7)).astype(np.float32)
    np.testing.assert_array_equal(to_picture_size(depth, 9, 7), depth)


@SIZES
def test_a_picture_becomes_the_square_of_the_model(size):
    rgb = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    resized = to_input(rgb, 64)
    assert (resized.shape, resized.dtype) == ((64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    "size", [(480, 640), (720, 1280), (1080, 1920), (1024, 1024), (1078, 333), (481, 641), (300, 1001)]
)
def test_a_large_picture_is_shrunk_as_opencv_does_it_in_one_piece(size):
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for side in (256, 64, 224):
        whole = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(to_input(rgb, side), whole)


@pytest.mark.parametrize("size", [(64, 200), (33, 20), (50, 64), (64, 10)])
def test_a_small_picture_is_enlarged_and_a_side_that_fits_stays(size):
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    kind = cv2.INTER_AREA if min(size) >= 64 else cv2.INTER_LINEAR
    np.testing.assert_array_equal(to_input(rgb, 64), cv2.resize(rgb, (64, 64), interpolation=kind))


@pytest.mark.parametrize("turned", [False, True])
def test_the_side_that_shrinks_is_averaged_where_the_other_one_grows(turned):
    stripes = np.zeros((48, 320, 3), np.uint8)
    stripes[:, ::5] = 250  # one pixel in five
    picture = np.ascontiguousarray(stripes.transpose(1, 0, 2)) if turned else stripes
    assert np.unique(to_input(picture, 64)).tolist() == [50]


def test_shrinking_averages_pixels():
    rgb = np.zeros((128, 128, 3), np.uint8)
    rgb[::2, ::2] = 200
    assert np.unique(to_input(rgb, 64)).tolist() == [50]


def test_left_stays_left_and_top_stays_top():
    rgb = np.zeros((40, 90, 3), np.uint8)
    rgb[:20, :45] = 255
    resized = to_input(rgb, 64)
    assert resized[:28, :28].min() == 255
    assert resized[36:].max() == resized[:, 36:].max() == 0


@pytest.mark.parametrize(
    ("picture", "got"),
    [
        (np.zeros((4, 4, 3), np.float32), r"float32 \(4, 4, 3\)"),
        (np.zeros((4, 4), np.uint8), r"uint8 \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), "height 0 and width 4"),
        ([[0, 0, 0]], "list"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_colour_picture_is_named(picture, got):
    with pytest.raises(ImageError, match=f"expected a picture .*got {got}"):
        check_rgb(picture)
