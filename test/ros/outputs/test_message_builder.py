"""Every parameter of the outputs changes what it says, in the message that it is about."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from std_msgs.msg import Header

from depthart_core import Intrinsics, RelativeDepth, ScaleGuess
from depthart_ros.inputs.calibrated_picture import CalibratedPicture
from depthart_ros.outputs.colors import palette
from depthart_ros.outputs.depth_frame import DepthFrame
from depthart_ros.outputs.filters import find_edges
from depthart_ros.outputs.legend import draw_legend
from depthart_ros.outputs.message_builder import MessageBuilder
from depthart_ros.outputs.messages import to_millimetres
from depthart_ros.outputs.publishers import ROS_TYPES
from depthart_ros.outputs.voxels import average_voxels
from depthart_ros.parameters.settings import Settings

CAMERA = Intrinsics(12, 8, 9.0, 9.5, 5.5, 3.25)
SCALE = 2.0


@pytest.fixture
def relative():
    rng = np.random.default_rng(3)
    return RelativeDepth(
        rng.uniform(0.5, 2.0, (8, 12)).astype(np.float32), rng.uniform(0, 1, (8, 12)).astype(np.float32)
    )


@pytest.fixture
def rgb():
    return np.random.default_rng(4).integers(0, 256, (8, 12, 3), np.uint8)


@pytest.fixture
def make(relative, rgb):
    """A function of topic and parameters that gives the message of one frame."""

    def message_of(topic, *, scale=SCALE, intrinsics=CAMERA, **parameters):
        settings = Settings.from_values({name.replace("__", "."): value for name, value in parameters.items()})
        guess = None if scale is None else ScaleGuess(scale, 0.0)
        frame = DepthFrame(
            Header(frame_id="optical"), CalibratedPicture(rgb, None, intrinsics), relative, guess, settings
        )
        [(made, message)] = MessageBuilder(ROS_TYPES).messages(frame, frozenset({topic}))
        assert (made, message.header.frame_id) == (topic, "optical")
        return message

    return message_of


def pixels(message):
    kind = {"32FC1": np.float32, "16UC1": np.uint16}[message.encoding]
    assert message.step == message.width * np.dtype(kind).itemsize
    return np.frombuffer(message.data, kind).reshape(message.height, message.width)


def points(message):
    values = np.frombuffer(message.data, np.float32).reshape(message.height, message.width, message.point_step // 4)
    assert message.row_step == message.width * message.point_step
    return values


def colors_of(values):
    packed = values[..., 3].copy().view(np.uint32)
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)


def test_depth_encoding_16uc1_is_depth_in_millimetres(make):
    metres = pixels(make("depth/image_rect", min_range=1.5, max_range=3.0))
    message = make("depth/image_rect", min_range=1.5, max_range=3.0, depth__encoding="16UC1")
    assert message.encoding == "16UC1"
    np.testing.assert_array_equal(pixels(message), to_millimetres(metres))
    assert (pixels(message) == 0).any()


def test_edge_filter_makes_edges_nan_in_depth_and_cloud(make, relative):
    edges = find_edges(relative.values, 0.8)
    assert 0 < edges.mean() < 1
    plain, filtered = (pixels(make("depth/image_rect", edge_filter=share)) for share in (0.0, 0.8))
    np.testing.assert_array_equal(np.isnan(filtered), edges)
    np.testing.assert_array_equal(filtered[~edges], plain[~edges])
    np.testing.assert_array_equal(np.isnan(points(make("points", edge_filter=0.8))[..., 2]), edges)


def test_min_confidence_makes_doubtful_pixels_nan(make, relative):
    depth = pixels(make("depth/image_rect", min_confidence=0.4))
    np.testing.assert_array_equal(np.isnan(depth), relative.confidence < 0.4)


def test_filters_win_over_the_range_and_leave_relative_depth_alone(make, relative):
    doubtful = relative.confidence < 0.4
    depth = pixels(make("depth/image_rect", min_confidence=0.4, max_range=2.0))
    np.testing.assert_array_equal(np.isnan(depth), doubtful)
    np.testing.assert_array_equal(pixels(make("depth/relative", min_confidence=0.4)), relative.values)


def test_points_keep_to_their_own_range(make):
    depth = pixels(make("depth/image_rect"))
    cloud = points(make("points", points__min_range=1.5, points__max_range=3.0))
    np.testing.assert_array_equal(np.isfinite(cloud[..., 2]), (depth >= 1.5) & (depth <= 3.0))
    assert np.isfinite(depth).all()


def test_points_without_colour_are_xyz_alone(make):
    colored, plain = make("points"), make("points", points__color=False)
    assert [field.name for field in plain.fields] == ["x", "y", "z"]
    assert plain.point_step == 12
    np.testing.assert_array_equal(points(plain), points(colored)[..., :3])


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_voxel_size_gives_a_dense_cloud_of_means(make, rgb, color, stride):
    common = {"max_range": 3.5, "points__stride": stride}
    organised = points(make("points", **common))
    kept = np.isfinite(organised[..., 2])
    colors = rgb[::stride, ::stride][kept] if color else None
    expected, expected_colors = average_voxels(organised[kept][:, :3], colors, 0.7)
    message = make("points", points__voxel_size=0.7, points__color=color, **common)
    assert (message.height, message.width, message.is_dense) == (1, len(expected), True)
    assert 0 < len(expected) < kept.sum()
    np.testing.assert_array_equal(points(message)[0, :, :3], expected)
    if color:
        np.testing.assert_array_equal(colors_of(points(message))[0], expected_colors)


def test_a_voxel_cloud_of_no_points_is_empty(make):
    message = make("points", points__voxel_size=0.5, min_range=50.0)
    assert (message.height, message.width, len(message.data), message.is_dense) == (1, 0, 0, True)


def test_memory_is_made_anew_when_encoding_or_fields_change(relative, rgb):
    builder = MessageBuilder(ROS_TYPES)
    made = []
    for encoding, color in (("32FC1", True), ("16UC1", False), ("32FC1", True)):
        settings = Settings(depth_encoding=encoding, points_color=color)
        frame = DepthFrame(Header(), CalibratedPicture(rgb, None, CAMERA), relative, ScaleGuess(SCALE, 0.0), settings)
        wanted = frozenset({"depth/image_rect", "points"})
        made.append({topic: bytes(message.data) for topic, message in builder.messages(frame, wanted)})
    assert made[0] == made[2]
    assert len(made[1]["depth/image_rect"]) * 2 == len(made[0]["depth/image_rect"])


def large(make_settings):
    """A picture of depth that has room for a legend."""
    values = np.tile(np.linspace(0.2, 6.0, 320, dtype=np.float32), (240, 1))
    rgb = np.zeros((240, 320, 3), np.uint8)
    frame = DepthFrame(
        Header(), CalibratedPicture(rgb, None, None), RelativeDepth(values), ScaleGuess(SCALE, 0.0), make_settings
    )
    [(_, message)] = MessageBuilder(ROS_TYPES).messages(frame, frozenset({"depth/image_color"}))
    return np.frombuffer(message.data, np.uint8).reshape(240, 320, 3)


def test_the_legend_covers_the_right_edge_alone():
    plain, shown = (large(Settings(color_legend=legend)) for legend in (False, True))
    legend = draw_legend((240, 320), (0.3, 10.0), palette("turbo"), unit="m")
    width = legend.shape[1]
    assert width < 320 / 4
    np.testing.assert_array_equal(shown[:, :-width], plain[:, :-width])
    np.testing.assert_array_equal(shown[:, -width:], legend)
