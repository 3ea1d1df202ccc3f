"""How much work depth_node does for whom: subscribers, unknown scale, counters."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, PointCloud2

SCALE = 2.5


def depth_of(image):
    return np.frombuffer(image.data, np.float32).reshape(image.height, image.width)


@pytest.fixture
def lingering(monkeypatch):
    """Images are taken for as long as a loaded machine needs, though nobody listens."""
    monkeypatch.setattr("depthart_ros.intake.LINGER", 600.0)


def test_nobody_listening_means_no_work(world, lingering, make_camera, toy_model_path, rgb_message):
    camera = make_camera(())
    node = world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE)
    camera.connect()
    counters = node._cameras[0]._statistics._counters
    for number in range(1, 6):  # one by one: a newer image would replace one that waits
        camera.images.publish(rgb_message(world.now()))
        world.until(lambda number=number: counters["received"] == counters["idle"] == number, what="the image")
    world.until(lambda: world.got["/diagnostics"] and world.values()["received"] == "5", what="diagnostics")
    values = world.values()
    assert (values["processed"], values["idle"]) == ("0", "5")
    assert "infer_p50_ms" not in values
    camera.show(rgb_message(world.now()), until=lambda: world.values()["state"] == "idle")
    assert world.values()["processed"] == "0"


def test_images_are_not_even_received_while_nobody_listens_and_come_again_when_somebody_does(
    world, lingering, make_camera, toy_model_path, rgb_message, monkeypatch
):
    camera = make_camera(())
    world.depth_node(model=str(toy_model_path), threads=1)
    camera.connect()
    monkeypatch.setattr("depthart_ros.intake.LINGER", 0.5)  # not before: it would end before everybody hears everybody
    world.until(lambda: camera.images.get_subscription_count() == 0, what="the end of the subscription")
    world.until(lambda: world.status() and world.values()["state"] == "idle", what="the state")
    listener = world.listen("depth/relative", Image)
    camera.show(rgb_message(world.now()), until=lambda: world.got["depth/relative"])
    assert next_values(world)["received_rate"] != "0.00"
    world.peer.destroy_subscription(listener)
    world.until(lambda: camera.images.get_subscription_count() == 0, what="the end of the subscription")
    assert {next_values(world)[key] for key in ("received_rate", "processed_rate")} == {"0.00"}
    world.until(lambda: world.values()["state"] == "idle", what="the state")


def next_values(world):
    """The key-value pairs of the status after the next one, which may still be of what was before."""
    world.got["/diagnostics"].clear()
    world.until(lambda: len(world.got["/diagnostics"]) == 2, what="diagnostics")
    return world.values()


def test_a_cloud_that_is_thinned_by_request_is_no_loss_of_frames(
    world, make_camera, toy_model_path, rgb_message, info_message
):
    camera = make_camera(("points",))
    world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE, points__max_rate=0.5)
    camera.connect()
    camera.infos.publish(info_message(world.now()))
    world.until(
        lambda: len(world.got["points"]) >= 3 and world.values()["state"] == "running",
        meanwhile=lambda: camera.images.publish(rgb_message(world.now())),
        every=0.2,
    )
    assert float(world.values()["idle_rate"]) > float(world.values()["processed_rate"]) > 0.0
    assert world.status() == "running"


def test_only_what_is_listened_to_is_made(world, make_camera, toy_model_path, rgb_message, info_message):
    camera = make_camera(("depth/image_rect",))
    node = world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE)
    camera.connect()
    stamp = world.now()
    camera.show(rgb_message(stamp), info_message(stamp), until=camera.all_came)
    assert set(node._cameras[0]._pipeline._builder.memory) == {"depth/image_rect"}  # no other message was even made


def test_an_unknown_scale_gives_relative_depth_and_colour_alone_and_says_how_to_get_metres(
    world, camera, toy_model_path, rgb_message, info_message
):
    world.listen_to_log()
    world.depth_node(model=str(toy_model_path), threads=1)
    camera.connect()
    stamp = world.now()
    camera.show(
        rgb_message(stamp),
        info_message(stamp),
        until=lambda: (
            len(world.got["depth/relative"]) >= 3 and world.got["depth/image_color"] and world.got["/diagnostics"]
        ),
    )
    assert not any(world.got[topic] for topic in ("depth/image_rect", "depth/camera_info", "points"))
    world.until(lambda: "relative depth only" in (world.status() or ""), what="the state")
    assert "ros2 param set /depth_node scale VALUE" in world.status()
    world.until(lambda: any("scale is unknown" in line for line in world.logs), what="the log")
    assert len([line for line in world.logs if "scale is unknown" in line]) == 1


def test_a_scale_set_while_running_brings_metres(world, camera, toy_model_path, rgb_message, info_message):
    node = world.depth_node(model=str(toy_model_path), threads=1)
    camera.connect()
    stamp = world.now()
    camera.show(rgb_message(stamp), info_message(stamp), until=lambda: world.got["depth/relative"])
    result = node.set_parameters([Parameter("scale", value=SCALE)])[0]
    assert result.successful, result.reason
    camera.show(rgb_message(stamp), info_message(stamp), until=camera.all_came)
    depth, relative = depth_of(world.got["depth/image_rect"][-1]), depth_of(world.got["depth/relative"][-1])
    np.testing.assert_allclose(depth, SCALE * relative, rtol=1e-6)


def test_a_camera_slower_than_the_patience_of_the_diagnostics_is_not_called_silent(
    world, make_camera, toy_model_path, rgb_message
):
    camera = make_camera(("depth/relative",))
    node = world.depth_node(model=str(toy_model_path), threads=1)
    camera.connect()
    intake, period = node._cameras[0]._intake, 2.0
    camera.images.publish(rgb_message(world.now()))
    world.until(lambda: world.got["depth/relative"], what="depth")
    assert intake.interval == 0.0, "that nothing came until now says nothing of the camera"
    world.until(
        lambda: len(world.got["depth/relative"]) >= 4,
        meanwhile=lambda: camera.images.publish(rgb_message(world.now())),
        every=period,
    )
    assert 0.5 * period < intake.interval < 5 * period
    world.until(lambda: intake.silence > 1.2 * period, what="silence")
    world.got["/diagnostics"].clear()
    world.until(lambda: world.got["/diagnostics"], what="diagnostics")
    assert world.values()["state"] != "no image"


def test_every_frame_is_counted_once(world, camera, toy_model_path, rgb_message, info_message):
    world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE)
    camera.connect()
    stamp = world.now()
    camera.show(rgb_message(stamp), info_message(stamp), until=camera.all_came)

    def counted():
        return {key: int(value) for key, value in world.values().items() if value.isdecimal()}

    def settled():
        values = counted()
        return values["received"] == sum(values[end] for end in ("processed", "replaced", "too_old", "idle", "failed"))

    world.until(
        lambda: world.got["/diagnostics"] and counted()["received"] >= 10,
        what="images",
        meanwhile=lambda: camera.images.publish(rgb_message(world.now())),
        every=0.01,
    )
    world.until(settled, what="counters that add up")
    assert {
        f"{stage}_p{p}_ms" for stage in ("decode", "infer", "publish", "stamp_to_publish") for p in (50, 95, 99)
    } <= set(world.values())


def test_a_bad_image_is_forgotten_after_a_good_one_even_while_nobody_listens(
    world, lingering, make_camera, toy_model_path, rgb_message
):
    camera = make_camera(())
    world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE)
    camera.connect()
    bad = rgb_message(world.now(), encoding="plaid")
    camera.show(bad, until=lambda: "plaid" in (world.status() or ""))
    good = rgb_message(world.now())
    camera.show(good, until=lambda: world.status() and world.values()["state"] == "idle")
    assert "plaid" not in world.status()


def test_a_bad_camera_info_is_forgotten_when_nobody_listens_to_the_cloud_any_more(
    world, make_camera, toy_model_path, rgb_message, info_message
):
    camera = make_camera(("depth/image_rect",))
    cloud = world.listen("points", PointCloud2)
    world.depth_node(model=str(toy_model_path), threads=1, scale=SCALE)
    camera.connect()
    image, info = rgb_message(world.now()), info_message(world.now(), width=7)
    camera.show(image, info, until=lambda: "camera_info: it is for images of 7x" in (world.status() or ""))
    world.peer.destroy_subscription(cloud)
    camera.show(image, info, until=lambda: "camera_info" not in world.status() and camera.all_came())
