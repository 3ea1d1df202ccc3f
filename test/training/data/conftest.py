"""Bags of a camera with depth, and a camera that adds nothing."""

import numpy as np
import pytest

from training.data import appearance

HEIGHT, WIDTH = 6, 8
START = 1_700_000_000 * 10**9
IMAGE, DEPTH, INFO = "/camera/color/image_raw", "/camera/aligned_depth/image_raw", "/camera/color/camera_info"
RAW, COMPRESSED, CAMERA = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo"


class Messages:
    """Builds messages of a camera with stamps in milliseconds after START; None leaves the stamp 0."""

    def __init__(self):
        from rosbags.typesys import Stores, get_typestore

        self.store = get_typestore(Stores.ROS2_HUMBLE)

    def header(self, ms):
        seconds, nanoseconds = (0, 0) if ms is None else divmod(START + ms * 10**6, 10**9)
        time = self.store.types["builtin_interfaces/msg/Time"](seconds, nanoseconds)
        return self.store.types["std_msgs/msg/Header"](time, "camera")

    def image(self, ms, values, encoding, *, padding=0):
        """Rows of ``values`` followed by ``padding`` bytes each."""
        height, width = values.shape[:2]
        rows = np.ascontiguousarray(values).view(np.uint8).reshape(height, -1)
        data = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
        kind = self.store.types[RAW]
        return RAW, kind(self.header(ms), height, width, encoding, 0, data.shape[1], data.reshape(-1))

    def compressed(self, ms, content, form):
        return COMPRESSED, self.store.types[COMPRESSED](self.header(ms), form, np.frombuffer(content, np.uint8))

    def info(self, ms):
        region = self.store.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        k = np.array([50.0, 0, 4, 0, 51, 3, 0, 0, 1])
        p = np.array([60.0, 0, 5, 0, 0, 61, 2, 0, 0, 0, 1, 0])
        kind = self.store.types[CAMERA]
        return CAMERA, kind(
            self.header(ms), HEIGHT, WIDTH, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), p, 0, 0, region
        )

    def red(self, value=200):
        return np.full((HEIGHT, WIDTH, 3), (value, 0, 0), np.uint8)

    def millimetres(self, value):
        """Depth whose first row is unknown."""
        depth = np.full((HEIGHT, WIDTH), value, np.uint16)
        depth[0] = 0
        return depth

    def one_frame(self, image, depth):
        return [(IMAGE, image), (DEPTH, depth), (INFO, self.info(0))]

    def recording(self):
        """Three pictures 33 ms apart with depth 5 ms later, and a fourth without depth."""
        for n in range(3):
            yield IMAGE, self.image(33 * n, self.red(100 + n), "rgb8")
            yield DEPTH, self.image(33 * n + 5, self.millimetres(1000 * (n + 1)), "16UC1")
        yield IMAGE, self.image(900, self.red(), "rgb8")
        yield INFO, self.info(0)


@pytest.fixture(scope="session")
def messages():
    return Messages()


@pytest.fixture(params=["mcap", "sqlite3"])
def storage(request):
    return request.param


@pytest.fixture
def write_bag(tmp_path, messages):
    def write(content, storage="mcap", name="run"):
        from rosbags.rosbag2 import StoragePlugin, Writer

        plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
        with Writer(tmp_path / name, version=8, storage_plugin=plugin) as writer:
            topics = {}
            for n, (topic, (kind, message)) in enumerate(content):
                if topic not in topics:
                    topics[topic] = writer.add_connection(topic, kind, typestore=messages.store)
                # Received in order, later than stamped, and never together.
                writer.write(topics[topic], START + n * 10**7, messages.store.serialize_cdr(message, kind))
        return tmp_path / name

    return write


@pytest.fixture
def plain_camera(monkeypatch):
    """A camera that adds nothing: what is grey stays as grey as it is."""
    light, lens = ("DETAIL", "FILTER", "LIGHT", "SHADOW", "VIGNETTE"), ("BLUR", "SHAKE", "COARSE", "SHARPEN")
    for name in (*light, *lens, "GREY", "NOISE", "JPEG"):
        monkeypatch.setattr(appearance, f"{name}_SHARE", 0.0)
    for name in ("GAIN", "GAMMA", "BALANCE", "CONTRAST"):
        monkeypatch.setattr(appearance, f"{name}_SPREAD", 0.0)
    monkeypatch.setattr(appearance, "BLACK_LEVEL", (0.0, 0.0))
