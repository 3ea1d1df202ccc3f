"""`process_all`: nothing is dropped, everything is in order."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

FRAMES = 60
ALL = QoSProfile(depth=1, history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)


def test_every_image_of_a_burst_is_processed_in_order_with_its_own_camera_info(
    world, toy_model_path, rgb_message, info_message
):
    world.listen("/diagnostics", DiagnosticArray)
    world.listen("depth/relative", Image, qos=ALL)
    world.listen("depth/camera_info", CameraInfo, qos=ALL)
    # Published as bags are, with a history: the outputs must not be overwritten before the listener takes them either.
    deep = {f"qos_overrides./depth/{topic}.publisher.history": "keep_all" for topic in ("relative", "camera_info")}
    node = world.depth_node(model=str(toy_model_path), threads=1, scale=2.0, process_all=True, max_age=0.1, **deep)
    images = world.peer.create_publisher(Image, "image", ALL)
    infos = world.peer.create_publisher(CameraInfo, "camera_info", ALL)
    world.until(lambda: images.get_subscription_count() == infos.get_subscription_count() == 1)
    camera, both = node._cameras[0], {"depth/relative", "depth/camera_info"}
    world.until(lambda: camera._outputs.subscribed() == both, what="listeners that the node knows of")
    for number in range(FRAMES):  # all at once, and older than max_age
        info = info_message(Time(sec=number))
        info.p[0] = 100.0 + number
        infos.publish(info)
    world.until(lambda: len(camera._intake._camera_infos._infos) == FRAMES)
    for number in range(FRAMES):
        images.publish(rgb_message(Time(sec=number)))
    world.until(lambda: all(len(world.got[f"depth/{topic}"]) == FRAMES for topic in ("relative", "camera_info")))
    assert [message.header.stamp.sec for message in world.got["depth/relative"]] == list(range(FRAMES))
    assert [message.p[0] for message in world.got["depth/camera_info"]] == [100.0 + n for n in range(FRAMES)]
    world.until(lambda: world.status() and world.values()["processed"] == str(FRAMES))
    assert (world.values()["replaced"], world.values()["too_old"]) == ("0", "0")
