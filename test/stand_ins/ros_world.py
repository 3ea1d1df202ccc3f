"""The other side of the node: a context whose node plays camera and viewer over real DDS."""

import gc
import time

import pytest

PATIENCE = 60.0  # seconds: what comes at all comes much earlier, but on a loaded machine
OUTPUTS = ("depth/relative", "depth/image_rect", "depth/camera_info", "points", "depth/image_color")


class World:
    """A context with a node that plays camera and viewer, and the nodes under test, spun in the thread of the test."""

    def __init__(self, domain):
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.peer = rclpy.create_node("peer", context=self.context)
        self.executor.add_node(self.peer)
        self.nodes = [self.peer]
        self.got = {}
        self.logs = []

    def depth_node(self, *, autostart=True, **parameters):
        """Make a DepthNode; names of parameters have `__` where ROS has a dot.

        Frames of any age are taken unless asked otherwise: tests show one stamp for as long as a loaded machine needs.
        """
        from rclpy.parameter import Parameter

        from depthart_ros.depth_node import DepthNode

        overrides = [
            Parameter(name.replace("__", "."), value=value) for name, value in ({"max_age": 0.0} | parameters).items()
        ]
        node = DepthNode(context=self.context, parameter_overrides=overrides)
        self.add(node)
        if autostart:
            node.autostart()
        return node

    def add(self, node):
        self.executor.add_node(node)
        self.nodes.append(node)

    def listen(self, topic, kind, *, qos=10):
        """Collect the messages of a topic in `got[topic]`."""
        self.got[topic] = []
        return self.peer.create_subscription(kind, topic, self.got[topic].append, qos)

    def listen_to_log(self):
        """Collect what every node logs, also what it logged before it was heard."""
        from rcl_interfaces.msg import Log
        from rclpy.qos import DurabilityPolicy, QoSProfile

        kept = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.peer.create_subscription(Log, "/rosout", lambda message: self.logs.append(message.msg), kept)

    def now(self):
        """The time as messages are stamped with it."""
        return self.peer.get_clock().now().to_msg()

    def until(self, condition, *, what="the expected", patience=PATIENCE, meanwhile=None, every=0.5):
        """Spin until a condition holds, calling `meanwhile` now and then; fails when patience ends."""
        end, again = time.monotonic() + patience, 0.0
        while not condition():
            now = time.monotonic()
            if now > end:
                pytest.fail(f"{what} did not come in {patience:g} s; got {self.summary()}")
            if meanwhile is not None and now >= again:
                meanwhile()
                again = now + every
            self.executor.spin_once(timeout_sec=0.05)

    def spin_for(self, seconds):
        """Spin for a time in which nothing is expected to happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.05)

    def summary(self):
        """What came so far, in words."""
        counts = {topic: len(messages) for topic, messages in self.got.items()}
        return f"{counts}, log {self.logs}, diagnostics {self.status()}"

    def status(self):
        """The newest status of /diagnostics: its message, or None."""
        messages = self.got.get("/diagnostics")
        return messages[-1].status[0].message if messages else None

    def values(self):
        """The key-value pairs of the newest status."""
        return {pair.key: pair.value for pair in self.got["/diagnostics"][-1].status[0].values}

    def close(self):
        for node in reversed(self.nodes):
            self.executor.remove_node(node)
            node.destroy_node()
        self.executor.shutdown()
        self.context.try_shutdown()
        self.nodes.clear()
        gc.collect()  # rcl keeps one /rosout publisher for each node name: the next node needs this one's gone


class Camera:
    """Publishes images and camera_infos from the peer, and knows when the node hears them."""

    def __init__(self, world, topics=None, transport="raw"):
        from diagnostic_msgs.msg import DiagnosticArray
        from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

        kinds = {"depth/camera_info": CameraInfo, "points": PointCloud2}
        self.world, self.topics = world, OUTPUTS if topics is None else topics
        self.compressed = transport == "compressed"
        kind, topic = (CompressedImage, "image/compressed") if self.compressed else (Image, "image")
        self.images = world.peer.create_publisher(kind, topic, 1)
        self.infos = world.peer.create_publisher(CameraInfo, "camera_info", 1)
        for topic in self.topics:
            world.listen(topic, kinds.get(topic, Image))
        world.listen("/diagnostics", DiagnosticArray)

    def connect(self):
        """Wait until everybody hears everybody."""
        peer = self.world.peer
        inputs = (self.images.topic_name, self.infos.topic_name)
        self.world.until(
            lambda: (
                self.images.get_subscription_count() == 1
                and self.infos.get_subscription_count() == 1
                and all(peer.count_publishers(topic) == 1 for topic in self.topics)
                and all(len(peer.get_subscriptions_info_by_topic(topic)) >= 1 for topic in inputs)
            ),
            what="matching subscriptions",
        )

    def show(self, image, info=None, *, until):
        """Publish one pair again and again (the first may come before the node sees who listens) until enough came."""

        def publish():
            if info is not None:
                self.infos.publish(info)
            self.images.publish(image)

        self.world.until(until, what="outputs", meanwhile=publish, every=0.3)

    def all_came(self):
        return all(self.world.got[topic] for topic in self.topics)
