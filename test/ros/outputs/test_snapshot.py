"""Snapshots: every file holds the frame, a folder is complete or not there, and the service answers in words."""

import re
import threading

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from depthart_core import RelativeDepth, ScaleGuess, point_cloud
from depthart_core.errors import ConfigError
from depthart_ros.inputs.calibrated_picture import CalibratedPicture
from depthart_ros.inputs.calibration_file import load_calibration
from depthart_ros.inputs.camera_model import intrinsics_of
from depthart_ros.outputs.depth_frame import DepthFrame
from depthart_ros.outputs.messages import to_millimetres
from depthart_ros.outputs.snapshot import PLY_POINT, save_snapshot, snapshot_folder
from depthart_ros.parameters.settings import Settings

STAMP = Time(sec=7, nanosec=8)


@pytest.fixture
def make_frame(picture, info_message):
    """A function that gives a frame with holes in its depth."""

    def make(*, scale=2.0, calibrated=True):
        info = info_message(STAMP) if calibrated else None
        intrinsics = intrinsics_of(info, 64, 48, rectified=True) if calibrated else None
        values = np.random.default_rng(0).uniform(0.5, 3.0, (48, 64)).astype(np.float32)
        guess = ScaleGuess(scale, 0.0) if scale else None
        header = Header(stamp=STAMP, frame_id="optical")
        settings = Settings(max_range=5.0)
        return DepthFrame(
            header, CalibratedPicture(picture(), info, intrinsics), RelativeDepth(values, values / 3), guess, settings
        )

    return make


def read_ply(path):
    header, _, body = path.read_bytes().partition(b"end_header\n")
    lines = header.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    assert [line.split()[1:] for line in lines if line.startswith("property")] == [
        ["float", "x"], ["float", "y"], ["float", "z"], ["uchar", "red"], ["uchar", "green"], ["uchar", "blue"],
    ]  # fmt: skip
    points = np.frombuffer(body, PLY_POINT)
    assert f"element vertex {len(points)}" in lines
    return points


