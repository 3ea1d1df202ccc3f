"""`depthart predict`: which files are read, what results are called, and what is never lost or waited for."""

import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def results(*stems, beside="", frame=""):
    return [f"{stem}{beside}{frame}.{ending}" for stem in stems for ending in ("npy", "png")]


@pytest.mark.parametrize("order", [("one/room.png", "two/room.png"), ("two/room.jpg", "two/room.png"), ("two", "one")])
def test_inputs_whose_results_would_have_one_name_are_refused_in_any_order(
    predict, write_picture, tmp_path, capfd, order
):
    for seed, name in enumerate(("one/room.png", "two/room.png", "two/room.jpg")):
        write_picture(tmp_path / name, seed=seed)
    for inputs in (order, order[::-1]):
        assert predict(*(tmp_path / name for name in inputs)) == 1
        said = capfd.readouterr().err
        assert said.startswith(f"depthart: {tmp_path}")
        assert "would have results of one name" in said
    assert not (tmp_path / "out").exists()


def test_a_name_of_two_lines_is_told_in_one(predict, tmp_path, capfd):
    assert predict(tmp_path / "two\nlines.png") == 1
    assert rf"depthart: there is no file or folder {tmp_path}/two\nlines.png" in capfd.readouterr().err.splitlines()


def test_an_input_that_comes_twice_is_read_once(predict, write_picture, tmp_path, capfd):
    write_picture(tmp_path / "in" / "room.png")
    (tmp_path / "way").symlink_to("in")
    assert predict(tmp_path / "in", tmp_path / "way" / "room.png") == 0
    assert "1 depth maps" in capfd.readouterr().out


def test_a_video_may_be_called_like_a_picture_but_a_picture_not_like_its_frames(
    predict, write_video, write_picture, tmp_path, capfd
):
    write_picture(tmp_path / "in" / "walk.png")
    write_video(tmp_path / "in" / "walk.avi")
    assert predict(tmp_path / "in") == 0
    assert len(written(tmp_path / "out")) == 2 * 4
    write_picture(tmp_path / "in" / "walk_000000.png")
    assert predict(tmp_path / "in") == 1
    assert "walk.avi and " in (said := capfd.readouterr().err)
    assert "walk_000000.png would have results of one name" in said


@pytest.mark.parametrize("own", [["room.png"], ["room.npy"], ["room.npy", "room.png"]])
def test_files_in_the_folder_of_results_that_are_none_are_not_replaced(predict, write_picture, tmp_path, capfd, own):
    write_picture(tmp_path / "in" / "room.jpg")
    write_picture(tmp_path / "in" / "hall.jpg")
    write_picture(tmp_path / "out" / "room.png")
    (tmp_path / "out" / "room.png").rename(tmp_path / "out" / own[-1])
    if len(own) == 2:
        (tmp_path / "out" / own[0]).write_bytes(b"mine")
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for _ in range(2):
        assert predict(tmp_path / "in") == 1
        assert f"{own[-1]} is there already, without a result's mark in " in capfd.readouterr().err
        assert written(tmp_path / "out") == [*results("hall"), *own]
    assert {path: path.read_bytes() for path in before} == before


def test_what_a_run_that_was_killed_between_its_two_files_left_is_replaced(predict, write_picture, tmp_path):
    write_picture(tmp_path / "room.jpg")
    assert predict(tmp_path / "room.jpg") == 0
    (tmp_path / "out" / "room.npy").unlink()  # which is written last
    assert predict(tmp_path / "room.jpg") == 0
    assert written(tmp_path / "out") == results("room")


def test_an_input_that_lies_where_its_result_would_is_not_replaced(predict, write_picture, tmp_path, capfd):
    """However it is called: the link's own folder is not that of the results."""
    write_picture(tmp_path / "out" / "room.png")
    (tmp_path / "out" / "room.npy").write_bytes(b"")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "room.png").symlink_to("../out/room.png")
    before = (tmp_path / "out" / "room.png").read_bytes()
    assert predict(tmp_path / "in") == 1
    assert "room.png is an INPUT itself; give another --out" in capfd.readouterr().err
    assert (tmp_path / "out" / "room.png").read_bytes() == before


