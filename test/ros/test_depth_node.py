"""One frame into depth_node over DDS, and everything that comes out of it."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time

from depthart_core import DepthEstimator

SCALE = 2.5


def array_of(image):
    kind, channels = {"32FC1": (np.float32, 1), "rgb8": (np.uint8, 3)}[image.encoding]
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)
    values = np.ascontiguousarray(rows).view(kind)
    return values if channels == 1 else values.reshape(image.height, image.width, channels)


def points_of(cloud):
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb"]
    values = np.frombuffer(cloud.data, np.float32).reshape(cloud.height, cloud.row_step // 4)
    return values.reshape(cloud.height, cloud.width, cloud.point_step // 4)


def cloud_by_formula(depth, info, stride=1):
    """From what is published, in double precision, with loops."""
    fx, cx, fy, cy = info.p[0], info.p[2], info.p[5], info.p[6]
    points = np.full((*depth[::stride, ::stride].shape, 3), np.nan)
    for i in range(points.shape[0]):
        for j in range(points.shape[1]):
            u, v = j * stride, i * stride
            z = float(depth[v, u])
            if np.isfinite(z):
                points[i, j] = (u - cx) * z / fx, (v - cy) * z / fy, z
    return points


@pytest.fixture
def shown(world, camera, toy_model_path, rgb_message, info_message):
    """A function that starts a node, shows it one frame, and returns what it publishes of that, by topic."""

    def show(*, width=64, height=48, image=None, info=None, **parameters):
        options = {"model": str(toy_model_path), "threads": 1, "scale": SCALE, **parameters}
        world.depth_node(**options)
        camera.connect()
        stamp = Time(sec=1234567890, nanosec=987654321)
        image = image or rgb_message(stamp, width=width, height=height)
        info = info or info_message(stamp, width=width, height=height)
        camera.show(image, info, until=camera.all_came)
        return {topic: world.got[topic][-1] for topic in camera.topics}

    return show


@pytest.fixture
def estimate(toy_model_path, picture):
    """Relative depth of the picture that the tests publish, straight from the core."""
    estimator = DepthEstimator.load(toy_model_path, threads=1)
    return lambda width=64, height=48: estimator(picture(width, height)).values


def test_every_output_has_stamp_and_frame_of_the_image_bit_for_bit(shown):
    for topic, message in shown().items():
        assert message.header.stamp == Time(sec=1234567890, nanosec=987654321), topic
        assert message.header.frame_id == "camera_optical_frame", topic


def test_depth_has_the_size_of_the_image_and_is_scale_times_the_estimate(shown, estimate):
    out = shown(width=80, height=60)
    relative, depth = out["depth/relative"], out["depth/image_rect"]
    for image in (relative, depth):
        assert (image.width, image.height, image.encoding, image.step) == (80, 60, "32FC1", 320)
    np.testing.assert_allclose(array_of(relative), estimate(80, 60), rtol=1e-5)
    np.testing.assert_allclose(array_of(depth), SCALE * array_of(relative), rtol=1e-6)


@pytest.mark.parametrize("rectified", [True, False])
def test_the_cloud_is_the_formula_of_published_depth_and_camera_info(shown, rectified):
    out = shown(rectified=rectified)
    cloud, info, depth = out["points"], out["depth/camera_info"], array_of(out["depth/image_rect"])
    assert (info.width, info.height) == (depth.shape[1], depth.shape[0]) == (cloud.width, cloud.height)
    assert info.p[0] == (55.5 if rectified else 60.5)
    assert not cloud.is_dense
    np.testing.assert_allclose(points_of(cloud)[..., :3], cloud_by_formula(depth, info), rtol=0, atol=1e-5)


def test_the_cloud_has_the_colours_of_the_image(shown, picture):
    cloud = shown()["points"]
    packed = points_of(cloud)[..., 3].copy().view(np.uint32)
    colours = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)
    np.testing.assert_array_equal(colours, picture())


def test_a_stride_keeps_every_nth_point(shown):
    out = shown(points__stride=3)
    expected = cloud_by_formula(array_of(out["depth/image_rect"]), out["depth/camera_info"], stride=3)
    np.testing.assert_allclose(points_of(out["points"])[..., :3], expected, rtol=0, atol=1e-5)


def test_depth_out_of_range_is_infinite_and_has_no_point(shown, estimate):
    metres = SCALE * estimate()
    low, high = (float(value) for value in np.quantile(metres, (0.2, 0.7)))
    out = shown(min_range=low, max_range=high)
    depth = array_of(out["depth/image_rect"])
    np.testing.assert_array_equal(depth == -np.inf, metres < np.float32(low))
    np.testing.assert_array_equal(depth == np.inf, metres > np.float32(high))
    np.testing.assert_array_equal(np.isnan(points_of(out["points"])[..., :3]).all(-1), ~np.isfinite(depth))


def test_the_picture_is_rgb8_of_the_same_size(shown):
    colour = shown()["depth/image_color"]
    assert (colour.width, colour.height, colour.encoding) == (64, 48, "rgb8")
    assert len(np.unique(array_of(colour).reshape(-1, 3), axis=0)) > 10


def test_the_camera_info_of_the_same_stamp_is_preferred_to_a_later_one(
    world, camera, toy_model_path, rgb_message, info_message
):
    node = world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE)
    camera.connect()
    taken = node._cameras[0]._intake._camera_infos._infos
    mine, later = Time(sec=1), Time(sec=2)
    zoomed = info_message(later)
    zoomed.p[0] = 99.0

    for number, info in enumerate((info_message(mine), zoomed), start=1):
        camera.infos.publish(info)
        world.until(lambda number=number: len(taken) == number, what="the camera_info")
    world.until(camera.all_came, meanwhile=lambda: camera.images.publish(rgb_message(mine)))
    assert world.got["depth/camera_info"][-1].p[0] == 55.5
    world.until(
        lambda: world.got["depth/camera_info"][-1].p[0] == 99.0,
        meanwhile=lambda: camera.images.publish(rgb_message(Time(sec=3))),
    )


def test_a_filter_by_confidence_that_the_model_does_not_have_is_told(
    world, camera, toy_model_path, rgb_message, info_message
):
    world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE, min_confidence=0.5)
    camera.connect()
    stamp = Time(sec=1)
    told = "no confidence; this model does not say how sure it is, so min_confidence filters nothing"
    camera.show(rgb_message(stamp), info_message(stamp), until=lambda: told in (world.status() or ""))
