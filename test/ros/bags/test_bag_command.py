"""`depthart bag`: what OUT holds."""

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")


IMAGE, INFO = "/camera/image_raw", "/camera/camera_info"
ADDED = ("/depth/image_rect", "/depth/camera_info", "/points")
UNKNOWN = ("/robot/state", "robot_msgs/msg/State", "int32 mode\n", "RIHS01_" + "1" * 64, [(5, b"\0\1\0\0\7\0\0\0")])


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_everything_of_the_source_is_kept_byte_for_byte_and_in_order(bag, write_bag, recording, contents, storage):
    source = write_bag(recording(), storage=storage, others=[UNKNOWN])
    assert bag(source, out := source.with_name("out"), "--scale", 2) == 0
    assert [entry for entry in contents(out) if entry[0] not in ADDED] == contents(source)
    assert any(out.glob("*.mcap" if storage == "mcap" else "*.db3"))


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_definitions_and_qos_of_the_topics_are_kept(bag, write_bag, recording, storage):
    from rosbags.rosbag2 import Reader

    source = write_bag(recording(), storage=storage, others=[UNKNOWN])
    bag(source, out := source.with_name("out"), "--scale", 2)
    with Reader(source) as before, Reader(out) as after:
        there = {item.topic: item for item in after.connections}
        for item in before.connections:
            assert there[item.topic][1:5] == item[1:5]
            assert there[item.topic].ext == item.ext


def test_every_frame_has_depth_right_after_it_with_its_stamp_and_frame(bag, write_bag, recording, contents, added):
    source = write_bag(recording(4))
    out = source.with_name("out")
    assert bag(source, out, "--scale", 2) == 0
    names = [entry[0] for entry in contents(out)]
    assert [set(names[first : first + 5]) for first in range(0, 20, 5)] == [{INFO, IMAGE, *ADDED}] * 4
    images = added(out, IMAGE)
    for topic in ADDED:
        made = added(out, topic)
        assert [(received, message.header) for received, message in made] == [
            (received, message.header) for received, message in images
        ]


def test_the_bag_holds_what_the_node_publishes(bag, write_bag, recording, added, messages, world, toy_heads_path):
    """The same frame through the command and, over DDS, through the node: padded rows, P and K that differ."""
    from rclpy.serialization import deserialize_message, serialize_message
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    from depthart_ros.bags.message_types import serialize

    kinds = {"depth/relative": Image, "depth/image_rect": Image, "depth/camera_info": CameraInfo,
             "points": PointCloud2, "depth/image_color": Image, "depth/confidence": Image}  # fmt: skip
    source = write_bag(recording(1, lambda n: messages.image(n, padding=8)))
    options = ["-p", "points.stride:=3", "-p", "min_range:=0.5", "--topics", *kinds]
    out = source.with_name("out")
    assert bag(source, out, "--scale-source", "model", *options) == 0
    world.depth_node(model=str(toy_heads_path), backend="torch", scale_source="model", points__stride=3, min_range=0.5)
    for topic, kind in kinds.items():
        world.listen(topic, kind)
    images, infos = (
        world.peer.create_publisher(kind, name, 1) for kind, name in ((Image, "image"), (CameraInfo, "camera_info"))
    )
    image = deserialize_message(bytes(serialize(messages.image(0, padding=8))), Image)
    info = deserialize_message(bytes(serialize(messages.info(0))), CameraInfo)

    def show():
        infos.publish(info)
        images.publish(image)

    world.until(lambda: all(world.got[topic] for topic in kinds), what="outputs", meanwhile=show)
    for topic, kind in kinds.items():
        [(_, made)] = added(out, f"/{topic}")
        assert deserialize_message(bytes(serialize(made)), kind) == world.got[topic][-1], topic
    assert serialize_message(image)


def test_compressed_pictures_give_the_depth_of_the_same_raw_ones(bag, write_bag, recording, added, messages):
    raw = write_bag(recording(2), name="raw")
    compressed = write_bag(recording(2, messages.compressed), name="compressed")
    for path in (raw, compressed):
        assert bag(path, path.with_name(f"{path.name}_out"), "--scale", 2) == 0
    ours, theirs = (added(path.with_name(f"{path.name}_out"), "/depth/image_rect") for path in (raw, compressed))
    assert [bytes(message.data) for _, message in ours] == [bytes(message.data) for _, message in theirs]


def test_the_namespace_stands_before_the_topics(bag, write_bag, recording, contents):
    source = write_bag(recording(1))
    assert bag(source, out := source.with_name("out"), "--scale", 2, "--namespace", "/front/") == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, INFO, *(f"/front{topic}" for topic in ADDED)}