def test_names_of_results_are_compared_as_they_will_be(predict, write_picture, tmp_path, capfd):
    write_picture(tmp_path / "out" / "room.jpg")
    write_picture(tmp_path / "in" / "room_depthart.jpg")
    write_picture(tmp_path / "in" / "room.jpg")
    assert predict(tmp_path / "out", tmp_path / "in") == 1
    assert "would have results of one name" in capfd.readouterr().err
    (tmp_path / "in" / "room_depthart.jpg").unlink()
    assert predict(tmp_path / "out", tmp_path / "in") == 0
    assert written(tmp_path / "out") == sorted(["room.jpg", *results("room"), *results("room", beside="_depthart")])


@pytest.mark.parametrize("inputs", ["room.jpg", ".", "*"])
def test_results_beside_the_pictures_replace_nothing_but_results_also_when_it_is_run_again(
    predict, write_video, write_picture, tmp_path, monkeypatch, inputs
):
    """`--out .`; a user may well have a room.png, a room.npy and true depth called room_depth beside room.jpg."""
    write_picture(tmp_path / "room.jpg")
    write_video(tmp_path / "walk.avi", frames=1)
    own = ("room_depth.npy", "room.npy")
    for name in own:
        (tmp_path / name).write_bytes(b"mine")
    monkeypatch.chdir(tmp_path)
    before, kept = written(tmp_path), {path: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(2):
        given = sorted(path for path in tmp_path.glob("*") if path.name not in own) if inputs == "*" else [inputs]
        assert predict(*given, out=".") == 0
        made = results("room", beside="_depthart")
        made += [] if inputs == "room.jpg" else results("walk", beside="_depthart", frame="_000000")
        assert written(tmp_path) == sorted(before + made)
    assert {path: path.read_bytes() for path in kept} == kept


@pytest.mark.parametrize("given", ["in", "in/room_depthart.png"])
def test_results_alone_are_nothing_to_read(predict, write_picture, tmp_path, capfd, given):
    write_picture(tmp_path / "in" / "room_depthart.png")
    assert predict(tmp_path / given) == 1
    assert "every INPUT is a result of an earlier run" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["pipe.png", "pipe.avi"])
@pytest.mark.parametrize("given", ["in", "in/{name}"])
def test_a_pipe_is_not_waited_for(predict, write_picture, tmp_path, capfd, name, given):
    write_picture(tmp_path / "good.png")
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / name)
    assert predict(tmp_path / given.format(name=name), tmp_path / "good.png") == 1
    assert f"{name} cannot be read: it is no regular file" in capfd.readouterr().err
    assert written(tmp_path / "out") == results("good")


def test_a_file_that_is_larger_than_any_picture_is_not_read(predict, tmp_path, capfd):
    (tmp_path / "huge.png").touch()
    os.truncate(tmp_path / "huge.png", 2**42)
    assert predict(tmp_path / "huge.png") == 1
    assert "huge.png cannot be read: it has 4398046511104 bytes; expected 2147483647 at most" in capfd.readouterr().err


def test_a_picture_that_is_too_wide_for_its_result_is_named_and_the_others_are_done(
    predict, write_picture, tmp_path, capfd
):
    write_picture(tmp_path / "wide.png", height=1, width=500_001)
    write_picture(tmp_path / "good.png")
    assert predict(tmp_path / "wide.png", tmp_path / "good.png") == 1
    named = "wide cannot be made of a picture of 500001 x 1; expected at most 500000 columns"
    assert named in capfd.readouterr().err
    assert written(tmp_path / "out") == results("good")


WITHIN = """import resource, sys
from pathlib import Path
from depthart_ros.cli.main import main

model, first, spare, *arguments = sys.argv[1:]
assert main(["predict", arguments[-1], "--out", first, "--model", model]) == 0  # imports and allocates once for all
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limits = (held + (int(spare) << 20), resource.getrlimit(resource.RLIMIT_AS)[1])
resource.setrlimit(resource.RLIMIT_AS, limits)
sys.exit(main(["predict", "--model", model, *arguments]))"""


