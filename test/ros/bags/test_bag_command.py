"""`depthart bag`: what OUT holds, what happens at interruptions, and what is refused."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")

from depthart_ros.bags.message_types import read
from depthart_ros.cli.main import main
from depthart_ros.inputs.camera_model import intrinsics_from_fov
from depthart_ros.inputs.fallback import pinhole
from depthart_ros.outputs.snapshot import calibration_yaml

IMAGE, INFO = "/camera/image_raw", "/camera/camera_info"
ADDED = ("/depth/image_rect", "/depth/camera_info", "/points")
UNKNOWN = ("/robot/state", "robot_msgs/msg/State", "int32 mode\n", "RIHS01_" + "1" * 64, [(5, b"\0\1\0\0\7\0\0\0")])
MANY = 300  # frames: some seconds of work after the first answers


@pytest.fixture
def bag(toy_heads_path):
    """A function that runs `depthart bag` with the toy model."""
    return lambda *arguments: main(["bag", *map(str, arguments), "--model", str(toy_heads_path), "--backend", "torch"])


def added(contents, path, topic):
    return [(received, read(data, kind)) for name, received, kind, data in contents(path) if name == topic]


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


def test_every_frame_has_depth_right_after_it_with_its_stamp_and_frame(bag, write_bag, recording, contents):
    source = write_bag(recording(4))
    out = source.with_name("out")
    assert bag(source, out, "--scale", 2) == 0
    names = [entry[0] for entry in contents(out)]
    assert [set(names[first : first + 5]) for first in range(0, 20, 5)] == [{INFO, IMAGE, *ADDED}] * 4
    images = added(contents, out, IMAGE)
    for topic in ADDED:
        made = added(contents, out, topic)
        assert [(received, message.header) for received, message in made] == [
            (received, message.header) for received, message in images
        ]


def test_the_bag_holds_what_the_node_publishes(bag, write_bag, recording, contents, messages, world, toy_heads_path):
    """The same frame through the command and, over DDS, through the node: padded rows, P and K that differ."""
    from rclpy.serialization import deserialize_message, serialize_message
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    from depthart_ros.bags.message_types import written

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
    image = deserialize_message(bytes(written(messages.image(0, padding=8))), Image)
    info = deserialize_message(bytes(written(messages.info(0))), CameraInfo)

    def show():
        infos.publish(info)
        images.publish(image)

    world.until(lambda: all(world.got[topic] for topic in kinds), what="outputs", meanwhile=show)
    for topic, kind in kinds.items():
        [(_, made)] = added(contents, out, f"/{topic}")
        assert deserialize_message(bytes(written(made)), kind) == world.got[topic][-1], topic
    assert serialize_message(image)


def test_compressed_pictures_give_the_depth_of_the_same_raw_ones(bag, write_bag, recording, contents, messages):
    raw = write_bag(recording(2), name="raw")
    compressed = write_bag(recording(2, messages.compressed), name="compressed")
    for path in (raw, compressed):
        assert bag(path, path.with_name(f"{path.name}_out"), "--scale", 2) == 0
    ours, theirs = (
        added(contents, path.with_name(f"{path.name}_out"), "/depth/image_rect") for path in (raw, compressed)
    )
    assert [bytes(message.data) for _, message in ours] == [bytes(message.data) for _, message in theirs]


def test_the_namespace_stands_before_the_topics(bag, write_bag, recording, contents):
    source = write_bag(recording(1))
    assert bag(source, out := source.with_name("out"), "--scale", 2, "--namespace", "/front/") == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, INFO, *(f"/front{topic}" for topic in ADDED)}


def test_without_a_scale_depth_is_relative_and_that_is_said(bag, write_bag, recording, contents, capsys):
    source = write_bag(recording(1))
    assert bag(source, out := source.with_name("out")) == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, INFO, "/depth/relative"}
    assert (
        "without depth/image_rect: the scale is unknown; give --scale, or --scale-source model"
        in capsys.readouterr().out
    )


def test_without_camera_info_there_are_metres_but_no_cloud_and_that_is_said(
    bag, write_bag, recording, contents, capsys
):
    source = write_bag([entry for entry in recording(1) if entry[0] == IMAGE])
    assert bag(source, out := source.with_name("out"), "--scale", 2) == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, "/depth/image_rect"}
    assert "without points: " in (said := capsys.readouterr().out)
    assert "name one with --camera-info, or give -p fov_deg:=DEGREES" in said


@pytest.mark.parametrize(("options", "said"), [((), 1), (("-p", "rectified:=false"), 0)])
def test_raw_images_of_a_bag_that_are_taken_for_rectified_ones_are_said_once(
    bag, write_bag, recording, capsys, options, said
):
    source = write_bag(recording())
    assert bag(source, source.with_name("out"), "--scale", 2, *options) == 0
    assert capsys.readouterr().err.count(f"{IMAGE} sounds like raw images, but `rectified` is true") == said


def test_a_guessed_scale_without_camera_info_leaves_relative_depth(bag, write_bag, recording, contents, capsys):
    source = write_bag([entry for entry in recording(1) if entry[0] == IMAGE])
    assert bag(source, out := source.with_name("out"), "--scale-source", "model") == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, "/depth/relative"}
    assert "its scale needs a camera_info" in capsys.readouterr().out


@pytest.mark.parametrize("metres", [("--scale", 2), ("--scale-source", "model")])
def test_a_field_of_view_stands_in_for_camera_info(bag, write_bag, recording, contents, messages, metres):
    source = write_bag([entry for entry in recording(2) if entry[0] == IMAGE])
    out = source.with_name("out")
    assert bag(source, out, *metres, "-p", "fov_deg:=80.0") == 0
    [_, (_, depth)], [_, (_, info)], [_, (_, cloud)] = (added(contents, out, topic) for topic in ADDED)
    height, width = messages.pixels(1).shape[:2]
    k = pinhole(intrinsics_from_fov(width, height, 80.0)).k
    np.testing.assert_array_equal(info.k, k)
    z = depth.data.view(np.float32).reshape(height, width)
    v, u = np.mgrid[:height, :width]
    expected = np.stack([(u - k[2]) * z / k[0], (v - k[5]) * z / k[4], z], axis=-1)
    points = cloud.data.view(np.float32).reshape(height, width, -1)[..., :3]
    np.testing.assert_allclose(points, expected, rtol=0, atol=1e-5)


def test_a_calibration_file_stands_in_for_camera_info_exactly(bag, write_bag, recording, contents, messages, tmp_path):
    with_info = write_bag(recording(2), name="with")
    without = write_bag([entry for entry in recording(2) if entry[0] == IMAGE], name="without")
    (tmp_path / "camera.yaml").write_bytes(calibration_yaml(messages.info(0)))
    for source, options in ((with_info, ()), (without, ("-p", f"camera_info_url:={tmp_path / 'camera.yaml'}"))):
        assert bag(source, source.with_name(f"{source.name}_out"), "--scale", 2, *options) == 0
    ours, theirs = (
        [entry for entry in contents(tmp_path / f"{name}_out") if entry[0] in ADDED] for name in ("without", "with")
    )
    assert ours == theirs


@pytest.mark.parametrize("name", ["answers", "replaced", "bag"])
def test_out_may_be_called_like_what_is_kept_meanwhile(bag, write_bag, recording, name):
    source = write_bag(recording(1))
    for more in ([], ["--force"]):
        assert bag(source, source.with_name(name), "--scale", 2, *more) == 0
    assert sorted(path.name for path in source.parent.iterdir()) == sorted(["in", name])


def test_a_bag_where_something_is_already_is_refused(tmp_path, write_bag, recording):
    from depthart_ros.bags.source import Source
    from depthart_ros.bags.target import Target
    from depthart_ros.errors import BagError

    with Source(write_bag(recording(1))) as source, pytest.raises(BagError, match="cannot be written"):
        Target(tmp_path, storage="mcap", source=source, added={})


def scales(contents, out):
    """Metres per unit of what two topics of a bag say."""
    relative, metric = (added(contents, out, f"/{name}")[0][1] for name in ("depth/relative", "depth/image_rect"))
    return float(np.nanmedian(metric.data.view(np.float32) / relative.data.view(np.float32)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--camera", "front"), 3.0),
        (("--camera", "left"), 2.0),
        (("--camera", "front", "--scale", 4), 4.0),
        ((), 2.0),
    ],
)
def test_a_camera_has_its_own_parameters_and_without_one_they_are_named(
    bag, write_bag, recording, contents, capsys, options, expected
):
    source = write_bag(recording(1))
    given = [word for text in ("cameras:=[front, left]", "scale:=2", "front.scale:=3.0") for word in ("-p", text)]
    given += ["-p", "min_range:=0", "--topics", "depth/relative", "depth/image_rect"]
    assert bag(source, out := source.with_name("out"), *given, *options) == 0
    assert scales(contents, out) == pytest.approx(expected, rel=1e-4)
    sentence = "depthart bag: front.scale: ignored; choose a camera with --camera"
    assert (sentence in capsys.readouterr().err) == (not options)


def test_names_of_a_file_that_the_node_ignores_are_ignored_and_named(bag, write_bag, recording, capsys):
    source = write_bag(recording(1))
    (file := source.with_name("file.yaml")).write_text("/**:\n  ros__parameters: {scale: 1.0, robot_name: x}\n")
    assert bag(source, source.with_name("out"), "--params-file", file) == 0
    assert f"unknown parameters of {file} are ignored: robot_name\n" in capsys.readouterr().err


def test_a_filter_by_confidence_that_the_model_does_not_have_is_said(write_bag, recording, toy_model_path, capsys):
    source = write_bag(recording(1))
    options = ["--model", str(toy_model_path), "--backend", "torch", "--scale", "2", "-p", "min_confidence:=0.5"]
    assert main(["bag", str(source), str(source.with_name("out")), *options]) == 0
    assert "so min_confidence filters nothing" in capsys.readouterr().out


def refused(capsys, status):
    shown = capsys.readouterr().err.splitlines()
    assert status == 1
    return next(line for line in shown if line.startswith("depthart: "))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--topics", "points"], "points cannot be made: the scale is unknown"),
        (["--param", "points.stride"], "parameter 'points.stride' cannot be read; expected NAME:=VALUE"),
        (["-p", "points.stride:=0"], "points.stride is 0; expected 1 to 64"),
        (["-p", "stride:=1"], "stride: unknown parameter; expected one of"),
        (["--scale", "-1"], "scale is -1.0; expected 0.0 to 10000.0"),
        (["-p", "cameras:=5"], "cameras is 5; expected a value of type string array"),
        (["--camera", "front"], "--camera is 'front'; expected none, as the parameter `cameras` names none"),
        (["-p", "cameras:=[left, right]", "--camera", "front"], "--camera is 'front'; expected one of left, right"),
        (["--params-file", "nowhere.yaml"], "parameter file nowhere.yaml cannot be read"),
        (["-p", "camera_info_url:=nowhere.yaml"], "camera_info_url is 'nowhere.yaml': nowhere.yaml cannot be read"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_with_status_1_and_no_bag(
    bag, write_bag, recording, capsys, options, sentence
):
    source = write_bag(recording(1))
    assert sentence in refused(capsys, bag(source, source.with_name("out"), *options))
    assert not source.with_name("out").exists()


def test_topics_that_are_in_the_bag_already_are_refused(bag, write_bag, recording, capsys):
    source = write_bag(recording(1))
    bag(source, out := source.with_name("out"), "--scale", 2)
    status = bag(out, source.with_name("again"), "--scale", 2)
    assert "/depth/image_rect, /depth/camera_info, /points: in " in refused(capsys, status)


def test_a_finished_bag_is_replaced_only_with_force(bag, write_bag, recording, contents, capsys):
    source = write_bag(recording(1))
    bag(source, out := source.with_name("out"), "--scale", 2)
    before = contents(out)
    assert "replace it with --force" in refused(capsys, bag(source, out, "--scale", 3))
    assert contents(out) == before
    assert bag(source, out, "--scale", 3, "--force") == 0
    assert contents(out) != before
    assert sorted(path.name for path in source.parent.iterdir()) == ["in", "out"]


def test_what_is_no_bag_is_never_replaced(bag, write_bag, recording, tmp_path, capsys):
    source = write_bag(recording(1))
    (folder := tmp_path / "thesis").mkdir()
    (folder / "thesis.txt").write_text("years of work")
    for out in (folder, folder / "thesis.txt", source, source / "out", tmp_path):
        refused(capsys, bag(source, out, "--scale", 2, "--force"))
    assert (folder / "thesis.txt").read_text() == "years of work"
    assert (source / "metadata.yaml").is_file()


def test_pictures_of_an_unknown_encoding_make_no_bag(bag, write_bag, recording, messages, capsys):
    source = write_bag(recording(2, lambda n: messages.image(n, encoding="hsv8")))
    sentence = refused(capsys, bag(source, out := source.with_name("out"), "--scale", 2))
    assert "none of the 2 images can be used: image: encoding is 'hsv8'; expected one of rgb8" in sentence
    assert not out.exists()


def test_a_damaged_picture_is_kept_and_named_and_the_others_have_depth(
    bag, write_bag, recording, messages, contents, capsys
):
    source = write_bag(
        recording(3, lambda n: messages.image(n, data=np.zeros(7, np.uint8)) if n == 1 else messages.image(n))
    )
    assert bag(source, out := source.with_name("out"), "--scale", 2) == 1
    assert "1 of 3 images have no depth:\n  1 x image: data holds 7 bytes; expected 9216" in capsys.readouterr().err
    assert [entry for entry in contents(out) if entry[0] not in ADDED] == contents(source)
    assert len(added(contents, out, "/depth/image_rect")) == 2


def test_the_camera_info_of_the_stamp_is_taken_wherever_it_stands(bag, write_bag, messages, contents):
    infos = [messages.info(n, k=np.array([60.0 + n, 0, 31, 0, 61, 23, 0, 0, 1])) for n in range(2)]
    content = [
        (IMAGE, messages.image(0), 10),
        (INFO, infos[0], 20),
        (IMAGE, messages.image(1), 30),
        (INFO, infos[1], 40),
    ]
    source = write_bag(content)
    assert bag(source, out := source.with_name("out"), "--scale", 2) == 0
    assert [message.k[0] for _, message in added(contents, out, "/depth/camera_info")] == [60.0, 61.0]


@pytest.fixture
def start(toy_heads_path):
    """A function that starts the command as a process of its own."""
    command = [sys.executable, "-c", "import sys; from depthart_ros.cli.main import main; sys.exit(main())", "bag"]
    options = ["--model", str(toy_heads_path), "--backend", "torch", "--scale", "2"]
    started = []

    def run(*arguments):
        started.append(
            subprocess.Popen(
                [*command, *map(str, arguments), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def interrupted(process, out, number):
    """Send a signal once some answers are kept; returns the exit status."""
    kept, end = out.with_name(f"{out.name}.unfinished") / "answers", time.monotonic() + 180
    while not (kept.is_file() and kept.stat().st_size > 100_000):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(process.pid, number)
    return process.wait(180)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_goes_on_without_asking_the_model_again(start, bag, write_bag, recording, contents, number):
    source = write_bag(recording(MANY))
    whole, out = source.with_name("whole"), source.with_name("out")
    status = interrupted(start(source, out), out, number)
    assert status == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert not out.exists()
    said, errors = start(source, out).communicate()
    assert 0 < int(said.partition("goes on: ")[2].split()[0]) < MANY, errors
    assert bag(source, whole, "--scale", 2) == 0
    resumed, at_once = contents(out), contents(whole)
    assert [entry[:3] for entry in resumed] == [entry[:3] for entry in at_once]
    for (topic, _, kind, made), (*_, expected) in zip(resumed, at_once, strict=True):
        if topic in ("/depth/image_rect", "/points"):  # sums may differ in their last bit from process to process
            values = [np.asarray(read(data, kind).data).view(np.float32) for data in (made, expected)]
            np.testing.assert_allclose(*values, rtol=1e-5)
        else:
            assert made == expected
    assert sorted(path.name for path in source.parent.iterdir()) == ["in", "out", "whole"]


def test_it_runs_without_ros(tmp_path, write_bag, recording, toy_heads_path):
    source = write_bag(recording(1))
    arguments = ["bag", str(source), str(tmp_path / "out"), "--model", str(toy_heads_path), "--scale", "2"]
    program = f"""import sys
from depthart_ros.cli.main import main
status = main({arguments!r})
print([name for name in ("rclpy", "sensor_msgs", "std_msgs") if name in sys.modules])
sys.exit(status)"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_cloud_at_a_rate_of_its_own_is_no_failure_and_a_wrong_calibration_is_one(
    bag, write_bag, recording, contents, messages, capfd
):
    limited = ("--topics", "points", "--scale", 1, "-p", "points.max_rate:=0.1")
    source = write_bag(recording(4))
    assert bag(source, out := source.with_name("out"), *limited) == 0
    assert [name for name, *_ in contents(out)].count("/points") == 1
    small = (
        (topic, dataclasses.replace(message, width=7, height=7) if topic == INFO else message, received)
        for topic, message, received in recording(4)
    )
    source = write_bag(small, name="small")
    assert bag(source, source.with_name("other"), *limited) == 1
    assert "none of the 1 images can be used" in capfd.readouterr().err
    assert not source.with_name("other").exists()