def test_a_snapshot_holds_picture_depth_cloud_and_calibration(make_frame, tmp_path, picture, info_message):
    frame = make_frame()
    folder = save_snapshot(frame, tmp_path / "new" / "place", CameraInfo)
    assert folder == tmp_path / "new" / "place" / "7.000000008"
    np.testing.assert_array_equal(cv2.imread(str(folder / "image.png"))[..., ::-1], picture())
    np.testing.assert_array_equal(np.load(folder / "relative.npy"), frame.relative.values)
    np.testing.assert_array_equal(np.load(folder / "confidence.npy"), frame.relative.confidence)
    depth = np.load(folder / "depth.npy")
    assert depth.dtype == np.float32
    assert np.isinf(depth).any()
    np.testing.assert_array_equal(depth, frame.depth)
    stored = cv2.imread(str(folder / "depth_mm.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored, to_millimetres(frame.depth))
    kept, points = np.isfinite(depth), read_ply(folder / "points.ply")
    expected = point_cloud(depth, frame.picture.intrinsics)[kept]
    np.testing.assert_array_equal(np.stack([points[axis] for axis in "xyz"], axis=-1), expected)
    np.testing.assert_array_equal(np.stack([points[name] for name in PLY_POINT.names[3:]], axis=-1), picture()[kept])
    again = load_calibration(str(folder / "camera_info.yaml")).fill(CameraInfo())
    np.testing.assert_array_equal(again.p, info_message(STAMP).p)


def test_without_scale_or_calibration_it_holds_what_there_is(make_frame, tmp_path):
    names = {path.name for path in save_snapshot(make_frame(scale=None), tmp_path / "a", CameraInfo).iterdir()}
    assert names == {"image.png", "relative.npy", "confidence.npy", "camera_info.yaml"}
    names = {path.name for path in save_snapshot(make_frame(calibrated=False), tmp_path / "b", CameraInfo).iterdir()}
    assert names == {"image.png", "relative.npy", "confidence.npy", "depth.npy", "depth_mm.png"}


def test_snapshots_of_one_stamp_have_different_names_and_leave_no_drafts(make_frame, tmp_path):
    names = [save_snapshot(make_frame(), tmp_path, CameraInfo, camera="left").name for _ in range(3)]
    assert names == ["left_7.000000008", "left_7.000000008_2", "left_7.000000008_3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_place_that_cannot_be_written_is_named(make_frame, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^snapshot_dir: .*file/below cannot be written: Not a directory"):
        save_snapshot(make_frame(), tmp_path / "file" / "below", CameraInfo)


def test_a_home_folder_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="snapshot_dir is '~nobody_at_all/x'"):
        snapshot_folder("~nobody_at_all/x")


def test_snapshots_go_to_the_folder_of_ros_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    assert snapshot_folder("") == tmp_path / "depthart"
    assert snapshot_folder(str(tmp_path / "mine")) == tmp_path / "mine"


def call(world):
    client = world.peer.create_client(Trigger, "/depth_node/save_snapshot")
    world.until(client.service_is_ready, what="the service")
    future = client.call_async(Trigger.Request())
    world.until(future.done, what="an answer")
    world.peer.destroy_client(client)
    return future.result()


def test_nobody_needs_to_subscribe_for_a_snapshot(
    world, make_camera, toy_model_path, rgb_message, info_message, tmp_path
):
    camera = make_camera(())
    world.depth_node(model=str(toy_model_path), threads=1, scale=2.0, snapshot_dir=str(tmp_path))
    client = world.peer.create_client(Trigger, "/depth_node/save_snapshot")
    world.until(client.service_is_ready, what="the service")
    for number in (1, 2):
        # The first is made for the call alone; the second one is not made again, as the first is new enough.
        future = client.call_async(Trigger.Request())
        camera.show(rgb_message(STAMP), info_message(STAMP), until=future.done)
        assert future.result().success, future.result().message
        assert len([*tmp_path.glob("7.*/points.ply")]) == number


def test_a_snapshot_that_waits_is_answered_when_the_node_is_deactivated(world, toy_model_path):
    node = world.depth_node(model=str(toy_model_path), threads=1)
    client = world.peer.create_client(Trigger, "/depth_node/save_snapshot")
    world.until(client.service_is_ready, what="the service")
    future = client.call_async(Trigger.Request())
    world.spin_for(0.5)
    assert not future.done()
    node.trigger_deactivate()
    world.until(future.done, what="an answer")
    assert future.result().message.startswith("the node is not active")


@pytest.fixture
def large(world, make_camera, toy_model_path, rgb_message, info_message, tmp_path):
    """A node whose newest frame is large enough to see it being written, and a function that gives a ready client."""
    camera = make_camera(("points",))
    node = world.depth_node(model=str(toy_model_path), threads=1, scale=2.0, snapshot_dir=str(tmp_path))
    size = {"width": 2400, "height": 1800}
    camera.show(rgb_message(STAMP, **size), info_message(STAMP, **size), until=camera.all_came)

    def client_of(kind, service):
        client = world.peer.create_client(kind, f"/depth_node/{service}")
        world.until(client.service_is_ready, what="the service")
        return client

    return node, client_of


def test_while_a_snapshot_is_written_the_node_answers_and_another_call_waits(world, large, tmp_path):
    _, client_of = large
    snapshots, parameters = client_of(Trigger, "save_snapshot"), client_of(GetParameters, "get_parameters")
    first, second = (snapshots.call_async(Trigger.Request()) for _ in range(2))
    world.until(lambda: any(tmp_path.glob(".7.*")) or first.done(), what="a draft")
    scale = parameters.call_async(GetParameters.Request(names=["scale"]))
    world.until(lambda: scale.done() or first.done(), what="a parameter")
    assert not first.done()
    assert scale.result().values[0].double_value == 2.0
    world.until(first.done, what="an answer")
    assert first.result().success, first.result().message
    assert not second.done()
    world.until(second.done, what="the second answer")
    assert {path.name for path in tmp_path.iterdir()} == {"7.000000008", "7.000000008_2"}


def test_a_snapshot_that_is_being_written_is_finished_and_answered_though_the_node_is_shut_down(world, large, tmp_path):
    node, client_of = large
    answer = client_of(Trigger, "save_snapshot").call_async(Trigger.Request())
    world.until(lambda: any(tmp_path.glob(".7.*")) or answer.done(), what="a draft")
    for transition in ("deactivate", "cleanup", "shutdown"):
        getattr(node, f"trigger_{transition}")()
    assert not answer.done()
    world.until(answer.done, what="an answer")
    assert answer.result().success, answer.result().message
    assert (tmp_path / "7.000000008" / "points.ply").exists()
    world.until(lambda: not any(thread.name == "depthart_snapshot" for thread in threading.enumerate()))


def test_the_service_saves_the_newest_frame_or_says_why_not(
    world, make_camera, toy_model_path, rgb_message, info_message, tmp_path
):
    from rclpy.parameter import Parameter

    camera = make_camera(("depth/image_rect",))
    node = world.depth_node(
        autostart=False, model=str(toy_model_path), threads=1, scale=2.0, snapshot_dir=str(tmp_path)
    )
    answer = call(world)
    assert not answer.success
    assert answer.message.startswith("the node is not active")
    node.autostart()
    camera.connect()
    answer = call(world)
    assert not answer.success
    assert answer.message.startswith("no frame came")
    camera.show(rgb_message(STAMP), info_message(STAMP), until=camera.all_came)
    answer = call(world)
    assert answer.success
    assert re.fullmatch(rf"saved {tmp_path / '7.000000008'} \(its frame is \d+ s old\)", answer.message)
    assert {"points.ply", "camera_info.yaml"} <= {path.name for path in (tmp_path / "7.000000008").iterdir()}
    depth = world.got["depth/image_rect"][-1]
    np.testing.assert_array_equal(
        np.load(tmp_path / "7.000000008" / "depth.npy"), np.frombuffer(depth.data, np.float32).reshape(48, 64)
    )
    node.set_parameters([Parameter("snapshot_dir", value="/proc/nowhere")])
    camera.show(rgb_message(STAMP), info_message(STAMP), until=lambda: "cannot be written" in call(world).message)
