"""What is known of a node that runs, and what may be otherwise."""

from depthart_ros.diagnostics.situation import Situation
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
RELATIVE = frozenset({"depth/relative"})
NO_SCALE, GUESS = {"scale": 0.0}, {"scale_source": "model"}
