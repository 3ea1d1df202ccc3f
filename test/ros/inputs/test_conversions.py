"""Every encoding against a slow twin written value by value, and against cv_bridge and rosbags-image where they are."""

import array

import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="sensor_msgs is not installed: source ROS 2 or install the ros extra")

from sensor_msgs.msg import Image

from depthart_core.errors import ImageError
from depthart_ros.errors import EncodingError
from depthart_ros.inputs.conversions import to_rgb
from depthart_ros.inputs.encodings import LAYOUTS

WIDTH, HEIGHT = 10, 6
BAYER = {"rggb": "RG/GB", "bggr": "BG/GR", "gbrg": "GB/RG", "grbg": "GR/BG"}


def message_of(encoding, raw, *, width=WIDTH, height=HEIGHT, padding=0, bigendian=False):
    """An Image of raw values (rows, values in a row), with padding of another value at the end of each row."""
    if raw.dtype == np.uint16:
        raw = raw.astype(">u2" if bigendian else "<u2")
    rows = np.ascontiguousarray(raw).view(np.uint8).reshape(raw.shape[0], -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xA5)
    message = Image(width=width, height=height, encoding=encoding, step=padded.shape[1], is_bigendian=bigendian)
    message.data = array.array("B", padded.tobytes())
    return message


def random_raw(encoding, seed=0):
    layout = LAYOUTS[encoding]
    rows = HEIGHT * 3 // 2 if layout.chroma_plane else HEIGHT
    kind = np.uint16 if layout.bits == 16 else np.uint8
    return np.random.default_rng(seed).integers(
        0, np.iinfo(kind).max, (rows, WIDTH * layout.channels), kind, endpoint=True
    )


def convert(encoding, raw, **options):
    return to_rgb(message_of(encoding, raw, **options), max_pixels=1000)


def yuv_pixel(y, u, v):
    """BT.601 video range, in the integers that OpenCV uses (20 fractional bits)."""
    y, u, v = max(int(y) - 16, 0) * 1220542, int(u) - 128, int(v) - 128
    half = 1 << 19
    r, g, b = y + half + 1673527 * v, y + half - 852492 * v - 409993 * u, y + half + 2116026 * u
    return [min(max(value >> 20, 0), 255) for value in (r, g, b)]


def eight_bit(raw):
    if raw.dtype == np.uint8:
        return raw
    return np.array([[round(float(value) * 255 / 65535) for value in row] for row in raw], np.uint8)


def slow_packed(encoding, raw):
    order = (0, 1, 2) if encoding.startswith("rgb") else (2, 1, 0)
    pixels = eight_bit(raw).reshape(HEIGHT, WIDTH, -1)
    return np.array([[[pixel[i] for i in order] for pixel in row] for row in pixels], np.uint8)


def slow_mono(encoding, raw):
    return np.stack([eight_bit(raw)] * 3, axis=-1)


