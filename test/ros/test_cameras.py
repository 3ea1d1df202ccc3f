"""Several cameras in one node, over DDS: topics, parameters, counters and diagnostics of their own, one model."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from depthart_core import DepthEstimator

NAMES = ("front", "left")


def depth_of(image):
    return np.frombuffer(image.data, np.float32).reshape(image.height, image.width)


@pytest.fixture
def node_with(world, toy_model_path):
    """A function that starts a node with two cameras and other parameters."""

    def start(cameras=NAMES, **parameters):
        world.listen("/diagnostics", DiagnosticArray)
        return world.depth_node(model=str(toy_model_path), threads=1, cameras=list(cameras), **parameters)

    return start


@pytest.fixture
def publishers(world, rgb_message, info_message):
    """A function of names that gives for each one a function which publishes an image and returns its stamp."""

    def make(*names):
        def publisher(name):
            images = world.peer.create_publisher(Image, f"{name}/image", 1)
            infos = world.peer.create_publisher(CameraInfo, f"{name}/camera_info", 1)

            def publish(**fields):
                stamp = world.now()
                infos.publish(info_message(stamp))
                images.publish(rgb_message(stamp, frame_id=f"{name}_frame", **fields))
                return stamp

            return publish

        return {name: publisher(name) for name in names}

    return make


def statuses(world):
    """The newest diagnostics: values by the last word of the status' name, with its level and message."""
    found = {}
    for status in world.got["/diagnostics"][-1].status if world.got["/diagnostics"] else ():
        values = {pair.key: pair.value for pair in status.values}
        found[status.name.rpartition(" ")[2]] = values | {"level": status.level, "message": status.message}
    return found


def test_each_camera_has_topics_frames_and_parameters_of_its_own(world, node_with, publishers):
    node_with(scale=2.0, left__scale=5.0, front__points__stride=2)
    cameras = publishers(*NAMES)
    topics = [f"{name}/{topic}" for name in NAMES for topic in ("depth/image_rect", "depth/relative")]
    for topic in topics:
        world.listen(topic, Image)
    for name in NAMES:
        world.listen(f"{name}/points", PointCloud2)
    clouds = [f"{name}/points" for name in NAMES]
    world.until(
        lambda: all(world.got[topic] for topic in [*topics, *clouds]),
        meanwhile=lambda: [publish() for publish in cameras.values()],
    )
    for name, scale in (("front", 2.0), ("left", 5.0)):
        depth, relative = (world.got[f"{name}/depth/{topic}"][-1] for topic in ("image_rect", "relative"))
        assert depth.header.frame_id == f"{name}_frame"
        np.testing.assert_allclose(depth_of(depth), scale * depth_of(relative), rtol=1e-5)
    assert [world.got[topic][-1].width for topic in clouds] == [32, 64]


def test_a_parameter_of_one_camera_changes_while_running_and_a_bad_one_is_refused(world, node_with, publishers):
    node = node_with(scale=2.0)
    (publish,) = publishers("left").values()
    world.listen("left/depth/image_rect", Image)
    world.listen("left/depth/relative", Image)

    def ratio():
        pair = [world.got[f"left/depth/{topic}"] for topic in ("image_rect", "relative")]
        return np.median(depth_of(pair[0][-1]) / depth_of(pair[1][-1])) if all(pair) else 0.0

    world.until(lambda: ratio() == pytest.approx(2.0, rel=1e-4), meanwhile=publish)
    assert node.set_parameters([Parameter("left.scale", value=3.0)])[0].successful
    world.until(lambda: ratio() == pytest.approx(3.0, rel=1e-4), meanwhile=publish)
    for name, value, words in (
        ("left.scale", -1.0, "out of range"),
        ("left.color.map", "pink", "left.color.map is 'pink'; expected one of turbo"),
        ("left.max_range", 0.05, "left: min_range is 0.1 and max_range is 0.05"),
        ("left.min_range", "near", "left.min_range is 'near'; expected a value of type double"),
    ):
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert (result.successful, words in result.reason) == (False, True), result.reason


def test_a_parameter_of_one_camera_that_was_deleted_can_be_set_again(world, node_with):
    node = node_with(scale=2.0, left__scale=5.0)
    ask = {kind: world.peer.create_client(kind, name) for kind, name in (
        (SetParameters, "/depth_node/set_parameters"),
        (SetParametersAtomically, "/depth_node/set_parameters_atomically"),
    )}  # fmt: skip

    def set_to(value, kind=SetParameters):
        world.until(ask[kind].service_is_ready, what="the service")
        change = Parameter("left.scale", value=value).to_parameter_msg()
        future = ask[kind].call_async(kind.Request(parameters=[change]))
        world.until(future.done, what="an answer")
        return future.result().results[0] if kind is SetParameters else future.result().result

    def scale():
        return statuses(world).get("left", {}).get("scale")

    world.until(lambda: scale() == "5")
    for kind in ask:
        assert set_to(None, kind).successful
        world.until(lambda: scale() == "2", what="the scale of all cameras")
        assert "out of range" in set_to(-1.0).reason
        assert set_to(3.0, kind).successful
        world.until(lambda: scale() == "3")
    node.set_parameters([Parameter("left.scale")])
    assert node.set_parameters([Parameter("left.scale", value=4.0)])[0].successful


