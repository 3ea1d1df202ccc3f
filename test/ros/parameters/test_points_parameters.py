"""The parameters of the cloud, proven: each changes what it says."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time


def points_of(bench, **settings):
    """How many points a cloud has that are somewhere, and its message."""
    cloud = bench.frame(bench.pipeline(), scale=1.0, **settings)["points"]
    step = cloud.point_step // 4
    places = np.frombuffer(cloud.data, np.float32).reshape(-1, step)[:, :3]
    return int(np.isfinite(places).all(1).sum()), cloud


@pytest.mark.proves("points.stride")
def test_a_stride_leaves_columns_and_rows_out(bench):
    pipeline = bench.pipeline()
    assert [bench.frame(pipeline, scale=1.0, points_stride=n)["points"].width for n in (1, 2, 3)] == [64, 32, 22]


@pytest.mark.proves("points.min_range")
def test_no_point_is_nearer_than_its_min_range(bench):
    everything, some = (points_of(bench, points_min_range=value)[0] for value in (0.0, 1.0))
    depth = bench.out("depth/image_rect", scale=1.0)
    assert everything == np.isfinite(depth).sum()
    assert some == (depth[np.isfinite(depth)] >= 1.0).sum() < everything


@pytest.mark.proves("points.max_range")
def test_no_point_is_farther_than_its_max_range(bench):
    everything, some = (points_of(bench, points_max_range=value)[0] for value in (1e4, 1.0))
    depth = bench.out("depth/image_rect", scale=1.0)
    assert some == (depth[np.isfinite(depth)] <= 1.0).sum() < everything


@pytest.mark.proves("points.color")
def test_points_have_a_colour_only_where_that_is_asked_for(bench):
    with_color, without = (
        [field.name for field in points_of(bench, points_color=on)[1].fields] for on in (True, False)
    )
    assert (with_color, without) == (["x", "y", "z", "rgb"], ["x", "y", "z"])


@pytest.mark.proves("points.max_rate")
def test_clouds_come_no_faster_than_their_max_rate(bench):
    def clouds(rate):
        pipeline, stamps = bench.pipeline(), [Time(sec=1, nanosec=100_000_000 * number) for number in range(10)]
        found = [bench.frame(pipeline, stamp=stamp, scale=1.0, points_max_rate=rate) for stamp in stamps]
        return sum("points" in messages for messages in found)

    assert clouds(0.0) == 10
    assert clouds(2.0) == 2


@pytest.mark.proves("points.voxel_size")
def test_a_voxel_size_makes_a_cloud_of_means_without_order(bench):
    organised, voxels = (points_of(bench, points_voxel_size=size)[1] for size in (0.0, 0.2))
    assert (organised.height, voxels.height) == (48, 1)
    assert 0 < voxels.width < organised.height * organised.width
