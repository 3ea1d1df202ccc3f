"""`depthart bag`: what is refused, and what is never replaced."""

import dataclasses
import os

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")


IMAGE, INFO = "/camera/image_raw", "/camera/camera_info"
ADDED = ("/depth/image_rect", "/depth/camera_info", "/points")


@pytest.mark.parametrize("name", ["answers", "replaced", "bag"])
def test_out_may_be_called_like_what_is_kept_meanwhile(bag, write_bag, recording, name):
    source = write_bag(recording(1))
    for more in ([], ["--force"]):
        assert bag(source, source.with_name(name), "--scale", 2, *more) == 0
    assert sorted(path.name for path in source.parent.iterdir()) == sorted(["in", name])


def test_a_bag_where_something_is_already_is_refused(tmp_path, write_bag, recording, added):
    from depthart_ros.bags.source import Source
    from depthart_ros.bags.target import Target
    from depthart_ros.errors import BagError

    with Source(write_bag(recording(1))) as source, pytest.raises(BagError, match="cannot be written"):
        Target(tmp_path, storage="mcap", source=source, added={})


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
        *((["--scale", given], f"scale is {float(given)}; expected 0.0 to 10000.0") for given in ("-1", "nan", "inf")),
        (["-p", "cameras:=5"], "cameras is 5; expected a value of type string array"),
        (["--scale", "2", "--namespace", "a b"], "--namespace is 'a b'; expected names of letters, digits and _"),
        (["--scale", "2", "--namespace", "a/1b"], "--namespace is 'a/1b'; expected names of letters, digits and _"),
        (["--scale", "2", "--namespace", "~"], "--namespace is '~'; expected names of letters, digits and _"),
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
    bag, write_bag, recording, messages, contents, capsys, added
):
    source = write_bag(
        recording(3, lambda n: messages.image(n, data=np.zeros(7, np.uint8)) if n == 1 else messages.image(n))
    )
    assert bag(source, out := source.with_name("out"), "--scale", 2) == 1
    assert "1 of 3 images have no depth:\n  1 x image: data holds 7 bytes; expected 9216" in capsys.readouterr().err
    assert [entry for entry in contents(out) if entry[0] not in ADDED] == contents(source)
    assert len(added(out, "/depth/image_rect")) == 2


def test_a_disk_that_is_full_from_the_beginning_is_one_sentence(bag, write_bag, recording, capsys, files_of_at_most):
    source = write_bag(recording(1))
    with files_of_at_most(10):
        status = bag(source, source.with_name("out"), "--scale", 2)
    assert "out.unfinished/answers cannot be written: File too large; the same command goes on" in refused(
        capsys, status
    )


def test_a_full_disk_for_the_answers_ends_the_run_which_goes_on_once_there_is_room(
    bag, write_bag, recording, capsys, files_of_at_most
):
    source = write_bag(recording(6))
    out = source.with_name("out")
    with files_of_at_most(100_000):
        status = bag(source, out, "--scale", 2)
    assert "out.unfinished/answers cannot be written: File too large; the same command goes on" in refused(
        capsys, status
    )
    assert not out.exists()
    assert bag(source, out, "--scale", 2) == 0
    kept = int(capsys.readouterr().out.partition("goes on: ")[2].split()[0])
    assert 0 < kept < 6


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--topics", "depth/image_rect", "points"], 1)])
def test_topics_that_stay_empty_are_named_and_fail_where_they_were_asked_for(
    bag, write_bag, recording, messages, capsys, options, status
):
    unknown = {"k": np.full(9, np.nan), "p": np.full(12, np.nan)}
    content = [
        (topic, messages.info(0, **unknown) if topic == INFO else message, received)
        for topic, message, received in recording(2)
    ]
    source = write_bag(content)
    assert bag(source, source.with_name("out"), "--scale", 2, *options) == status
    said, errors = capsys.readouterr()
    assert "out: 4 messages as they were, added 2 on /depth/image_rect (" in said
    empty = "/points" if options else "/depth/camera_info, /points"
    assert f"depthart bag: nothing on {empty}: camera_info:" in errors


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


def test_a_pipe_is_not_waited_for(bag, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.mcap")
    status = bag(tmp_path / "pipe.mcap", tmp_path / "out", "--scale", 2)
    assert "pipe.mcap is no regular file; expected a rosbag2 folder" in refused(capsys, status)
