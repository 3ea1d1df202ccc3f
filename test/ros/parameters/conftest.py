"""What proves that a parameter does what it says."""

import copy

import numpy as np
import pytest

from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.model_loading import load_estimator
from depthart_ros.outputs.topics import OUTPUTS
from depthart_ros.parameters.settings import Settings
from depthart_ros.pipeline import Frame, Pipeline


class Kept:
    """Outputs that keep what they get."""

    def __init__(self):
        from depthart_ros.outputs.publishers import ROS_TYPES

        self.types = ROS_TYPES
        self.messages = {}

    def subscribed(self):
        return frozenset(OUTPUTS)

    def publish(self, topic, message):
        self.messages[topic] = copy.deepcopy(message)
        return ""


class Bench:
    """Makes frames with the toy models, which go through the pipeline in this process, and nodes over DDS."""

    def __init__(self, world, models, rgb_message, info_message):
        self.world, (self.toy, self.heads) = world, models
        self.rgb_message, self.info_message = rgb_message, info_message

    def pipeline(self, **load):
        model = load.pop("model", self.heads)
        estimator = load_estimator(Settings(model=str(model), threads=1, **load))
        self.kept = Kept()
        return Pipeline(estimator, self.kept, Problems(print), Statistics())

    def frame(self, pipeline, *, stamp=None, image=None, calibrated=True, **settings):
        """Send one frame with these settings through a pipeline; returns the messages by topic."""
        from builtin_interfaces.msg import Time

        stamp, self.kept.messages = stamp or Time(sec=1), {}
        message = image or self.rgb_message(stamp)
        info = self.info_message(stamp) if calibrated else None
        pipeline.process(Frame(message, info, Settings(**settings)))
        return self.kept.messages

    @staticmethod
    def values(message):
        """The values of an Image."""
        kind = np.float32 if getattr(message, "encoding", "32FC1") == "32FC1" else np.uint8
        return np.frombuffer(message.data, kind).copy()

    def out(self, topic, load=None, **settings):
        """The values of one output of one frame."""
        return self.values(self.frame(self.pipeline(**(load or {})), **settings)[topic])

    def node(self, **parameters):
        """Start a node that somebody listens to and wait until it hears."""
        from diagnostic_msgs.msg import DiagnosticArray
        from sensor_msgs.msg import Image

        world = self.world
        world.listen("/diagnostics", DiagnosticArray)
        world.listen("depth/relative", Image)
        self.images = world.peer.create_publisher(Image, "image", 1)
        return world.depth_node(**{"model": str(self.toy), "threads": 1} | parameters)

    def show(self, until, *, age=0):
        """Publish images of an age [s] until something is so."""

        def publish():
            stamp = self.world.now()
            stamp.sec -= age
            self.images.publish(self.rgb_message(stamp))

        self.world.until(until, meanwhile=publish, every=0.3)

    def value(self, key):
        """A value of the newest diagnostics, "" before they came."""
        return self.world.values().get(key, "") if self.world.got["/diagnostics"] else ""


@pytest.fixture
def bench(world, toy_model_path, toy_heads_path, rgb_message, info_message):
    return Bench(world, (toy_model_path, toy_heads_path), rgb_message, info_message)
