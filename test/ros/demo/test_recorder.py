"""What the demo does with received messages, and the bag it writes of them."""

import multiprocessing
import os
import signal

import pytest

pytest.importorskip("rclpy", reason="no ROS 2: neither sourced nor installed (extra `ros`)")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image

from depthart_core.errors import DepthartError
from depthart_ros.demo.bag import write_bag
from depthart_ros.demo.recorder import Message, complete_frames, depth_status, spread


def image(seconds, *, topic="image"):
    message = Image(height=2, width=2, encoding="rgb8", step=6, data=bytes(range(12)))
    message.header.stamp.sec, message.header.stamp.nanosec = seconds, 5
    return Message(topic, seconds * 10**9, serialize_message(message))


def test_the_stamp_is_read_from_the_serialised_header():
    assert image(1234).stamp == (1234, 5)


def test_a_message_is_parsed_to_what_was_sent():
    parsed = image(3).parsed()
    assert (parsed.encoding, bytes(parsed.data)) == ("rgb8", bytes(range(12)))


def test_a_topic_of_one_of_several_cameras_has_the_type_of_its_last_names():
    assert image(3, topic="front/depth/image_rect").parsed().encoding == "rgb8"


def test_of_all_diagnostics_those_of_the_depth_node_count():
    def told(*names):
        status = [DiagnosticStatus(name=name, message=f"of {name}") for name in names]
        return depth_status(Message("/diagnostics", 0, serialize_message(DiagnosticArray(status=status))))

    assert told("/driver: temperature", "/depth_node: depth", "/depth_node: front").message == "of /depth_node: depth"
    assert told("/driver: temperature") is None
    assert told() is None


def test_a_frame_is_complete_when_every_topic_has_its_stamp():
    messages = [image(1), image(2), image(2, topic="points"), image(3, topic="points")]
    frames = complete_frames(messages, ("image", "points"))
    assert [{topic: part.stamp for topic, part in frame.items()} for frame in frames] == [
        {"image": (2, 5), "points": (2, 5)}
    ]


@pytest.mark.parametrize(("count", "expected"), [(3, [1, 5, 8]), (10, list(range(10))), (20, list(range(10)))])
def test_spread_takes_items_from_the_whole_range(count, expected):
    assert spread(range(10), count) == expected


def test_the_bag_gives_back_every_message_bit_by_bit(tmp_path):
    rosbags = pytest.importorskip("rosbags.highlevel", reason="rosbags is not installed (extra `view`)")
    info = Message("camera_info", 2 * 10**9, serialize_message(CameraInfo(width=2, height=2)))
    sent = [image(1), info, image(3)]
    write_bag(tmp_path / "bag", sent)
    with rosbags.AnyReader([tmp_path / "bag"]) as reader:
        read = [(connection.topic, time, bytes(data)) for connection, time, data in reader.messages()]
    assert read == [(f"/{message.topic}", message.received, message.data) for message in sent]


def test_a_full_disk_is_one_sentence_and_leaves_no_part_of_a_bag(tmp_path, files_of_at_most):
    pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")
    with files_of_at_most(1000), pytest.raises(DepthartError, match="bag cannot be written: File too large"):
        write_bag(tmp_path / "bag", [image(1)])
    assert not list(tmp_path.iterdir())


def test_a_bag_replaces_the_bag_of_an_earlier_run(tmp_path):
    pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")
    write_bag(tmp_path / "bag", [image(1)])
    assert write_bag(tmp_path / "bag", [image(2)]).is_file()


def test_a_part_of_a_bag_that_a_killed_run_left_is_named_by_who_reads_it_and_replaced_by_the_next_run(tmp_path):
    pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")
    from depthart_ros.bags.source import Source

    def run_that_is_killed():
        yield image(1)
        os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(
        target=lambda: write_bag(tmp_path / "bag", run_that_is_killed()), daemon=True
    )
    process.start()
    process.join(60.0)
    assert process.exitcode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "bag").iterdir()] == ["bag.mcap"]
    with pytest.raises(DepthartError, match=r"bag cannot be read: there is no metadata.yaml in it; expected"):
        Source(tmp_path / "bag")
    assert write_bag(tmp_path / "bag", [image(2)]).is_file()
    with Source(tmp_path / "bag") as source:
        assert source.count("/image") == 1


def test_a_bag_never_replaces_a_folder_of_something_else(tmp_path):
    pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / f"{tmp_path.name}.mcap").touch()
    with pytest.raises(DepthartError, match="is no bag"):
        write_bag(tmp_path, [image(1)])
    with pytest.raises(DepthartError, match="is no bag"):
        write_bag(tmp_path / "thesis.txt", [image(1)])
    assert (tmp_path / "thesis.txt").exists()