def slow_packed_yuv(encoding, raw):
    y_first = encoding in ("yuyv", "yuv422_yuy2")
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            pair = raw[row, 4 * (column // 2) : 4 * (column // 2) + 4]
            luma, chroma = (pair[0::2], pair[1::2]) if y_first else (pair[1::2], pair[0::2])
            picture[row, column] = yuv_pixel(luma[column % 2], chroma[0], chroma[1])
    return picture


def slow_planar_yuv(encoding, raw):
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            first, second = raw[HEIGHT + row // 2, 2 * (column // 2) : 2 * (column // 2) + 2]
            u, v = (first, second) if encoding == "nv12" else (second, first)
            picture[row, column] = yuv_pixel(raw[row, column], u, v)
    return picture


TWINS = {
    **dict.fromkeys(("rgb8", "bgr8", "rgba8", "bgra8", "rgb16", "bgr16", "rgba16", "bgra16"), slow_packed),
    **dict.fromkeys(("8UC3", "8UC4"), slow_packed),
    **dict.fromkeys(("mono8", "mono16", "8UC1"), slow_mono),
    **dict.fromkeys(("yuv422", "uyvy", "yuv422_yuy2", "yuyv"), slow_packed_yuv),
    **dict.fromkeys(("nv12", "nv21"), slow_planar_yuv),
}


@pytest.mark.parametrize("encoding", TWINS)
def test_every_encoding_without_a_mosaic_is_its_slow_twin(encoding):
    raw = random_raw(encoding)
    picture = convert(encoding, raw)
    assert (picture.dtype, picture.shape, picture.flags.c_contiguous) == (np.uint8, (HEIGHT, WIDTH, 3), True)
    np.testing.assert_array_equal(picture, TWINS[encoding](encoding, raw))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", BAYER)
def test_a_bayer_mosaic_of_plain_colour_gives_that_colour_back(pattern, bits):
    colour = {"R": 200, "G": 90, "B": 30}
    top, bottom = BAYER[pattern].split("/")
    tile = np.array([[colour[letter] for letter in row] for row in (top, bottom)])
    raw = np.tile(tile, (HEIGHT // 2, WIDTH // 2)).astype(np.uint8)
    if bits == 16:
        raw = raw.astype(np.uint16) * 257
    picture = convert(f"bayer_{pattern}{bits}", raw)
    np.testing.assert_array_equal(picture, np.tile(np.uint8([200, 90, 30]), (HEIGHT, WIDTH, 1)))


@pytest.mark.parametrize("pattern", BAYER)
def test_a_16_bit_mosaic_is_the_8_bit_one_of_the_same_brightness(pattern):
    raw = random_raw(f"bayer_{pattern}8")
    wide = convert(f"bayer_{pattern}16", raw.astype(np.uint16) * 257)
    narrow = convert(f"bayer_{pattern}8", raw)
    assert np.abs(wide.astype(int) - narrow).max() <= 1  # the mean of neighbours is rounded at another place


@pytest.mark.parametrize("encoding", LAYOUTS)
def test_padding_at_the_end_of_rows_changes_nothing(encoding):
    raw = random_raw(encoding)
    np.testing.assert_array_equal(convert(encoding, raw, padding=6), convert(encoding, raw))


@pytest.mark.parametrize("encoding", [name for name, layout in LAYOUTS.items() if layout.bits == 16])
def test_big_endian_data_changes_nothing(encoding):
    raw = random_raw(encoding)
    np.testing.assert_array_equal(convert(encoding, raw, bigendian=True, padding=2), convert(encoding, raw))


def test_unpadded_rgb8_is_not_copied():
    message = message_of("rgb8", random_raw("rgb8"))
    assert np.shares_memory(to_rgb(message, max_pixels=1000), np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize("encoding", LAYOUTS)
def test_the_message_is_left_as_it_is(encoding):
    message = message_of(encoding, random_raw(encoding))
    before = bytes(message.data)
    to_rgb(message, max_pixels=1000)
    assert bytes(message.data) == before


NAMED = [name for name in LAYOUTS if not name.startswith("8UC")]  # the others have an order in RViz, but not there


@pytest.mark.parametrize("encoding", NAMED)
def test_conversion_agrees_with_cv_bridge(encoding):
    bridge = pytest.importorskip("cv_bridge", reason="cv_bridge comes with ROS 2 and is not installed")
    message = message_of(encoding, random_raw(encoding))
    try:
        expected = bridge.CvBridge().imgmsg_to_cv2(message, desired_encoding="rgb8")
    except Exception as error:
        pytest.skip(f"this cv_bridge does not convert {encoding}: {error}")
    np.testing.assert_array_equal(to_rgb(message, max_pixels=1000), expected)


@pytest.mark.parametrize("encoding", NAMED)
def test_conversion_agrees_with_rosbags_image(encoding):
    rosbags = pytest.importorskip("rosbags.image", reason="rosbags-image is not installed")
    message = message_of(encoding, random_raw(encoding))
    try:
        expected = rosbags.message_to_cvimage(message, "rgb8")
    except rosbags.ImageFormatError as error:
        pytest.skip(f"rosbags-image does not convert {encoding}: {error}")
    if expected.shape != (HEIGHT, WIDTH, 3):
        pytest.skip(f"rosbags-image has no picture of {encoding}, but {expected.shape}")
    difference = np.abs(to_rgb(message, max_pixels=1000).astype(int) - expected)
    assert difference.max() <= (1 if LAYOUTS[encoding].bits == 16 else 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": 0}, "image: width is 0; expected at least 1 px"),
        ({"height": 0}, "image: height is 0; expected at least 1 px"),
        ({"width": 0, "height": 0, "data": []}, "image: width is 0"),
        ({"width": 8192, "height": 8192}, "image: size is 8192x8192, 67108864 pixels; expected at most 1000"),
        ({"step": 29}, "image: step is 29; expected at least 30 for 10 px of rgb8"),
        ({"step": 31}, r"image: data holds 180 bytes; expected 186 \(step 31 x 6 rows of rgb8\)"),
        ({"data": [1, 2, 3]}, "image: data holds 3 bytes; expected 180"),
        ({"encoding": "nv12", "step": 10}, r"image: data holds 180 bytes; expected 90 \(step 10 x 9 rows of nv12\)"),
        ({"encoding": "uyvy", "width": 9}, "image: width is 9; expected an even one for uyvy"),
        ({"encoding": "nv21", "height": 5}, "image: height is 5; expected an even one for nv21"),
    ],
)
def test_fields_that_do_not_add_up_are_refused_by_name_value_and_expectation(change, sentence):
    message = message_of("rgb8", random_raw("rgb8"))
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ImageError, match=f"^{sentence}"):
        to_rgb(message, max_pixels=1000)


@pytest.mark.parametrize("encoding", ["", "rgb9", "64FC1", "nv24", "jpeg"])
def test_an_encoding_that_is_not_supported_is_refused_and_the_others_are_named(encoding):
    message = message_of("rgb8", random_raw("rgb8"))
    message.encoding = encoding
    with pytest.raises(EncodingError, match=f"^image: encoding is '{encoding}'; expected one of rgb8, bgr8, .*nv21$"):
        to_rgb(message, max_pixels=1000)


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_depth_in_the_place_of_a_picture_is_refused_as_such(encoding):
    message = message_of("rgb8", random_raw("rgb8"))
    message.encoding = encoding
    with pytest.raises(EncodingError, match=f"^image: encoding is '{encoding}', which is depth; expected a colour or"):
        to_rgb(message, max_pixels=1000)


def test_every_encoding_of_the_contract_is_known():
    bayer = {f"bayer_{pattern}{bits}" for pattern in BAYER for bits in (8, 16)}
    assert set(LAYOUTS) == bayer | set(TWINS)
