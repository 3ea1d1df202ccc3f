"""What depth_node makes of a frame over DDS besides the contract of its outputs (test_conformance.py)."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time

SCALE = 2.5


def depth_of(image):
    return np.frombuffer(image.data, np.float32).reshape(image.height, image.width)


def points_of(cloud):
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb"]
    values = np.frombuffer(cloud.data, np.float32).reshape(cloud.height, cloud.row_step // 4)
    return values.reshape(cloud.height, cloud.width, cloud.point_step // 4)


def cloud_by_formula(depth, info, stride):
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


def test_a_stride_keeps_every_nth_point(world, camera, toy_model_path, rgb_message, info_message):
    world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE, points__stride=3)
    camera.connect()
    stamp = Time(sec=1)
    camera.show(rgb_message(stamp), info_message(stamp), until=camera.all_came)
    depth, info, cloud = (world.got[topic][-1] for topic in ("depth/image_rect", "depth/camera_info", "points"))
    expected = cloud_by_formula(depth_of(depth), info, stride=3)
    np.testing.assert_allclose(points_of(cloud)[..., :3], expected, rtol=0, atol=1e-5)


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
