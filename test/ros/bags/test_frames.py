"""The camera_infos of a bag."""

from types import SimpleNamespace

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed: install the bag extra")

from depthart_ros.bags.frames import BagCameraInfos
from depthart_ros.bags.message_types import serialize
from depthart_ros.bags.source import Stored


def test_a_damaged_camera_info_is_left_out_and_counted(messages):
    connection = SimpleNamespace(topic="/info", msgtype="sensor_msgs/msg/CameraInfo")
    content = [bytes(serialize(messages.info(0))), b"\0\1\0\0\7", bytes(serialize(messages.info(2)))]
    stored = [Stored(connection, 10 * place, data) for place, data in enumerate(content)]
    said = []
    found = BagCameraInfos(SimpleNamespace(messages=lambda _: stored), "/info", said.append)
    assert [found.find(messages.image(n), 10 * n).header.stamp for n in range(3)] == [
        messages.header(n).stamp for n in (0, 0, 2)
    ]
    assert len(said) == 1
    assert said[0].startswith("/info: 1 damaged messages are left out (")
