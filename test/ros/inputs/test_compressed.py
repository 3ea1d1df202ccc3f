"""Compressed images: JPEG and PNG of any format name decode to the picture; what is damaged is refused by name."""

import struct

import cv2
import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="sensor_msgs is not installed: source ROS 2 or install the ros extra")

from sensor_msgs.msg import CompressedImage, Image

from depthart_core.errors import ImageError
from depthart_ros.errors import EncodingError
from depthart_ros.inputs.conversions import check_picture, picture_of

WIDTH, HEIGHT = 40, 24
NAMES = ("jpeg", "jpg", "png", "rgb8; jpeg compressed bgr8", "bgr8; png compressed bgr8", "image/jpeg", "")


@pytest.fixture
def smooth():
    """A picture that JPEG keeps: (H, W, 3) RGB with three different channels."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([4 * columns + 20, 5 * rows + 60, 255 - 3 * columns - 3 * rows], axis=-1).astype(np.uint8)


def encoded(bgr_or_grey, extension=".png", options=()):
    return cv2.imencode(extension, bgr_or_grey, list(options))[1].tobytes()


def compressed(data, name="png"):
    return CompressedImage(format=name, data=data)


def decode(data, name="png", *, max_pixels=WIDTH * HEIGHT):
    return picture_of(compressed(data, name), max_pixels=max_pixels)


@pytest.mark.parametrize("name", NAMES)
def test_png_gives_the_picture_bit_for_bit_whatever_the_format_is_called(smooth, name):
    np.testing.assert_array_equal(decode(encoded(smooth[..., ::-1]), name), smooth)


@pytest.mark.parametrize("name", NAMES)
def test_jpeg_gives_the_picture_but_for_its_losses(smooth, name):
    picture = decode(encoded(smooth[..., ::-1], ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 98)), name)
    assert (picture.dtype, picture.flags.c_contiguous) == (np.uint8, True)
    assert np.abs(picture.astype(int) - smooth).max() <= 8


def test_a_format_whose_compressed_part_is_rgb_has_its_channels_the_other_way(smooth):
    np.testing.assert_array_equal(decode(encoded(smooth), "rgb8; png compressed rgb8"), smooth)


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_a_grey_picture_becomes_three_equal_channels(smooth, extension):
    picture = decode(encoded(smooth[..., 0], extension), "mono8; png compressed ")
    assert picture.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(picture[..., 0], picture[..., 1])
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])
    assert np.abs(picture[..., 0].astype(int) - smooth[..., 0]).max() <= (0 if extension == ".png" else 8)


def test_a_16_bit_png_is_the_8_bit_one_of_the_same_brightness():
    values = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 3), np.uint16)
    expected = np.rint(values.astype(float) * 255 / 65535)
    np.testing.assert_array_equal(decode(encoded(values[..., ::-1])), expected)
    grey = decode(encoded(values[..., 0]), "mono16; png compressed ")
    np.testing.assert_array_equal(grey[..., 1], expected[..., 0])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_a_mosaic_stored_as_png_is_the_picture_of_the_raw_topic(pattern, bits):
    name = f"bayer_{pattern}{bits}"
    mosaic = np.random.default_rng(3).integers(0, 2**bits, (HEIGHT, WIDTH), np.uint8 if bits == 8 else np.uint16)
    raw = Image(height=HEIGHT, width=WIDTH, encoding=name, step=WIDTH * bits // 8, data=mosaic.tobytes())
    expected = picture_of(raw, max_pixels=WIDTH * HEIGHT)
    assert not np.array_equal(expected[..., 0], expected[..., 1])
    np.testing.assert_array_equal(decode(encoded(mosaic), f"{name}; png compressed "), expected)


def test_a_mosaic_stored_as_jpeg_is_the_picture_of_the_raw_topic_but_for_losses():
    mosaic = np.full((HEIGHT, WIDTH), 60, np.uint8)
    mosaic[::2, ::2] = 180  # red, and nothing else
    data = encoded(mosaic, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 100))
    picture = decode(data, "bayer_rggb8; jpeg compressed bayer_rggb8").astype(int)
    assert np.abs(picture - [180, 60, 60]).max() <= 8


def test_a_mosaic_stored_as_a_picture_is_that_picture(smooth):
    np.testing.assert_array_equal(decode(encoded(smooth[..., ::-1]), "bayer_rggb8; png compressed bgr8"), smooth)


def test_transparency_is_dropped(smooth):
    alpha = np.full((HEIGHT, WIDTH, 1), 7, np.uint8)
    np.testing.assert_array_equal(decode(encoded(np.concatenate([smooth[..., ::-1], alpha], axis=-1))), smooth)


def test_the_orientation_that_a_camera_writes_beside_the_pixels_turns_nothing(smooth):
    plain = encoded(smooth[..., ::-1], ".jpg")
    turned = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)  # TIFF header, one entry: rotate by 90
    exif = b"Exif\0\0" + turned
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif
    np.testing.assert_array_equal(decode(plain[:2] + segment + plain[2:], "jpeg"), decode(plain, "jpeg"))


def test_padding_behind_a_jpeg_changes_nothing(smooth):
    data = encoded(smooth[..., ::-1], ".jpg")
    np.testing.assert_array_equal(decode(data + bytes(512), "jpeg"), decode(data, "jpeg"))


def test_the_largest_picture_accepted_is_checked_before_it_is_decoded(smooth):
    for extension in (".png", ".jpg"):
        message = compressed(encoded(smooth[..., ::-1], extension))
        check_picture(message, max_pixels=WIDTH * HEIGHT)
        for refuse in (check_picture, picture_of):
            with pytest.raises(
                ImageError, match=r"^image: size is 40x24, 960 pixels; expected at most 959 \(parameter"
            ):
                refuse(message, max_pixels=WIDTH * HEIGHT - 1)


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "jpeg", "image: format is 'jpeg' and its data begins with nothing; expected JPEG or PNG"),
        (b"\0\0\0\x01gB", "h264", "image: format is 'h264' and its data begins with 00 00 00 01; expected JPEG or PNG"),
        (b"\0" * 99, "16UC1; compressedDepth png", "image: format is '16UC1; compressedDepth png', which is depth"),
        (b"\x89PNG\r\n\x1a\n", "16UC1; png compressed ", "image: format is '16UC1; png compressed ', which is depth"),
        (
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            "jpeg",
            "image: 10 bytes of JPEG do not tell its size; expected a frame header",
        ),
        (b"\xff\xd8\xff\xff\xff\xff", "jpeg", "image: 6 bytes of JPEG do not tell its size"),
    ],
    ids=["nothing", "another format", "depth", "depth as PNG", "JPEG without a frame", "JPEG of fill bytes"],
)
def test_data_that_is_no_picture_is_refused_by_format_and_first_bytes(data, name, sentence):
    for refuse in (check_picture, picture_of):
        with pytest.raises(EncodingError, match=f"^{sentence}"):
            refuse(compressed(data, name), max_pixels=1000)


@pytest.mark.parametrize(("extension", "kind"), [(".jpg", "JPEG"), (".png", "PNG")])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_data_that_is_cut_off_is_refused(smooth, extension, kind, share):
    data = encoded(smooth[..., ::-1], extension)
    data = data[: int(share * len(data))]
    with pytest.raises(EncodingError, match=f"^image: {len(data)} bytes of {kind} are cut off; expected its end"):
        check_picture(compressed(data), max_pixels=1000)


def test_a_png_damaged_inside_is_refused(smooth):
    data = bytearray(encoded(smooth[..., ::-1]))
    data[len(data) // 2 : len(data) // 2 + 20] = bytes(20)
    with pytest.raises(EncodingError, match=f"^image: {len(data)} bytes of format 'png' are damaged; expected JPEG"):
        decode(bytes(data))


def test_an_image_that_is_not_compressed_is_decoded_too(smooth):
    message = Image(width=WIDTH, height=HEIGHT, step=3 * WIDTH, encoding="bgr8")
    message.data = smooth[..., ::-1].tobytes()
    np.testing.assert_array_equal(picture_of(message, max_pixels=1000), smooth)
