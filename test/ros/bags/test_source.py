"""Which topics of a bag are the camera's, and bags that cannot be read."""

import contextlib
import sqlite3

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")

from depthart_ros.bags.source import Source, choose_topics
from depthart_ros.errors import BagError

IMAGE, INFO = "/camera/image_raw", "/camera/camera_info"


def chosen(bag, image=None, info=None):
    with Source(bag) as source:
        topics = choose_topics(source, image=image, info=info)
    return topics.image, topics.info


def test_the_only_pictures_and_the_camera_info_beside_them_are_found(write_bag, recording):
    assert chosen(write_bag(recording())) == (IMAGE, INFO)


def test_depth_is_no_picture_of_a_camera(write_bag, recording, messages):
    depth = messages.image(0, encoding="16UC1", values=np.zeros((48, 64), np.uint16))
    assert chosen(write_bag([*recording(), ("/aligned_depth/image_raw", depth, 9)])) == (IMAGE, INFO)


def test_raw_pictures_come_before_the_same_compressed(write_bag, recording, messages):
    extra = [(f"{IMAGE}/compressed", messages.compressed(0), 9)]
    assert chosen(write_bag([*recording(), *extra]))[0] == IMAGE


def test_compressed_pictures_have_their_camera_info_one_level_up(write_bag, recording, messages):
    content = [(f"{IMAGE}/compressed", messages.compressed(0), 9), (INFO, messages.info(0), 8)]
    assert chosen(write_bag([*content, ("/other/camera_info", messages.info(0), 7)])) == (f"{IMAGE}/compressed", INFO)


def test_raw_and_compressed_pictures_may_have_their_camera_info_two_levels_up(write_bag, recording, messages):
    infos = [(INFO, messages.info(0), 8), ("/other/camera_info", messages.info(0), 7)]
    image = "/camera/left/image_raw"
    assert chosen(write_bag([(image, messages.image(0), 9), *infos], name="raw")) == (image, INFO)
    packed = f"{image}/compressed"
    assert chosen(write_bag([(packed, messages.compressed(0), 9), *infos], name="packed")) == (packed, INFO)


def test_several_cameras_are_named_and_one_has_to_be_chosen(write_bag, recording, messages):
    bag = write_bag([*recording(), ("/rear/image_raw", messages.image(0), 9)])
    with pytest.raises(BagError, match=r"several image topics: /camera/image_raw, /rear/image_raw; .*--image"):
        chosen(bag)
    assert chosen(bag, image="/rear/image_raw") == ("/rear/image_raw", INFO)


def test_without_pictures_the_topics_are_named(write_bag, messages):
    with pytest.raises(BagError, match=r"no image topic; .*/camera/camera_info \(sensor_msgs/msg/CameraInfo\)"):
        chosen(write_bag([(INFO, messages.info(0), 1)]))


def test_pictures_that_are_counted_and_not_there_are_named(write_bag, recording):
    bag = write_bag(recording(), storage="sqlite3")
    [file] = bag.glob("*.db3")
    with contextlib.closing(sqlite3.connect(file)) as content, content:
        content.execute("DELETE FROM messages WHERE topic_id = (SELECT id FROM topics WHERE name = ?)", (IMAGE,))
    with pytest.raises(BagError, match=rf"no message on {IMAGE}, expected as many as its metadata counts"):
        chosen(bag)


def test_an_empty_bag_says_so(write_bag):
    with pytest.raises(BagError, match=r"no image topic; .* no messages at all"):
        chosen(write_bag([]))


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"image": "/nothing"}, "--image /nothing is not in the bag; .* offers /camera/image_raw"),
        ({"image": INFO}, f"--image {INFO} is of type sensor_msgs/msg/CameraInfo"),
        ({"info": IMAGE}, f"--camera-info {IMAGE} is of type sensor_msgs/msg/Image; .* offers {INFO}"),
    ],
)
def test_a_topic_that_does_not_do_is_refused_with_those_that_do(write_bag, recording, choice, sentence):
    with pytest.raises(BagError, match=sentence):
        chosen(write_bag(recording()), **choice)


@pytest.fixture
def recorded_file(write_bag, recording):
    """A function that gives the one file of a bag."""

    def make(storage):
        [file] = [path for path in write_bag(recording(), storage=storage).iterdir() if path.suffix != ".yaml"]
        return file

    return make


def refusal(bag):
    with pytest.raises(BagError, match="cannot be read: ") as told:
        Source(bag)
    return str(told.value)


def test_a_recording_cut_short_says_what_helps(recorded_file):
    file = recorded_file("mcap")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    cure = " (in.mcap was cut short: `mcap recover`, then `ros2 bag reindex` for a folder)"
    assert refusal(file).endswith(cure)
    assert refusal(file.parent).endswith(cure)
    (file.parent / "metadata.yaml").unlink()
    told = refusal(file.parent)
    assert "there is no metadata.yaml in it; " in told
    assert told.endswith(cure)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_metadata_that_is_missing_is_made_anew(recorded_file, storage):
    file = recorded_file(storage)
    (file.parent / "metadata.yaml").unlink()
    assert refusal(file.parent).endswith("(`ros2 bag reindex` makes metadata.yaml anew)")
    assert chosen(file) == (IMAGE, INFO)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_any_other_damage_is_given_no_cure_that_would_not_help(recorded_file, storage):
    """`.recover` of SQLite is not in the sqlite3 of Ubuntu and Debian, and needs the pages that were cut off."""
    file = recorded_file(storage)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] if storage == "sqlite3" else data[:8] + bytes(40) + data[48:])
    assert refusal(file).endswith(" file")
    assert refusal(file.parent).endswith(" file")


def test_something_else_is_no_bag_and_nothing_recovers_it(tmp_path):
    for name in ("notes.txt", "film.mp4", "empty.db3", "empty.mcap"):
        (tmp_path / name).write_text("" if name.startswith("empty") else "no bag")
    for path in (tmp_path, *tmp_path.iterdir(), tmp_path / "nothing"):
        with pytest.raises(BagError, match="cannot be read") as error:
            Source(path)
        assert "recover" not in str(error.value)
