"""Which messages of a bag make frames."""

import contextlib
import pickle
import shutil
import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from depthart_core.geometry import Intrinsics
from training.data.bag import open_bag
from training.data.loader import batches
from training.data.sample import DataError, readable
from training.data.source import open_named

pytest.importorskip("rosbags")

HEIGHT, WIDTH = 6, 8
START = 1_700_000_000 * 10**9
IMAGE, DEPTH, INFO = "/camera/color/image_raw", "/camera/aligned_depth/image_raw", "/camera/color/camera_info"


def test_pictures_and_depth_are_paired_by_stamp(write_bag, messages, storage):
    frames = open_bag(write_bag(messages.recording(), storage))
    assert [frame.name for frame in frames] == [f"run/{START + 33 * 10**6 * n}" for n in range(3)]
    assert [round(float(np.nanmax(frame.depth)), 6) for frame in frames] == [1, 2, 3]
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == [100, 101, 102]


def test_threads_read_one_bag_at_once(write_bag, messages, storage):
    frames = open_bag(write_bag(messages.recording(), storage))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda n: frames[n % 3].name, range(60)))
    assert found == [frames[n % 3].name for n in range(60)]


def test_a_single_file_of_a_bag_opens_too(write_bag, messages, storage):
    folder = write_bag(messages.recording(), storage)
    [file] = [path for path in folder.iterdir() if path.suffix in (".mcap", ".db3")]
    assert len(open_bag(file)) == 3


def test_one_file_of_a_recording_that_was_split_is_warned_of(write_bag, messages):
    folder = write_bag(messages.recording())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        open_bag(folder / "run.mcap")
    shutil.copy(folder / "run.mcap", folder / "run_1.mcap")
    with warnings.catch_warnings():  # of another recording, as far as the metadata go
        warnings.simplefilter("error", UserWarning)
        open_bag(folder / "run_1.mcap")
    metadata = folder / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("run.mcap", "run.mcap, run_1.mcap"))
    with pytest.warns(UserWarning, match=rf"run.mcap is one of the 2 files of a recording, .*: {folder} is all of it"):
        open_bag(folder / "run.mcap")


def test_messages_without_a_stamp_are_paired_and_read_by_when_they_were_received(write_bag, messages, storage):
    content = messages.one_frame(
        messages.image(None, messages.red(), "rgb8"), messages.image(None, messages.millimetres(2000), "16UC1")
    )
    [frame] = open_bag(write_bag(content, storage))
    assert frame.name == f"run/{START}"
    assert frame.rgb[0, 0].tolist() == [200, 0, 0]
    np.testing.assert_allclose(frame.depth[1:], 2)


def test_of_raw_and_compressed_pictures_of_one_camera_the_raw_ones_are_taken(write_bag, messages):
    data = cv2.imencode(".png", messages.red()[..., ::-1])[1].tobytes()
    extra = [(f"{IMAGE}/compressed", messages.compressed(33 * n, data, "rgb8; png compressed bgr8")) for n in range(3)]
    frames = open_bag(write_bag([*messages.recording(), *extra]))
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == [100, 101, 102]
    chosen = open_bag(write_bag([*messages.recording(), *extra], name="chosen"), image=f"{IMAGE}/compressed")
    assert chosen[0].rgb[0, 0, 0] == 200


def test_another_camera_info_than_that_beside_the_picture_can_be_chosen(write_bag, messages):
    kind, other = messages.info(0)
    other.k[0] = 70
    bag = write_bag([*messages.recording(), ("/calibrated/camera_info", (kind, other))])
    assert open_bag(bag)[0].intrinsics.fx == 50
    assert open_bag(bag, info="/calibrated/camera_info")[0].intrinsics.fx == 70
    with pytest.raises(DataError, match=rf"info=/none is none of its info topics; .* /calibrated/camera_info, {INFO}"):
        open_bag(bag, info="/none")


