"""Bags to read, and what stands in a bag."""

import numpy as np
import pytest

HEIGHT, WIDTH = 48, 64
START = 1_700_000_000 * 10**9
PERIOD = 33_000_000
IMAGE, INFO = "/camera/image_raw", "/camera/camera_info"


class Messages:
    """Messages of a camera, by number of the frame."""

    def header(self, n, frame_id="camera_optical_frame"):
        from depthart_ros.bags.message_types import empty

        seconds, nanoseconds = divmod(START + n * PERIOD, 10**9)
        stamp = empty("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
        return empty("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)

    def pixels(self, n):
        return np.random.default_rng(n).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)

    def image(self, n, *, encoding="rgb8", padding=0, values=None, **fields):
        from depthart_ros.bags.message_types import empty

        rows = np.ascontiguousarray(self.pixels(n) if values is None else values).view(np.uint8).reshape(HEIGHT, -1)
        data = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
        given = {"header": self.header(n), "height": HEIGHT, "width": WIDTH, "encoding": encoding}
        return empty("sensor_msgs/msg/Image", **given | {"step": data.shape[1], "data": data.reshape(-1)} | fields)

    def compressed(self, n, suffix=".png"):
        import cv2

        from depthart_ros.bags.message_types import empty

        data = cv2.imencode(suffix, self.pixels(n)[..., ::-1])[1].reshape(-1)
        name = f"rgb8; {suffix[1:]} compressed bgr8"
        return empty("sensor_msgs/msg/CompressedImage", header=self.header(n), format=name, data=data)

    def info(self, n, **fields):
        from depthart_ros.bags.message_types import empty

        given = {
            "header": self.header(n),
            "height": HEIGHT,
            "width": WIDTH,
            "distortion_model": "plumb_bob",
            "d": np.array([0.1, -0.05, 0.0, 0.001, 0.0]),
            "k": np.array([60.5, 0, 31.25, 0, 61.5, 23.75, 0, 0, 1]),
            "r": np.eye(3).ravel(),
            "p": np.array([55.5, 0, 30.25, 0, 0, 56.5, 22.75, 0, 0, 0, 1, 0]),
        }
        return empty("sensor_msgs/msg/CameraInfo", **given | fields)


@pytest.fixture(scope="session")
def messages():
    pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")
    return Messages()


@pytest.fixture
def recording(messages):
    """A function that gives so many frames with their camera_infos as (topic, message, received)."""

    def make(frames=3, picture=messages.image):
        for n in range(frames):
            yield INFO, messages.info(n), START + n * PERIOD + 5
            yield IMAGE, picture(n), START + n * PERIOD + 900

    return make


@pytest.fixture
def write_bag(tmp_path):
    """A function that writes (topic, message, received) into a bag and gives its folder."""

    def write(content, *, storage="mcap", name="in", others=()):
        from rosbags.rosbag2 import StoragePlugin, Writer

        from depthart_ros.bags.message_types import serialize, typestore

        with Writer(tmp_path / name, version=8, storage_plugin=StoragePlugin[storage.upper()]) as writer:
            topics = {}
            for topic, message, received in content:
                if topic not in topics:
                    topics[topic] = writer.add_connection(topic, message.__msgtype__, typestore=typestore())
                writer.write(topics[topic], received, serialize(message))
            for topic, kind, definition, digest, contents in others:
                connection = writer.add_connection(topic, kind, msgdef=definition, rihs01=digest)
                for received, data in contents:
                    writer.write(connection, received, data)
        return tmp_path / name

    return write


@pytest.fixture
def contents():
    """A function that gives every message of a bag as (topic, received, type, content)."""

    def read(path):
        from rosbags.rosbag2 import Reader

        with Reader(path) as reader:
            return [(item.topic, received, item.msgtype, bytes(data)) for item, received, data in reader.messages()]

    return read


@pytest.fixture
def bag(toy_heads_path):
    """A function that runs `depthart bag` with the toy model."""
    from depthart_ros.cli.main import main

    return lambda *arguments: main(["bag", *map(str, arguments), "--model", str(toy_heads_path), "--backend", "torch"])


@pytest.fixture
def added(contents):
    """A function that gives the messages of a topic of a bag as (received, message)."""
    from depthart_ros.bags.message_types import deserialize

    def messages_of(path, topic):
        return [(received, deserialize(data, kind)) for name, received, kind, data in contents(path) if name == topic]

    return messages_of
