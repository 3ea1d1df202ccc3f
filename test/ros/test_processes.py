"""camera and depth_node as a user starts them: two processes, ROS arguments, signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from depthart_ros.outputs.snapshot import calibration_yaml
from depthart_ros.parameters.files import read_parameters, settings_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start():
    """A function that starts a program of the package in this Python; whatever still runs at the end is killed."""
    running = []

    def begin(module, *arguments):
        code = f"import sys; from {module} import main; sys.exit(main())"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        environment.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", None)
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def end(process, number):
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    return process.returncode, output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_camera_and_node_work_together_without_remaps_and_end_with_status_0_at_a_signal(
    world, start, toy_model_path, number
):
    for topic, kind in (("depth/image_rect", Image), ("points", PointCloud2)):
        world.listen(topic, kind, qos=1)
    camera = start("depthart_ros.cli.main", "camera", "--source", "sample", "--rate", "10")
    node = start(
        "depthart_ros.cli.depth_node", "--ros-args", "-p", f"model:={toy_model_path}",
        "-p", "scale:=2", "-p", "threads:=1", "-p", "max_age:=60.0",  # other tests run beside this one
    )  # fmt: skip
    world.until(lambda: all(len(messages) >= 2 for messages in world.got.values()), what="depth and cloud", patience=60)
    cloud = world.got["points"][-1]
    assert (cloud.width, cloud.height, cloud.header.frame_id) == (640, 480, "camera_optical_frame")
    for process in (node, camera):
        status, output = end(process, number)
        assert (status, "Traceback" in output) == (0, False), output


def test_ros_arguments_rename_what_the_camera_publishes(world, start):
    world.listen("/front/image_raw", Image, qos=1)
    world.listen("/front/info", CameraInfo, qos=1)
    start(
        "depthart_ros.cli.main", "camera", "--width", "160", "--height", "120", "--frame-id", "lens",
        "--ros-args", "-r", "__ns:=/front", "-r", "image:=image_raw", "-r", "camera_info:=info",
    )  # fmt: skip
    world.until(lambda: all(world.got.values()), what="the renamed topics")
    image, info = world.got["/front/image_raw"][-1], world.got["/front/info"][-1]
    assert (image.width, image.height, image.encoding, image.header.frame_id) == (160, 120, "bgr8", "lens")
    assert (info.width, info.height) == (160, 120)
    assert info.p[0] == info.k[0] > 0


def test_the_camera_sends_the_calibration_of_a_file(world, start, tmp_path, info_message):
    expected = info_message(CameraInfo().header.stamp, width=640, height=480)
    (tmp_path / "camera.yaml").write_bytes(calibration_yaml(expected))
    world.listen("camera_info", CameraInfo, qos=1)
    start("depthart_ros.cli.main", "camera", "--camera-info-url", str(tmp_path / "camera.yaml"))
    world.until(lambda: world.got["camera_info"], what="a camera_info")
    info = world.got["camera_info"][-1]
    info.header = expected.header
    assert info == expected


def test_the_camera_ends_with_status_0_when_its_source_does(world, start, tmp_path):
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((12, 16, 3), np.uint8))
    camera = start("depthart_ros.cli.main", "camera", "--source", str(tmp_path), "--hold", "0", "--rate", "100")
    output, _ = camera.communicate(timeout=60)
    assert camera.returncode == 0, output
    assert "the source has ended" in output


def test_the_camera_ends_with_status_1_and_says_so_when_its_video_is_cut_off(world, start, tmp_path):
    import cv2
    import numpy as np

    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for seed in range(10):
        writer.write(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8))
    writer.release()
    os.truncate(film, film.stat().st_size * 6 // 10)
    camera = start("depthart_ros.cli.main", "camera", "--source", str(film), "--rate", "100")
    output, _ = camera.communicate(timeout=60)
    assert camera.returncode == 1, output
    assert f"depthart: video {film} gave " in output
    assert "Traceback" not in output


def test_the_node_stays_up_and_says_why_when_it_cannot_configure(world, start):
    world.listen_to_log()
    node = start("depthart_ros.cli.depth_node", "--ros-args", "-p", "model:=/nowhere/model.safetensors")
    world.until(lambda: any("stays unconfigured: " in line for line in world.logs), what="a refusal")
    assert node.poll() is None
    status, output = end(node, signal.SIGINT)
    assert (status, "Traceback" in output, "/nowhere/model.safetensors" in output) == (0, False, True), output


def test_arguments_that_ros_cannot_read_are_one_sentence_with_status_1(start):
    node = start("depthart_ros.cli.depth_node", "--ros-args", "-p", "scale")
    output, _ = node.communicate(timeout=60)
    assert (node.returncode, "Traceback" in output) == (1, False), output
    assert "depth_node cannot start: failed to initialize rcl: Couldn't parse parameter override rule" in output


@pytest.mark.parametrize(
    ("program", "given", "sentence"),
    [
        (
            "camera",
            "qos_overrides./image.publisher.reliability:=sometimes",
            "depthart camera cannot start: Unexpected QoS override for policy `reliability`: `sometimes`",
        ),
        ("camera", "use_sim_time:=5", "depthart camera cannot start: Trying to set parameter 'use_sim_time' to '5'"),
        ("node", "use_sim_time:=5", "depth_node cannot start: Trying to set parameter 'use_sim_time' to '5'"),
    ],
)
def test_a_parameter_of_ros_that_makes_no_sense_is_one_sentence_with_status_1(world, start, program, given, sentence):
    before = {"camera": ("depthart_ros.cli.main", "camera"), "node": ("depthart_ros.cli.depth_node",)}[program]
    process = start(*before, "--ros-args", "-p", given)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in output, sentence in output) == (1, False, True), output


def test_cameras_that_are_no_list_are_refused_and_the_node_stays_up(world, start):
    world.listen_to_log()
    node = start("depthart_ros.cli.depth_node", "--ros-args", "-p", "cameras:=5")
    said = "cameras is 5; expected a value of type string array"
    world.until(lambda: any(said in line for line in world.logs), what=said, patience=60)
    assert node.poll() is None


def test_parameters_that_the_node_does_not_have_are_named(world, start):
    world.listen_to_log()
    start(
        "depthart_ros.cli.depth_node", "--ros-args", "-p", "points.strid:=4", "-p", "front.scale:=1.0",
        "-p", "autostart:=false", "-p", "use_sim_time:=true", "-p", "qos_overrides./points.publisher.depth:=2",
    )  # fmt: skip
    said = (
        "unknown parameters are ignored: front.scale (did you mean scale?), points.strid (did you mean points.stride?)"
    )
    world.until(lambda: said in world.logs, what=said)


def test_the_node_takes_its_parameters_from_the_shipped_file(world, start):
    from rcl_interfaces.srv import GetParameters

    start(
        "depthart_ros.cli.depth_node", "--ros-args", "--params-file", str(ROOT / "config" / "depth.yaml"),
        "-p", "autostart:=false", "-p", "color.map:=magma",
    )  # fmt: skip
    client = world.peer.create_client(GetParameters, "/depth_node/get_parameters")
    world.until(client.service_is_ready, what="the parameter service")
    names, asked = ["model", "max_range", "color.map", "autostart"], []

    def ask():  # again and again: an answer is lost where the node does not know yet who reads it
        asked.append(client.call_async(GetParameters.Request(names=names)))

    world.until(lambda: any(call.done() for call in asked), what="an answer", meanwhile=ask, every=2.0)
    model, max_range, color_map, autostart = next(call for call in asked if call.done()).result().values
    assert (model.string_value, max_range.double_value) == ("nano", 100.0)
    assert (color_map.string_value, autostart.bool_value) == ("magma", False)


@pytest.mark.parametrize(
    ("given", "active"),
    [
        ("{cameras: null}", "active: depth of /image"),
        ("{cameras: [front], front.scale: null, front.camera_info_url: null}", "active: depth of /front/image"),
    ],
)
def test_what_param_dump_writes_of_unset_parameters_can_be_given_again(
    world, start, tmp_path, toy_model_path, given, active
):
    world.listen_to_log()
    file = tmp_path / "dumped.yaml"
    file.write_text(f"/depth_node:\n  ros__parameters: {given}\n")
    start("depthart_ros.cli.depth_node", "--ros-args", "--params-file", str(file), "-p", f"model:={toy_model_path}")
    world.until(lambda: active in world.logs, what=active)
    assert not [line for line in world.logs if "refused" in line or "cannot be read" in line]
    settings_of(read_parameters(file), "front" if "front" in given else "")