def test_a_recording_without_camera_info_is_read_with_the_camera_that_is_given(write_bag, messages, storage):
    content = [(topic, message) for topic, message in messages.recording() if topic != INFO]
    bag = write_bag(content, storage)
    with pytest.raises(DataError, match=r"has no info topic; it has .*; without one: PATH\?camera=FX,FY,CX,CY \[px"):
        open_bag(bag)
    frames = open_bag(bag, camera="61.5,60,4,3.25")
    assert len(frames) == 3
    height, width = frames[0].rgb.shape[:2]
    assert frames[0].intrinsics == Intrinsics(width, height, 61.5, 60, 4, 3.25)
    assert open_named(f"own={bag}?camera=61.5,60,4,3.25").samples[2].intrinsics.fx == 61.5


def test_the_camera_that_is_given_takes_the_place_of_a_camera_info(write_bag, messages):
    frames = open_bag(write_bag(messages.recording()), camera="61.5,60,4,3.25")
    assert frames[0].intrinsics.fx == 61.5


@pytest.mark.parametrize("camera", ["", "60,60,4", "60,60,4,x", "0,60,4,3", "nan,60,4,3"])
def test_a_camera_that_cannot_be_one_is_named(write_bag, messages, camera):
    with pytest.raises(DataError, match=rf"camera={camera}: .*expected camera=FX,FY,CX,CY \[px of the pictures\]"):
        open_bag(write_bag(messages.recording()), camera=camera)


@pytest.mark.parametrize("option", [{"info": INFO}, {"rectified": "true"}])
def test_a_camera_goes_with_nothing_that_is_about_camera_info(write_bag, messages, option):
    with pytest.raises(DataError, match="camera=60,60,4,3 stands for camera_info, expected no info and no rectified"):
        open_bag(write_bag(messages.recording()), camera="60,60,4,3", **option)


def test_depth_of_another_size_than_the_pictures_is_an_error_with_a_camera_given_too(write_bag, messages):
    content = [
        (IMAGE, messages.image(0, messages.red(), "rgb8")),
        (DEPTH, messages.image(0, messages.millimetres(1000)[:2], "16UC1")),
    ]
    frames = open_bag(write_bag(content), camera="60,60,4,3")
    with pytest.raises(DataError, match=f"{DEPTH} is .* as the first picture on {IMAGE}"):
        frames[0]


def test_a_topic_that_cannot_be_read_hides_no_other_and_is_not_looked_at_where_both_are_named(write_bag, messages):
    other = ("/other/depth", messages.compressed(0, bytes(40), "16UC1; compressedDepth rvl"))
    bag = write_bag([*messages.recording(), other])
    with pytest.warns(UserWarning, match="left out /other/depth: .*RVL"):
        assert len(open_bag(bag)) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(open_bag(bag, image=IMAGE, depth=DEPTH)) == 3
    with pytest.raises(
        DataError, match=rf"depth=/other/depth is none .* one of {DEPTH}, .*cannot be read: /other.*RVL"
    ):
        open_bag(bag, image=IMAGE, depth="/other/depth")


def test_the_topic_has_to_be_named_where_there_are_several(write_bag, messages):
    extra = ("/infra/image_raw", messages.image(0, np.zeros((HEIGHT, WIDTH), np.uint8), "mono8"))
    bag = write_bag([*messages.recording(), extra])
    with pytest.raises(DataError, match=rf"image topics: {IMAGE}, /infra/image_raw; .*PATH\?image=/topic&depth=/topic"):
        open_bag(bag)
    assert len(open_bag(bag, image=IMAGE)) == 3
    with pytest.raises(DataError, match=rf"depth={IMAGE} is none of its depth topics; expected one of {DEPTH}"):
        open_bag(bag, image=IMAGE, depth=IMAGE)


def test_a_bag_without_depth_says_so(write_bag, messages):
    content = [entry for entry in messages.recording() if entry[0] != DEPTH]
    with pytest.raises(DataError, match=rf"has no depth topic; it has .*{IMAGE} \(sensor_msgs/msg/Image\)"):
        open_bag(write_bag(content))