def test_counters_problems_and_diagnostics_are_those_of_each_camera(world, node_with, publishers):
    node_with(scale=2.0)
    cameras = publishers(*NAMES)
    for name in NAMES:
        world.listen(f"{name}/depth/image_rect", Image)

    def settled():
        found = statuses(world)
        return (
            found
            and found["front"]["state"] == "running"
            and found["left"]["state"] == "frames are dropped"
            and int(found["left"]["failed"]) >= 2
        )

    def show():
        cameras["front"]()
        cameras["left"](encoding="plaid")

    world.until(settled, meanwhile=show)
    found = statuses(world)
    assert (found["front"]["failed"], found["left"]["processed"]) == ("0", "0")
    assert found["depth"]["state"] == "1 of 2 cameras are well"
    assert "left: frames are dropped: image: encoding is 'plaid'" in found["depth"]["message"]
    assert found["depth"]["level"] == found["left"]["level"] != found["front"]["level"]


def test_cameras_share_one_model_and_one_thread(world, node_with):
    node = node_with(("a", "b", "c", "d"))
    estimators = {id(camera._pipeline._estimator) for camera in node._cameras}
    assert len(node._cameras) == 4
    assert estimators == {id(node._estimator)}
    assert isinstance(node._estimator, DepthEstimator)
    assert len({id(camera._intake._queue._condition) for camera in node._cameras}) == 1


def test_a_fast_camera_does_not_starve_a_slow_one(world, node_with, publishers):
    node_with(scale=2.0)
    cameras = publishers(*NAMES)
    for name in NAMES:
        world.listen(f"{name}/depth/image_rect", Image, qos=1)
    world.until(
        lambda: all(world.got[f"{name}/depth/image_rect"] for name in NAMES),
        meanwhile=lambda: [publish() for publish in cameras.values()],
    )
    stamp = cameras["left"]()
    world.until(
        lambda: any(message.header.stamp == stamp for message in world.got["left/depth/image_rect"]),
        meanwhile=cameras["front"],
        every=0.0,
    )


def test_a_camera_without_images_is_named_with_its_topic(world, node_with, publishers):
    node_with(scale=2.0)
    (publish,) = publishers("front").values()
    world.listen("front/depth/image_rect", Image)
    cure = "nothing publishes /left/image; start the camera, or remap: --ros-args -r left/image:=/its/topic"
    world.until(lambda: cure in statuses(world).get("left", {}).get("message", ""), meanwhile=publish)


@pytest.mark.parametrize(
    ("cameras", "words"),
    [(["front", "front"], "got 'front'"), (["points"], "none of them points or color or depth"), (["9"], "got '9'")],
)
def test_names_that_cannot_be_told_apart_are_refused(world, node_with, cameras, words):
    node = node_with(cameras, autostart=False)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    world.until(lambda: words in (world.status() or ""))


def test_values_of_one_camera_may_lie_beyond_those_of_all(world, node_with):
    node = node_with(**{"front.color.min": 12.0, "front.color.max": 50.0})
    assert node._label == "active"
    refused = node.set_parameters([Parameter("left.color.min", value=12.0)])
    assert "color.max" in refused[0].reason


@pytest.mark.parametrize("name", ["front.color.min", "color.min"])
def test_values_that_contradict_each_other_stop_it_at_configure(world, node_with, name):
    world.listen_to_log()
    node = node_with(autostart=False, **{name: 12.0})
    world.until(lambda: node.count_subscribers("/rosout") == 1)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    sentence = f"{'front: ' if name.startswith('front') else ''}color.min is 12 and color.max is 10"
    world.until(lambda: any(f"stays unconfigured: {sentence}" in line for line in world.logs), what="the reason")
    assert not any("loading model" in line for line in world.logs)
    node.set_parameters([Parameter(name.replace("min", "max"), value=50.0)])
    node.set_parameters([Parameter(name, value=12.0)])
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS


@pytest.mark.parametrize(
    "places", [("color.min", "min_range"), ("front.color.min", "left.color.min"), ("color.min", "left.min_range")]
)
def test_values_that_contradict_each_other_in_two_places_can_be_set_right_one_by_one(world, node_with, places):
    node = node_with(autostart=False, **dict.fromkeys(places, 200.0))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    for name in places:
        assert node.set_parameters([Parameter(name.replace("min", "max"), value=300.0)])[0].successful
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert not node.set_parameters([Parameter(places[0], value=400.0)])[0].successful


def test_a_calibration_file_may_appear_before_configure_is_tried_again(world, node_with, tmp_path, info_message):
    from builtin_interfaces.msg import Time

    from depthart_ros.outputs.snapshot import calibration_yaml

    file = tmp_path / "front.yaml"
    node = node_with(autostart=False, **{"front.camera_info_url": str(file)})
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    file.write_bytes(calibration_yaml(info_message(Time(sec=1))))
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    refused = node.set_parameters([Parameter("left.camera_info_url", value=str(tmp_path / "typo.yaml"))])
    assert "typo.yaml" in refused[0].reason