@pytest.mark.parametrize("spare", [100, 150, 500])
def test_a_picture_that_is_too_large_for_the_memory_is_named_and_the_others_are_done(
    write_picture, toy_model_path, tmp_path, spare
):
    """Reading it needs 200 MiB, and all that is made of it 900 MiB; in a process that has freed no memory before."""
    assert cv2.imwrite(str(tmp_path / "large.png"), np.zeros((6000, 6000), np.uint8))
    write_picture(tmp_path / "good.png")
    names = (toy_model_path, tmp_path / "first", spare, "--out", tmp_path / "out", "large.png", "good.png")
    command = [sys.executable, "-c", WITHIN, *map(str, names)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert re.search(r"large(.png cannot be read| cannot be made of a picture of 6000 x 6000): ", done.stderr)
    assert written(tmp_path / "out") == results("good")


def test_a_device_is_not_read(predict, capfd):
    assert predict("/dev/zero") == 1
    assert "/dev/zero cannot be read: it is no regular file" in capfd.readouterr().err


@pytest.mark.parametrize("stem", ["n" * 190, "n" * 191, "\N{HIRAGANA LETTER NO}" * 80, "n" * 300])
def test_a_name_that_is_too_long_for_results_is_named_and_the_others_are_done(
    predict, write_picture, tmp_path, capfd, stem
):
    write_picture(tmp_path / "good.png")
    name, fits = f"{stem}.png", len(stem) == 190
    if len(stem) < 300:
        (tmp_path / name).write_bytes((tmp_path / "good.png").read_bytes())
    assert predict(tmp_path / name, tmp_path / "good.png") == (0 if fits else 1)
    assert written(tmp_path / "out") == (results("good", stem) if fits else results("good"))
    assert fits or re.search(rf"{stem}.png (has too|cannot be read: File name too) long", capfd.readouterr().err)


def test_pictures_and_videos_that_are_cut_off_are_named(predict, write_video, write_picture, tmp_path, capfd):
    write_picture(tmp_path / "whole.jpg")
    write_video(tmp_path / "whole.avi", frames=10)
    for name, kept in (("cut.jpg", 0.5), ("cut.avi", 0.6)):
        data = (tmp_path / f"whole{name[-4:]}").read_bytes()
        (tmp_path / name).write_bytes(data[: int(kept * len(data))])
    assert predict(tmp_path / "cut.jpg", tmp_path / "cut.avi") == 1
    errors = capfd.readouterr().err
    assert "cut.jpg cannot be read: it is cut off" in errors
    assert "of the 10 frames it announces: it is damaged, or miscounts" in errors
    assert "cut.npy" not in written(tmp_path / "out")


def test_links_that_lead_nowhere_and_folders_called_like_pictures_keep_nothing_from_being_done(
    predict, write_picture, tmp_path, capfd
):
    write_picture(tmp_path / "in" / "good.png")
    (tmp_path / "in" / "a.jpg").symlink_to("b.jpg")
    (tmp_path / "in" / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "in" / "folder.png").mkdir()
    assert predict(tmp_path / "in") == 1
    assert capfd.readouterr().err.count("cannot be read: Too many levels of symbolic links") == 2
    assert written(tmp_path / "out") == results("good")


def test_a_disk_that_is_full_leaves_no_part_of_a_result(predict, write_picture, tmp_path, capfd, files_of_at_most):
    write_picture(tmp_path / "room.png", height=300, width=440)
    with files_of_at_most(100_000):
        assert predict(tmp_path / "room.png") == 1
    assert "room.png cannot be written: File too large" in capfd.readouterr().err
    assert not written(tmp_path / "out")


def test_a_folder_that_cannot_be_made_is_one_sentence(predict, write_picture, tmp_path, capfd):
    write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", out=tmp_path / "room.png" / "out") == 1
    assert "room.png/out cannot be made" in capfd.readouterr().err


def test_results_that_cannot_be_written_are_one_sentence(predict, write_picture, tmp_path, capfd):
    write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png") == 0
    (tmp_path / "out" / "room.npy").unlink()
    (tmp_path / "out" / "room.npy").mkdir()
    assert predict(tmp_path / "room.png") == 1
    assert "room.npy cannot be written" in capfd.readouterr().err
