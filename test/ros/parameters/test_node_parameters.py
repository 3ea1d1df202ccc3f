"""The parameters of the node and its inputs, proven over DDS: each changes what it says."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from rclpy.parameter import Parameter
from std_srvs.srv import Trigger


@pytest.mark.proves("cameras")
def test_a_camera_with_a_name_has_topics_of_its_own(bench):
    bench.node(cameras=["front"])
    bench.world.until(lambda: bench.world.peer.count_publishers("/front/points") == 1)
    assert bench.world.peer.count_publishers("/points") == 0


@pytest.mark.proves("process_all")
def test_with_process_all_images_of_any_age_are_processed(bench):
    bench.node(process_all=True, max_age=1.0)
    bench.show(lambda: bench.world.got["depth/relative"], age=60)


@pytest.mark.proves("autostart")
def test_only_with_autostart_is_a_node_active_by_itself(bench):
    from depthart_ros.depth_node import DepthNode

    for value, label in ((False, "unconfigured"), (True, "active")):
        overrides = [Parameter("model", value=str(bench.toy)), Parameter("autostart", value=value)]
        node = DepthNode(context=bench.world.context, parameter_overrides=overrides)
        bench.world.add(node)
        node.autostart()
        assert node._label == label


@pytest.mark.proves("image_transport")
def test_compressed_images_are_subscribed_to_instead_of_raw_ones(bench):
    bench.node(image_transport="compressed")
    bench.world.until(lambda: bench.world.peer.count_subscribers("/image/compressed") == 1)
    assert bench.world.peer.count_subscribers("/image") == 0


@pytest.mark.proves("image_reliability")
def test_the_subscription_asks_for_the_reliability_that_is_named(bench):
    bench.node(image_reliability="best_effort")
    found = bench.world.peer.get_subscriptions_info_by_topic
    bench.world.until(lambda: [info.qos_profile.reliability.name for info in found("/image")] == ["BEST_EFFORT"])


@pytest.mark.proves("max_age")
def test_frames_older_than_max_age_are_dropped(bench):
    node = bench.node(max_age=1.0)
    bench.show(lambda: int(bench.value("too_old") or 0) >= 1, age=60)
    assert not bench.world.got["depth/relative"]
    assert node.set_parameters([Parameter("max_age", value=0.0)])[0].successful
    bench.show(lambda: bench.world.got["depth/relative"], age=60)


@pytest.mark.proves("deadline_ms")
def test_a_deadline_too_short_for_more_leaves_one_scale(bench):
    node = bench.node()
    bench.show(lambda: bench.value("scales_last") == "3")
    assert node.set_parameters([Parameter("deadline_ms", value=0.001)])[0].successful
    bench.show(lambda: bench.value("scales_last") == "1")


@pytest.mark.proves("snapshot_dir")
def test_snapshots_go_into_the_folder_that_is_named(bench, tmp_path):
    bench.node(snapshot_dir=str(tmp_path))
    bench.show(lambda: bench.world.got["depth/relative"])
    client = bench.world.peer.create_client(Trigger, "/depth_node/save_snapshot")
    bench.world.until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    bench.world.until(answer.done)
    assert [str(path) for path in tmp_path.iterdir()] == [answer.result().message.split()[1]]
