"""Pictures, depth and cameras as the messages of a bag hold them."""

import struct

import cv2
import numpy as np
import pytest

from training.data.bag import open_bag
from training.data.bag_messages import stamp_of
from training.data.sample import DataError

pytest.importorskip("rosbags")

HEIGHT, WIDTH = 6, 8
INFO = "/camera/color/camera_info"


def test_millimetres_become_metres_and_zero_becomes_nan(write_bag, messages):
    depth = open_bag(write_bag(messages.recording()))[1].depth
    assert np.isnan(depth[0]).all()
    np.testing.assert_allclose(depth[1:], 2)


def test_depth_of_a_big_endian_machine_is_the_same(write_bag, messages):
    kind, depth = messages.image(0, messages.millimetres(2000).byteswap(), "16UC1")
    depth.is_bigendian = 1
    [frame] = open_bag(write_bag(messages.one_frame(messages.image(0, messages.red(), "rgb8"), (kind, depth))))
    np.testing.assert_allclose(frame.depth[1:], 2)


def test_intrinsics_come_from_k_of_raw_and_p_of_rectified_pictures(write_bag, messages):
    camera = open_bag(write_bag(messages.recording()))[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (50, 51, 4, 3)
    rect = ((topic.replace("image_raw", "image_rect"), message) for topic, message in messages.recording())
    path = write_bag(rect, name="rect")
    camera = open_bag(path)[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (60, 61, 5, 2)
    assert open_bag(path, rectified="false")[0].intrinsics.fx == 50
    assert open_bag(write_bag(messages.recording(), name="said"), rectified="true")[0].intrinsics.fx == 60
    with pytest.raises(DataError, match="rectified=maybe, expected true or false"):
        open_bag(path, rectified="maybe")


def test_p_counts_where_it_is_known_and_the_pictures_are_not_called_raw(write_bag, messages):
    direct = ((topic.replace("/image_raw", "/image_direct"), message) for topic, message in messages.recording())
    assert open_bag(write_bag(direct))[0].intrinsics.fx == 60
    unknown = [(topic, message) for topic, message in messages.recording()]
    unknown[-1][1][1].p[:] = 0
    renamed = [(topic.replace("/image_raw", "/image_direct"), message) for topic, message in unknown]
    assert open_bag(write_bag(renamed, name="unknown"))[0].intrinsics.fx == 50


def test_a_part_of_the_sensor_is_read_as_the_node_reads_it(write_bag, messages):
    kind, info = messages.info(0)
    info.width, info.height, info.roi.width, info.roi.height, info.roi.x_offset = (
        2 * WIDTH,
        2 * HEIGHT,
        WIDTH,
        HEIGHT,
        2,
    )
    camera = open_bag(write_bag([*[item for item in messages.recording() if item[0] != INFO], (INFO, (kind, info))]))[0]
    assert (camera.intrinsics.fx, camera.intrinsics.cx, camera.intrinsics.cy) == (50, 2, 3)


@pytest.mark.parametrize("padding", [0, 8])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [
        ("bgr8", (0, 0, 200)), ("rgba8", (200, 0, 0, 9)), ("mono8", (60,)),
        ("8UC3", (0, 0, 200)), ("8UC4", (0, 0, 200, 9)), ("8UC1", (60,)),
    ],
)  # fmt: skip
def test_encodings_and_padded_rows_give_the_same_colours(write_bag, messages, encoding, channels, padding):
    values = np.full((HEIGHT, WIDTH, len(channels)), channels, np.uint8).squeeze()
    depth = messages.image(0, np.full((HEIGHT, WIDTH), 2.5, np.float32), "32FC1", padding=padding)
    content = messages.one_frame(messages.image(0, values, encoding, padding=padding), depth)
    [frame] = open_bag(write_bag(content))
    assert frame.rgb[-1, -1].tolist() == ([60] * 3 if len(channels) == 1 else [200, 0, 0])
    assert (frame.depth == 2.5).all()


def test_a_bayer_picture_of_one_colour_comes_out_in_it(write_bag, messages):
    mosaic = np.zeros((HEIGHT, WIDTH), np.uint8)
    mosaic[::2, ::2] = 180
    content = messages.one_frame(
        messages.image(0, mosaic, "bayer_rggb8"), messages.image(0, messages.millimetres(9), "16UC1")
    )
    assert open_bag(write_bag(content))[0].rgb[3, 3].tolist() == [180, 0, 0]


@pytest.mark.parametrize("form", ["bayer_rggb8; png compressed ", "bayer_rggb8; jpeg compressed bayer_rggb8"])
def test_a_compressed_mosaic_is_the_picture_of_the_raw_one(write_bag, messages, form):
    mosaic = np.full((HEIGHT, WIDTH), 180, np.uint8) if "jpeg" in form else np.zeros((HEIGHT, WIDTH), np.uint8)
    mosaic[::2, ::2] = 180
    data = cv2.imencode(".jpg" if "jpeg" in form else ".png", mosaic)[1].tobytes()
    depth = messages.image(0, messages.millimetres(9), "16UC1")
    [frame] = open_bag(write_bag(messages.one_frame(messages.compressed(0, data, form), depth)))
    expected = [180, 180, 180] if "jpeg" in form else [180, 0, 0]
    np.testing.assert_allclose(frame.rgb[3, 3], expected, atol=3)


def test_the_order_of_colours_follows_the_format_of_compressed_pictures(write_bag, messages):
    picture = cv2.imencode(".png", messages.red())[1].tobytes()  # as image_transport writes it where it is told rgb8
    image = messages.compressed(0, picture, "rgb8; png compressed rgb8")
    content = messages.one_frame(image, messages.image(0, messages.millimetres(9), "16UC1"))
    assert open_bag(write_bag(content))[0].rgb[0, 0].tolist() == [200, 0, 0]


def test_depth_that_is_saturated_is_unknown(write_bag, messages):
    depth = messages.millimetres(2000)
    depth[-1] = 65535
    image = messages.image(0, messages.red(), "rgb8")
    [frame] = open_bag(write_bag(messages.one_frame(image, messages.image(0, depth, "16UC1"))))
    assert np.isnan(frame.depth[-1]).all()
    np.testing.assert_allclose(frame.depth[1:-1], 2)


def test_compressed_pictures_and_compressed_depth_are_read(write_bag, messages):
    picture = cv2.imencode(".png", messages.red()[..., ::-1])[1].tobytes()
    depth = bytes(12) + cv2.imencode(".png", messages.millimetres(1500))[1].tobytes()
    content = messages.one_frame(
        messages.compressed(0, picture, "rgb8; png compressed bgr8"),
        messages.compressed(0, depth, "16UC1; compressedDepth png"),
    )
    [frame] = open_bag(write_bag(content))
    assert frame.rgb[0, 0].tolist() == [200, 0, 0]
    np.testing.assert_allclose(frame.depth[1:], 1.5)


def test_depth_in_rvl_is_named_when_the_bag_is_opened(write_bag, messages):
    depth = messages.compressed(0, bytes(40), "16UC1; compressedDepth rvl")
    content = messages.one_frame(messages.image(0, messages.red(), "rgb8"), depth)
    with pytest.raises(DataError, match=r"RVL is not read here, record compressedDepth as PNG"):
        open_bag(write_bag(content))


def test_a_message_too_short_for_a_header_is_named():
    with pytest.raises(DataError, match="a message of 5 bytes, expected a header of at least 12"):
        stamp_of(b"\0\1\0\0\0")


def test_compressed_float_depth_is_inverted_as_its_header_says(write_bag, messages):
    a, b, metres = 1000.0, 20.0, 2.0
    steps = np.full((HEIGHT, WIDTH), round(a / metres + b), np.uint16)
    steps[0] = 0
    depth = struct.pack("<iff", 0, a, b) + cv2.imencode(".png", steps)[1].tobytes()
    content = messages.one_frame(
        messages.image(0, messages.red(), "rgb8"), messages.compressed(0, depth, "32FC1; compressedDepth png")
    )
    [frame] = open_bag(write_bag(content))
    assert np.isnan(frame.depth[0]).all()
    np.testing.assert_allclose(frame.depth[1:], metres)
