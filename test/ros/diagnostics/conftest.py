"""A verdict on a node that runs, but for some changes."""

import dataclasses

import pytest

from depthart_ros.diagnostics.situation import Situation
from depthart_ros.diagnostics.verdicts import judge
from depthart_ros.inputs.topics import InputTopic
from depthart_ros.parameters.settings import Settings

RUNNING = Situation(
    lifecycle="active",
    node="/depth_node",
    settings=Settings(scale=2.0),
    image=InputTopic("/image", "sensor_msgs/msg/Image", publishers=1, reliability="reliable"),
    camera_info=InputTopic("/camera_info", "sensor_msgs/msg/CameraInfo"),
    subscribed=frozenset({"points"}),
    has_camera_info=True,
)


@pytest.fixture
def verdict():
    """A function of what is otherwise than on a node that runs; of settings and topics it may be a part."""

    def changed(**changes):
        whole = {
            name: dataclasses.replace(getattr(RUNNING, name), **change)
            for name, change in changes.items()
            if name in ("settings", "image", "camera_info")
        }
        return judge(dataclasses.replace(RUNNING, **changes | whole))

    return changed
