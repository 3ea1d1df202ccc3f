"""`depthart doctor` on a running graph, over real DDS."""

import os
import re
import subprocess
import sys
import threading
import time

import pytest

from depthart_ros.cli.main import main
from depthart_ros.doctor import machine

PATIENCE = 60.0  # seconds: what is seen and heard at all is so much earlier, but on a loaded machine


@pytest.fixture
def doctor(capsys, monkeypatch):
    """A function that runs the doctor, however full shared memory is, until it says something with an exit status.

    It gives all that the doctor says; what is waited for is text or a pattern. A status of None is any.
    """
    monkeypatch.setattr(machine, "LEAST_SHARED_MEMORY", 0)
    monkeypatch.setattr(machine, "LEAST_FREE", 0)

    def run(*phrases, status=0, arguments=("--seconds", "3")):
        last = time.monotonic() + PATIENCE
        while True:
            found, said = main(["doctor", "--skip-model", *arguments]), capsys.readouterr().out
            missing = [
                words for words in phrases if not re.search(words if is_pattern(words) else re.escape(words), said)
            ]
            if status in (None, found) and not missing:
                return said
            assert time.monotonic() < last, f"status {found}, without {missing}:\n{said}"

    return run


def is_pattern(words):
    return isinstance(words, re.Pattern)


@pytest.fixture
def playing(world):
    """A function that publishes messages every so many seconds, and spins, until the test ends."""
    stop, threads = threading.Event(), []

    def play(*pairs, every=0.02):
        def loop():
            due = 0.0
            while not stop.wait(0.02):
                if time.monotonic() >= due:
                    due = time.monotonic() + every
                    for publisher, message in pairs:
                        publisher.publish(message)
                world.executor.spin_once(timeout_sec=0.0)

        threads.append(threading.Thread(target=loop))
        threads[-1].start()

    yield play
    stop.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def stamp(world):
    return world.now()


def publisher(world, kind, topic, **qos):
    from rclpy.qos import QoSProfile

    return world.peer.create_publisher(kind, topic, QoSProfile(depth=1, **qos))


def test_a_camera_is_found_with_rate_qos_and_the_line_that_starts_the_node(
    world, playing, doctor, rgb_message, info_message, stamp
):
    from sensor_msgs.msg import CameraInfo, Image

    images, infos = publisher(world, Image, "/cam/image_rect"), publisher(world, CameraInfo, "/cam/camera_info")
    playing((images, rgb_message(stamp)), (infos, info_message(stamp)))
    topic = r"/cam/image_rect \(sensor_msgs/msg/Image\): reliable, 1 publisher\(s\), 0 subscriber\(s\), "
    said = doctor(
        re.compile(topic + r"([1-9]\d*(\.\d+)?|0\.\d*[1-9]\d*)/s"),
        "depth.launch.py image:=/cam/image_rect camera_info:=/cam/camera_info scale_source:=model",
    )
    assert said.endswith("nothing is wrong\n")


def test_a_raw_image_is_to_be_declared_so_and_compressed_ones_have_their_transport(
    world, playing, doctor, rgb_message, info_message, stamp
):
    from sensor_msgs.msg import CameraInfo, CompressedImage, Image

    raw, info = publisher(world, Image, "/a/image_raw"), publisher(world, CameraInfo, "/a/camera_info")
    packed = publisher(world, CompressedImage, "/b/image/compressed")
    playing((raw, rgb_message(stamp)), (info, info_message(stamp)), (packed, CompressedImage(format="jpeg")))
    doctor(
        "image:=/a/image_raw camera_info:=/a/camera_info rectified:=false",
        "/b/image/compressed has no camera_info, so no cloud",
        "image:=/b/image image_transport:=compressed",
    )


def test_depth_images_are_no_cameras(world, playing, doctor, rgb_message, stamp):
    from sensor_msgs.msg import Image

    depth = rgb_message(stamp, encoding="16UC1")
    playing((publisher(world, Image, "/other/depth"), depth))
    doctor("/other/depth (sensor_msgs/msg/Image): reliable, 1 publisher(s)", "cameras     none")


def test_a_silent_camera_is_wrong(world, doctor):
    from sensor_msgs.msg import Image

    publisher(world, Image, "/cam/image")
    doctor(
        "WRONG: /cam/image (sensor_msgs/msg/Image): reliable",
        "cure: see whether the camera runs: ros2 topic hz /cam/image",
        status=1,
    )


def test_an_uncalibrated_camera_is_wrong(world, playing, doctor, rgb_message, info_message, stamp):
    from sensor_msgs.msg import CameraInfo, Image

    info = info_message(stamp, k=[0.0] * 9, p=[0.0] * 12)
    images, infos = publisher(world, Image, "/cam/image"), publisher(world, CameraInfo, "/cam/camera_info")
    playing((images, rgb_message(stamp)), (infos, info))
    doctor("/cam/camera_info: camera_info: k is all zero", "cameracalibrator", status=1)


