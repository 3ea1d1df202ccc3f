"""The contract of every output over DDS, from what is published alone: headers, sizes, values, geometry, REP-117."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from rclpy.parameter import Parameter
from sensor_msgs.msg import RegionOfInterest

from depthart_core import DepthEstimator
from depthart_ros.inputs.rectification import make_undistortion
from depthart_ros.outputs.filters import find_edges

SCALE = 2.5
STAMP = Time(sec=2_000_000_001, nanosec=999_999_999)
IMAGES = ("depth/relative", "depth/image_rect", "depth/confidence", "depth/image_color")
TOPICS = (*IMAGES, "depth/camera_info", "points")
ROI = {"roi": RegionOfInterest(x_offset=8, y_offset=4, width=48, height=40), "binning_x": 2, "binning_y": 2}
BINNED = (24, 20)
MODES = {"rectified": {}, "raw": {"rectified": False}, "undistorted": {"rectify": True}}


def pixels(image):
    kind, channels = {"32FC1": (np.float32, 1), "16UC1": (np.uint16, 1), "rgb8": (np.uint8, 3)}[image.encoding]
    assert image.step == image.width * channels * np.dtype(kind).itemsize
    assert not image.is_bigendian
    values = np.frombuffer(image.data, kind)
    return values.reshape(image.height, image.width, *([3] if channels == 3 else []))


def points(cloud):
    assert [(field.name, field.offset, field.datatype, field.count) for field in cloud.fields] == [
        ("x", 0, 7, 1), ("y", 4, 7, 1), ("z", 8, 7, 1), ("rgb", 12, 7, 1),
    ]  # fmt: skip
    assert (cloud.point_step, cloud.row_step, cloud.is_bigendian) == (16, 16 * cloud.width, False)
    return np.frombuffer(cloud.data, np.float32).reshape(cloud.height, cloud.width, 4)


def recomputed(depth, matrix, row):
    """Points of a depth image by K (row 3) or P (row 4), in double precision."""
    fx, fy, cx, cy = matrix[0], matrix[row + 1], matrix[2], matrix[row + 2]
    v, u = np.indices(depth.shape).astype(float)
    z = np.where(np.isfinite(depth), depth, np.nan).astype(float)
    return np.stack([(u - cx) * z / fx, (v - cy) * z / fy, z], axis=-1)


@pytest.fixture
def show(world, make_camera, toy_heads_path, rgb_message, info_message):
    """A function that shows frames to one node, started at the first call, and returns what came of the last."""
    camera, nodes = make_camera(TOPICS), []

    def run(*, stamp=STAMP, size=BINNED, info=None, **parameters):
        if not nodes:
            nodes.append(world.depth_node(model=str(toy_heads_path), threads=1, scale=SCALE, min_range=0.0))
            camera.connect()
        changes = [Parameter(name.replace("__", "."), value=value) for name, value in parameters.items()]
        for result in nodes[0].set_parameters(changes):
            assert result.successful, result.reason
        width, height = size
        shown = info_message(stamp, **(ROI if info is None else info))

        def came():
            return {topic: [m for m in world.got[topic] if m.header.stamp == stamp] for topic in TOPICS}

        camera.show(rgb_message(stamp, width=width, height=height), shown, until=lambda: all(came().values()))
        return {topic: messages[-1] for topic, messages in came().items()}, shown

    return run


@pytest.fixture
def estimate(toy_heads_path):
    return DepthEstimator.load(toy_heads_path, threads=1)


def test_every_output_in_every_mode(show, estimate, picture):
    for place, (mode, parameters) in enumerate(MODES.items()):
        stamp = Time(sec=STAMP.sec, nanosec=STAMP.nanosec - place)
        out, source = show(stamp=stamp, **({"rectified": True, "rectify": False} | parameters))
        rgb = picture(*BINNED)
        rgb = make_undistortion(source)(rgb) if mode == "undistorted" else rgb
        check_headers_and_sizes(out, stamp)
        check_values(out, rgb, estimate, outside=make_undistortion(source).outside if mode == "undistorted" else None)
        check_geometry(out, source, rgb, mode)


def check_headers_and_sizes(out, stamp):
    for topic, message in out.items():
        assert (message.header.stamp, message.header.frame_id) == (stamp, "camera_optical_frame"), topic
        assert (message.width, message.height) == BINNED, topic
    assert [out[topic].encoding for topic in IMAGES] == ["32FC1", "32FC1", "32FC1", "rgb8"]


def check_values(out, rgb, estimate, *, outside):
    expected = estimate(rgb)
    relative, depth, confidence, colors = (pixels(out[topic]) for topic in IMAGES)
    np.testing.assert_allclose(relative, expected.values, rtol=1e-5)
    np.testing.assert_allclose(confidence, expected.confidence, atol=1e-5)
    assert (confidence >= 0).all()
    assert (confidence <= 1).all()
    metres = SCALE * relative
    if outside is not None:
        assert 0 < outside.mean() < 1
        metres[outside] = np.nan
    np.testing.assert_allclose(depth, metres, rtol=1e-6)
    assert len(np.unique(colors.reshape(-1, 3), axis=0)) > 10


def check_geometry(out, source, rgb, mode):
    info, cloud, depth = out["depth/camera_info"], points(out["points"]), pixels(out["depth/image_rect"])
    matrix, row = (source.k, 3) if mode == "raw" else (source.p, 4)
    expected = [matrix[0] / 2, matrix[row + 1] / 2, (matrix[2] - 8) / 2, (matrix[row + 2] - 4) / 2]
    np.testing.assert_allclose([info.p[0], info.p[5], info.p[2], info.p[6]], expected)
    assert (info.roi, info.binning_x, info.binning_y) == (RegionOfInterest(), 0, 0)
    np.testing.assert_allclose(cloud[..., :3], recomputed(depth, info.p, 4), rtol=0, atol=1e-5)
    if mode != "rectified":  # there a reader of K gets the same cloud; a rectified camera's K is that of its raw image
        np.testing.assert_allclose(cloud[..., :3], recomputed(depth, info.k, 3), rtol=0, atol=1e-5)
    assert any(info.d) == (mode != "undistorted")
    packed = cloud[..., 3].copy().view(np.uint32)
    np.testing.assert_array_equal(np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1), rgb)
    assert not out["points"].is_dense


def neighbours_ratio(depth):
    """The farthest over the nearest of the 3x3 neighbours of each inner pixel."""
    around = np.lib.stride_tricks.sliding_window_view(depth, (3, 3))
    return around.max(axis=(2, 3)) / around.min(axis=(2, 3))


def test_infinities_nan_and_millimetres(show, estimate, picture):
    metres = SCALE * estimate(picture(*BINNED)).values
    low, high = (float(value) for value in np.quantile(metres, (0.2, 0.7)))
    out, _ = show(min_range=low, max_range=high)
    depth, cloud = pixels(out["depth/image_rect"]), points(out["points"])
    np.testing.assert_array_equal(depth == -np.inf, metres < np.float32(low))
    np.testing.assert_array_equal(depth == np.inf, metres > np.float32(high))
    assert np.isfinite(depth).any()
    np.testing.assert_array_equal(np.isnan(cloud[..., :3]).all(axis=-1), ~np.isfinite(depth))
    assert not np.isinf(cloud[..., :3]).any()
    assert np.isfinite(pixels(out["depth/relative"])).all()

    out, _ = show(stamp=Time(sec=3), depth__encoding="16UC1")
    expected = np.where(np.isfinite(depth), np.rint(1000 * np.where(np.isfinite(depth), depth, 0)), 0)
    assert np.abs(pixels(out["depth/image_rect"]).astype(int) - expected).max() <= 1

    share = float(np.quantile(neighbours_ratio(pixels(out["depth/relative"])), 0.5)) - 1
    out, _ = show(stamp=Time(sec=4), depth__encoding="32FC1", edge_filter=share)
    edges = find_edges(pixels(out["depth/relative"]), share)
    assert 0 < edges.mean() < 1
    np.testing.assert_array_equal(np.isnan(pixels(out["depth/image_rect"])), edges)


def test_every_output_follows_a_change_of_resolution(show, estimate, picture):
    for place, size in enumerate(((64, 48), (80, 60), (64, 48))):
        fields = {"width": size[0], "height": size[1]}
        out, _ = show(stamp=Time(sec=10 + place), size=size, info=fields)
        for topic, message in out.items():
            assert (message.width, message.height) == size, topic
        np.testing.assert_allclose(pixels(out["depth/relative"]), estimate(picture(*size)).values, rtol=1e-5)
        depth, info = pixels(out["depth/image_rect"]), out["depth/camera_info"]
        np.testing.assert_allclose(points(out["points"])[..., :3], recomputed(depth, info.p, 4), rtol=0, atol=1e-5)


def test_one_output_of_each_kind_for_each_input(show, world, rgb_message, info_message):
    show()
    publishers = {publisher.topic_name: publisher for publisher in world.peer.publishers}
    stamps = [Time(sec=100 + number) for number in range(5)]

    def came(topic):  # outputs of the images above may still be on their way
        return [message.header.stamp for message in world.got[topic] if message.header.stamp != STAMP]

    for number, stamp in enumerate(stamps, start=1):
        publishers["/camera_info"].publish(info_message(stamp, **ROI))
        publishers["/image"].publish(rgb_message(stamp, width=24, height=20))
        world.until(lambda number=number: all(len(came(topic)) == number for topic in TOPICS), what="all outputs")
    world.spin_for(0.3)
    for topic in TOPICS:
        assert came(topic) == stamps, topic