def test_stamps_farther_apart_than_the_tolerance_make_no_pair(write_bag, messages):
    bag = write_bag(messages.recording())
    with pytest.raises(
        DataError, match=r"no stamps of .* within 0.001 s, the closest are 0.005 s apart \(\?tolerance="
    ):
        open_bag(bag, tolerance="0.001")
    with pytest.raises(DataError, match=r"expected tolerance=SECONDS"):
        open_bag(bag, tolerance="short")


def test_most_messages_without_a_partner_and_depth_of_another_frame_are_warned_of(write_bag, messages):
    content = list(messages.recording())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert len(open_bag(write_bag(content))) == 3
    lonely = [(DEPTH, messages.image(300 + 100 * n, messages.millimetres(1000), "16UC1")) for n in range(4)]
    lonely += [(IMAGE, messages.image(2000 + n, messages.red(), "rgb8")) for n in range(3)]
    with pytest.warns(UserWarning, match=r"only 3 of 7 messages have a partner within 0.02 s \(\?tolerance=SECONDS\)"):
        assert len(open_bag(write_bag([*content, *lonely], name="lonely"))) == 3
    for topic, (_, message) in content:
        if topic == DEPTH:
            message.header.frame_id = "depth_camera"
    with pytest.warns(UserWarning, match=rf"{DEPTH} is in the frame 'depth_camera', pictures in 'camera': depth has"):
        assert len(open_bag(write_bag(content, name="other"))) == 3
    for frame in ("", "/camera"):
        for topic, (_, message) in content:
            if topic == DEPTH:
                message.header.frame_id = frame
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            open_bag(write_bag(content, name=f"same{len(frame)}"))


def test_depth_that_is_not_registered_to_the_picture_is_an_error(write_bag, messages):
    small = messages.image(0, np.ones((3, 4), np.uint16), "16UC1")
    frames = open_bag(write_bag(messages.one_frame(messages.image(0, messages.red(), "rgb8"), small)))
    with pytest.raises(DataError, match=rf"{DEPTH} is \(3, 4\), expected \(6, 8\) as {INFO}"):
        frames[0]


def test_a_corrupt_message_is_skipped_and_named(write_bag, messages):
    content = list(messages.recording())
    content[3][1][1].data = content[3][1][1].data[:10]
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 .*step is 16 with 10 bytes of data, expected rows of"):
        assert len(list(readable(open_bag(write_bag(content))))) == 2


def test_a_recording_that_cannot_be_opened_says_why_and_what_helps(write_bag, messages):
    folder = write_bag(messages.recording())
    [file] = folder.glob("*.mcap")
    file.write_bytes(file.read_bytes()[:-100])
    for path in (file, folder):
        with pytest.raises(DataError, match=r"run(.mcap)? cannot be read: .*run.mcap was cut short: `mcap recover`"):
            open_bag(path)


@pytest.mark.parametrize("topic", [INFO, IMAGE])
def test_a_topic_whose_messages_are_not_there_though_they_are_counted_is_named(write_bag, messages, topic):
    folder = write_bag(messages.recording(), "sqlite3")
    with contextlib.closing(sqlite3.connect(folder / "run.db3")) as content, content:
        content.execute("DELETE FROM messages WHERE topic_id = (SELECT id FROM topics WHERE name = ?)", (topic,))
    with pytest.raises(DataError, match=rf"run: no message on {topic}, expected as many as its metadata counts"):
        open_bag(folder)


def test_frames_travel_into_another_process(write_bag, messages, storage):
    frames = open_bag(write_bag(messages.recording(), storage))
    first = frames[0]
    again = pickle.loads(pickle.dumps(frames[:1]))
    assert (again[0].rgb == first.rgb).all()


def test_worker_processes_read_the_same_while_this_one_has_the_bag_open(write_bag, messages, storage):
    frames = open_bag(write_bag(messages.recording(), storage))
    here, there = (
        [next(loaded) for _ in range(2)]
        for loaded in (batches(frames, 3, workers=workers, views=None, size=8) for workers in (0, 1))
    )
    for ours, theirs in zip(here, there, strict=True):
        assert ours.names == theirs.names
        assert (ours.rgb == theirs.rgb).all()