def test_a_subscriber_that_hears_nothing_for_its_qos_is_wrong(world, playing, doctor, rgb_message, stamp):
    from rclpy.qos import QoSReliabilityPolicy
    from sensor_msgs.msg import Image

    images = publisher(world, Image, "/cam/image", reliability=QoSReliabilityPolicy.BEST_EFFORT)
    world.listen("/cam/image", Image)
    playing((images, rgb_message(stamp)))
    doctor("/peer gets nothing from /peer on /cam/image: Best effort publisher and reliable subscription", status=1)


def test_what_a_depth_node_says_of_itself_is_passed_on_and_its_work_is_not_asked_for(
    world, playing, doctor, toy_model_path
):
    world.depth_node(model=str(toy_model_path), backend="torch")
    playing()
    doctor(
        "depth node  WRONG: /depth_node: depth: no image; nothing publishes /image",
        "cure: start the camera, or remap",
        "/depth/relative (sensor_msgs/msg/Image): reliable, 1 publisher(s), 0 subscriber(s), nobody listens",
        status=1,
    )


@pytest.mark.parametrize("listened", [False, True])
def test_a_camera_that_a_node_takes_is_given_no_line_to_start_one_and_the_nodes_own_scale_is_told(
    world, playing, doctor, rgb_message, info_message, stamp, toy_model_path, listened
):
    from sensor_msgs.msg import CameraInfo, Image

    images, infos = publisher(world, Image, "/image"), publisher(world, CameraInfo, "/camera_info")
    free, beside = publisher(world, Image, "/free/image_rect"), publisher(world, CameraInfo, "/free/camera_info")
    world.depth_node(model=str(toy_model_path), backend="torch", scale=1.5)
    if listened:
        world.listen("/depth/relative", Image)
    picture, info = rgb_message(stamp), info_message(stamp)
    playing((images, picture), (infos, info), (free, picture), (beside, info), every=0.2)
    state = "running" if listened else "idle; nobody subscribes to an output"
    said = doctor(
        "/image: taken by /depth_node\n",
        "depth.launch.py image:=/free/image_rect",
        re.compile(rf"/depth_node: depth: {state}.*; scale 1.5\n"),
        status=None,  # a loaded machine may be too slow even so, and the node says it
    )
    assert "image:=/image" not in said
    assert "the node's defaults, without --params-file (what a running node has stands below); the scale is" in said


def test_a_node_whose_metres_the_model_guesses_says_so(world, playing, doctor, toy_model_path):
    world.depth_node(model=str(toy_model_path), backend="torch", scale_source="model")
    playing()
    doctor("no image; nothing publishes /image; scale_source model\n", status=1)


def test_a_node_that_cannot_be_configured_is_wrong(world, playing, doctor):
    world.depth_node(model="/nowhere/toy.safetensors")
    playing()
    doctor("no model file '/nowhere/toy.safetensors'", status=1)


def test_an_empty_graph_is_nothing_wrong_and_says_how_to_begin(dds, domain, doctor):
    asked = "none: start the driver, or for a try: ros2 run depthart_ros depthart camera"
    assert "stands below" not in doctor(asked, arguments=("--seconds", "1"))


def test_a_wrong_parameter_file_is_status_1(doctor, tmp_path):
    (tmp_path / "file.yaml").write_text("/**:\n  ros__parameters: {scale: -2.0}\n")
    arguments = ("--seconds", "0", "--params-file", str(tmp_path / "file.yaml"))
    doctor("scale is -2.0; expected", status=1, arguments=arguments)


def test_without_ros_the_graph_is_skipped_with_the_reason():
    """A Python that finds no rclpy, as on a machine without ROS."""
    program = """import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rclpy", "sensor_msgs", "diagnostic_msgs"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from depthart_ros.cli.main import main
from depthart_ros.doctor import machine
machine.LEAST_SHARED_MEMORY = machine.LEAST_FREE = 0  # however full it is
sys.exit(main(["doctor", "--skip-model"]))"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "topics      not looked at: there is no ROS" in done.stdout


@pytest.mark.parametrize(
    ("name", "value", "wrong", "cure"),
    [
        (
            "RMW_IMPLEMENTATION", "rmw_nobody_cpp",
            "RMW_IMPLEMENTATION is rmw_nobody_cpp, which is not installed; installed: rmw_",
            "unset RMW_IMPLEMENTATION",
        ),
        ("ROS_DOMAIN_ID", "here", "ROS cannot be joined: failed to initialize rcl: ", "export ROS_DOMAIN_ID=0"),
        ("ROS_DOMAIN_ID", "500", "ROS cannot be joined: ", "export ROS_DOMAIN_ID=0"),
        ("ROS_LOG_DIR", __file__, "ROS cannot be joined: failed to initialize logging: ", "export ROS_LOG_DIR=FOLDER"),
    ],
)  # fmt: skip
def test_what_keeps_ros_from_being_joined_is_wrong_with_its_cure(dds, name, value, wrong, cure):
    command = [
        sys.executable,
        "-c",
        "from depthart_ros.cli.main import main; raise SystemExit(main(['doctor', '--skip-model']))",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {name: value})
    assert done.returncode == 1, done.stdout + done.stderr
    assert wrong in done.stdout
    assert f"cure: {cure}" in done.stdout
    assert "Traceback" not in done.stderr
