"""What the node says of itself in messages: /diagnostics and ~/statistics."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from diagnostic_msgs.msg import DiagnosticArray


def test_statistics_are_the_numbers_of_the_diagnostics_alone(
    world, make_camera, toy_model_path, rgb_message, info_message
):
    camera = make_camera(("depth/image_rect",))
    world.listen("/depth_node/statistics", DiagnosticArray)
    world.depth_node(model=str(toy_model_path), threads=1, scale=2.0)
    camera.connect()
    stamp = world.now()
    camera.show(rgb_message(stamp), info_message(stamp), until=camera.all_came)

    def numbers():
        messages = world.got["/depth_node/statistics"]
        return {pair.key: float(pair.value) for pair in messages[-1].status[0].values} if messages else {}

    needed = {"received_rate", "stamp_to_publish_p95_ms", "arrival_to_publish_p99_ms", "memory_mib", "waiting"}
    world.until(lambda: numbers().get("processed", 0) >= 1 and needed <= set(numbers()), what="statistics")
    world.until(lambda: world.status() and set(numbers()) <= set(world.values()), what="the diagnostics beside them")
    assert world.got["/depth_node/statistics"][-1].status[0].name == "/depth_node: depth"


def test_the_stages_of_a_frame_are_about_as_long_as_the_whole(world, make_camera, toy_model_path, rgb_message):
    camera = make_camera(("depth/relative",))
    world.depth_node(model=str(toy_model_path), threads=1)
    camera.connect()
    image = rgb_message(world.now())
    camera.show(image, until=lambda: world.status() and "arrival_to_publish_p99_ms" in world.values())

    def settled():  # every frame with all of its stages
        received, *ends = (int(world.values()[key]) for key in ("received", "processed", "replaced", "idle"))
        return received == sum(ends)

    world.until(settled, what="the end of every frame")
    values = {key: float(world.values()[f"{key}_p50_ms"]) for key in ("decode", "infer", "publish")}
    assert sum(values.values()) <= float(world.values()["arrival_to_publish_p99_ms"])
