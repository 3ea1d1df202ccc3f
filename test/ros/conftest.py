"""Real nodes over real DDS: every test has its own domain, stays on this machine, and waits for what it expects."""

import contextlib
import fcntl
import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from ros_world import Camera, World

from depthart_ros.dds.transport import local_transport, on_this_machine

PROFILE = Path(__file__).parents[2] / "config" / "fastdds.xml"
DOMAINS = itertools.count(os.getpid() * 13)  # other test processes begin in other places


@pytest.fixture(scope="session")
def dds():
    """Large messages through shared memory, nothing leaves the machine; set before the first context is made."""
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")
    before = dict(os.environ)
    os.environ.update(local_transport(str(PROFILE)) | on_this_machine(os.environ))
    yield
    os.environ.clear()
    os.environ.update(before)


@contextlib.contextmanager
def locked_domain():
    """A ROS_DOMAIN_ID that no other test on this machine has at the same time."""
    while True:
        number = 1 + next(DOMAINS) % 100
        with (Path(tempfile.gettempdir()) / f"depthart_test_domain_{number}").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return


@pytest.fixture
def domain(monkeypatch):
    """A ROS_DOMAIN_ID for one test."""
    with locked_domain() as number:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
        yield number


@pytest.fixture(scope="module")
def domain_of_module():
    """A ROS_DOMAIN_ID for what several tests of a module share."""
    with locked_domain() as number:
        yield number


@pytest.fixture
def world(dds, domain):
    made = World(domain)
    yield made
    made.close()


@pytest.fixture
def make_camera(world):
    """A function of the outputs to listen to, and the transport of the images."""
    return lambda topics, **options: Camera(world, topics, **options)


@pytest.fixture
def camera(world):
    """A camera with listeners to every output."""
    return Camera(world)


@pytest.fixture
def picture():
    """A function of the size that gives an RGB picture, the same one each time."""

    def make(width=64, height=48):
        return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)

    return make


@pytest.fixture
def rgb_message(picture):
    """A function that gives an rgb8 Image with its stamp, `step` padding and other fields as asked for."""

    def make(stamp, *, width=64, height=48, frame_id="camera_optical_frame", **fields):
        from sensor_msgs.msg import Image

        message = Image(width=width, height=height, encoding="rgb8", step=3 * width)
        message.header.stamp, message.header.frame_id = stamp, frame_id
        message.data = picture(width, height).tobytes()
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    return make


@pytest.fixture
def info_message():
    """A function that gives a CameraInfo whose K and P differ."""

    def make(stamp, *, width=64, height=48, **fields):
        from sensor_msgs.msg import CameraInfo

        message = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=[0.1, -0.05, 0.0, 0.001, 0.0])
        message.header.stamp, message.header.frame_id = stamp, "camera_optical_frame"
        message.k = [60.5, 0.0, 31.25, 0.0, 61.5, 23.75, 0.0, 0.0, 1.0]
        message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
        message.p = [55.5, 0.0, 30.25, 0.0, 0.0, 56.5, 22.75, 0.0, 0.0, 0.0, 1.0, 0.0]
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    return make
