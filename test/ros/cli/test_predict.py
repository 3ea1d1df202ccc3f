"""`depthart predict` on real files, good and bad."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest

from depthart_core import DepthEstimator, Intrinsics
from depthart_ros.cli.main import main


def some_picture(height=30, width=44, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def write_picture(path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = some_picture(**options)
    assert cv2.imwrite(str(path), rgb[..., ::-1])
    return rgb


def write_video(path, frames=3):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (44, 30))
    assert writer.isOpened()
    for seed in range(frames):
        writer.write(some_picture(seed=seed))
    writer.release()


@pytest.fixture
def predict(toy_model_path, tmp_path):
    """Run the command on inputs, into the folder `out`; returns its status."""

    def run(*inputs, out=None, model=toy_model_path, options=()):
        target = tmp_path / "out" if out is None else out
        return main(["predict", *map(str, inputs), "--out", str(target), "--model", str(model), *options])

    return run


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def results(*stems, beside="", frame=""):
    return [f"{stem}{beside}{frame}.{ending}" for stem in stems for ending in ("npy", "png")]


def test_a_picture_gives_its_depth_at_its_own_size(predict, toy_model_path, tmp_path):
    rgb = write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png") == 0
    depth = np.load(tmp_path / "out" / "room.npy")
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, DepthEstimator.load(toy_model_path)(rgb).values)


def test_the_seed_fixes_sampled_depth(predict, tmp_path):
    write_picture(tmp_path / "room.png")
    runs = [("first", 1), ("again", 1), ("other", 2)]
    for name, seed in runs:
        options = ("--decode", "sample", "--seed", str(seed))
        assert predict(tmp_path / "room.png", out=tmp_path / name, options=options) == 0
    first, again, other = (np.load(tmp_path / name / "room.npy") for name, _ in runs)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_picture_gives_itself_beside_its_depth(predict, tmp_path):
    rgb = write_picture(tmp_path / "room.png")
    predict(tmp_path / "room.png")
    beside = cv2.imread(str(tmp_path / "out" / "room.png"))[..., ::-1]
    assert beside.shape == (30, 88, 3)
    np.testing.assert_array_equal(beside[:, :44], rgb)
    assert beside[:, 44:].std() > 0


def test_with_a_scale_the_depth_is_metres(predict, tmp_path):
    write_picture(tmp_path / "room.png")
    predict(tmp_path / "room.png")
    predict(tmp_path / "room.png", out=tmp_path / "metres", options=["--scale", "2.5"])
    relative, metres = (np.load(tmp_path / folder / "room.npy") for folder in ("out", "metres"))
    np.testing.assert_allclose(metres, 2.5 * relative, rtol=1e-6)


def test_with_a_field_of_view_the_depth_is_metres_by_the_models_own_guess(predict, tmp_path, toy_heads_path):
    rgb = write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", model=toy_heads_path, options=["--fov-deg", "90"]) == 0
    estimate = DepthEstimator.load(toy_heads_path)(rgb)
    guess = estimate.guess_scale(Intrinsics(44, 30, 22.0, 22.0, 21.5, 14.5))
    np.testing.assert_allclose(np.load(tmp_path / "out/room.npy"), guess.metres_per_unit * estimate.values, rtol=1e-5)


def test_a_field_of_view_is_of_no_use_to_a_model_without_a_guess(predict, tmp_path, capsys):
    write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", options=["--fov-deg", "90"]) == 1
    assert "guesses its scale" in capsys.readouterr().err


def test_a_folder_gives_all_its_pictures_and_nothing_else(predict, tmp_path):
    for name in ("b.png", "a.jpg", "c.bmp"):
        write_picture(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    assert predict(tmp_path / "in") == 0
    assert written(tmp_path / "out") == results("a", "b", "c")


def test_a_video_gives_its_frames_by_number(predict, tmp_path):
    write_video(tmp_path / "walk.avi")
    assert predict(tmp_path / "walk.avi") == 0
    assert written(tmp_path / "out") == [name for n in range(3) for name in results("walk", frame=f"_00000{n}")]
    first, last = (np.load(tmp_path / "out" / f"walk_00000{n}.npy") for n in (0, 2))
    assert first.shape == (30, 44)
    assert not np.array_equal(first, last)


@pytest.mark.parametrize("name", ["bad.jpg", "bad.png", "bad.mp4", "bad.txt"])
@pytest.mark.parametrize("content", [b"", b"no picture at all"])
def test_an_unreadable_file_is_named_and_the_others_are_done(predict, tmp_path, capfd, name, content):
    (tmp_path / name).write_bytes(content)
    write_picture(tmp_path / "good.png")
    assert predict(tmp_path / name, tmp_path / "good.png") == 1
    assert f"{name} cannot be read" in capfd.readouterr().err
    assert written(tmp_path / "out") == results("good")


def test_a_missing_file_and_an_empty_folder_are_named(predict, tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    assert predict(tmp_path / "absent.png", tmp_path / "empty") == 1
    errors = capfd.readouterr().err
    assert "absent.png" in errors
    assert "empty holds no picture" in errors


@pytest.mark.parametrize("order", [("one/room.png", "two/room.png"), ("two/room.jpg", "two/room.png"), ("two", "one")])
def test_inputs_whose_results_would_have_one_name_are_refused_in_any_order(predict, tmp_path, capfd, order):
    for seed, name in enumerate(("one/room.png", "two/room.png", "two/room.jpg")):
        write_picture(tmp_path / name, seed=seed)
    for inputs in (order, order[::-1]):
        assert predict(*(tmp_path / name for name in inputs)) == 1
        said = capfd.readouterr().err
        assert said.startswith(f"depthart: {tmp_path}")
        assert "would have results of one name" in said
    assert not (tmp_path / "out").exists()


def test_an_input_that_comes_twice_is_read_once(predict, tmp_path, capfd):
    write_picture(tmp_path / "in" / "room.png")
    (tmp_path / "way").symlink_to("in")
    assert predict(tmp_path / "in", tmp_path / "way" / "room.png") == 0
    assert "1 depth maps" in capfd.readouterr().out


def test_a_video_may_be_called_like_a_picture_but_a_picture_not_like_its_frames(predict, tmp_path, capfd):
    write_picture(tmp_path / "in" / "walk.png")
    write_video(tmp_path / "in" / "walk.avi")
    assert predict(tmp_path / "in") == 0
    assert len(written(tmp_path / "out")) == 2 * 4
    write_picture(tmp_path / "in" / "walk_000000.png")
    assert predict(tmp_path / "in") == 1
    assert "walk.avi and " in (said := capfd.readouterr().err)
    assert "walk_000000.png would have results of one name" in said


def test_a_picture_in_the_folder_of_results_that_is_none_is_not_replaced(predict, tmp_path, capfd):
    write_picture(tmp_path / "in" / "room.jpg")
    write_picture(tmp_path / "in" / "hall.jpg")
    write_picture(tmp_path / "out" / "room.png")
    before = (tmp_path / "out" / "room.png").read_bytes()
    for _ in range(2):
        assert predict(tmp_path / "in") == 1
        assert "room.png is there already and is no result" in capfd.readouterr().err
        assert written(tmp_path / "out") == [*results("hall"), "room.png"]
    assert (tmp_path / "out" / "room.png").read_bytes() == before


@pytest.mark.parametrize("inputs", ["room.jpg", ".", "*"])
def test_results_beside_the_pictures_replace_nothing_but_results_also_when_it_is_run_again(
    predict, tmp_path, monkeypatch, inputs
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


def test_results_alone_are_nothing_to_read(predict, tmp_path, capfd):
    write_picture(tmp_path / "room_depthart.png")
    assert predict(tmp_path / "room_depthart.png") == 1
    assert "every INPUT is a result of an earlier run" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["pipe.png", "pipe.avi"])
@pytest.mark.parametrize("given", ["in", "in/{name}"])
def test_a_pipe_is_not_waited_for(predict, tmp_path, capfd, name, given):
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


def test_a_picture_that_is_too_wide_for_its_result_is_named_and_the_others_are_done(predict, tmp_path, capfd):
    write_picture(tmp_path / "wide.png", height=1, width=500_001)
    write_picture(tmp_path / "good.png")
    assert predict(tmp_path / "wide.png", tmp_path / "good.png") == 1
    named = "wide cannot be made of a picture of 500001 x 1; expected at most 500000 columns"
    assert named in capfd.readouterr().err
    assert written(tmp_path / "out") == results("good")


@pytest.mark.parametrize("spare", [100, 500])
def test_a_picture_that_is_too_large_for_the_memory_is_named_and_the_others_are_done(predict, tmp_path, capfd, spare):
    """Reading it needs 200 MiB, and all that is made of it 900 MiB."""
    assert cv2.imwrite(str(tmp_path / "large.png"), np.zeros((6000, 6000), np.uint8))
    write_picture(tmp_path / "good.png")
    assert predict(tmp_path / "good.png", out=tmp_path / "first") == 0  # what is imported and allocated once
    held = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + (spare << 20), limits[1]))
    try:
        status = predict(tmp_path / "large.png", tmp_path / "good.png")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    said = capfd.readouterr().err
    assert status == 1, said
    assert re.search(r"large(.png cannot be read| cannot be made of a picture of 6000 x 6000): ", said)
    assert written(tmp_path / "out") == results("good")


def test_a_device_is_not_read(predict, capfd):
    assert predict("/dev/zero") == 1
    assert "/dev/zero cannot be read: it is no regular file" in capfd.readouterr().err


@pytest.mark.parametrize("stem", ["n" * 190, "n" * 191, "\N{HIRAGANA LETTER NO}" * 80, "n" * 300])
def test_a_name_that_is_too_long_for_results_is_named_and_the_others_are_done(predict, tmp_path, capfd, stem):
    write_picture(tmp_path / "good.png")
    name, fits = f"{stem}.png", len(stem) == 190
    if len(stem) < 300:
        (tmp_path / name).write_bytes((tmp_path / "good.png").read_bytes())
    assert predict(tmp_path / name, tmp_path / "good.png") == (0 if fits else 1)
    assert written(tmp_path / "out") == (results("good", stem) if fits else results("good"))
    assert fits or re.search(rf"{stem}.png (has too|cannot be read: File name too) long", capfd.readouterr().err)


def test_a_grey_picture_and_one_with_transparency_are_read_as_colour(predict, tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), some_picture()[..., 0])
    cv2.imwrite(str(tmp_path / "clear.png"), np.dstack([some_picture(), np.full((30, 44), 9, np.uint8)]))
    assert predict(tmp_path / "grey.png", tmp_path / "clear.png") == 0
    assert np.load(tmp_path / "out" / "clear.npy").shape == (30, 44)


def test_a_name_that_is_no_utf8_is_read_and_written(predict, toy_model_path, tmp_path):
    """Names of old cameras' disks; OpenCV would end the process."""
    name = os.fsdecode(b"caf\xe9")
    rgb = write_picture(tmp_path / "room.png")
    (tmp_path / name).mkdir()
    (tmp_path / "room.png").rename(tmp_path / name / f"{name}.png")
    write_video(tmp_path / "walk.avi")
    (tmp_path / "walk.avi").rename(tmp_path / name / f"{name}.avi")
    program = "import sys; from depthart_ros.cli.main import main; sys.exit(main())"
    options = ["--out", str(tmp_path / f"{name}_out"), "--model", str(toy_model_path)]
    done = subprocess.run(
        [sys.executable, "-c", program, "predict", str(tmp_path / name), *options], capture_output=True
    )
    assert done.returncode == 1, done.stderr
    assert rb"caf\udce9.avi' cannot be read: its name is no UTF-8" in done.stderr
    depth = np.load(tmp_path / f"{name}_out" / f"{name}.npy")
    np.testing.assert_array_equal(depth, DepthEstimator.load(toy_model_path)(rgb).values)


def test_pictures_and_videos_that_are_cut_off_are_named(predict, tmp_path, capfd):
    write_picture(tmp_path / "whole.jpg")
    write_video(tmp_path / "whole.avi", frames=10)
    for name, kept in (("cut.jpg", 0.5), ("cut.avi", 0.6)):
        data = (tmp_path / f"whole{name[-4:]}").read_bytes()
        (tmp_path / name).write_bytes(data[: int(kept * len(data))])
    assert predict(tmp_path / "cut.jpg", tmp_path / "cut.avi") == 1
    errors = capfd.readouterr().err
    assert "cut.jpg cannot be read: it is cut off" in errors
    assert "cut.avi is damaged: " in errors
    assert "of its 10 frames could be read" in errors
    assert "cut.npy" not in written(tmp_path / "out")


def test_links_that_lead_nowhere_and_folders_called_like_pictures_keep_nothing_from_being_done(
    predict, tmp_path, capfd
):
    write_picture(tmp_path / "in" / "good.png")
    (tmp_path / "in" / "a.jpg").symlink_to("b.jpg")
    (tmp_path / "in" / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "in" / "folder.png").mkdir()
    assert predict(tmp_path / "in") == 1
    assert capfd.readouterr().err.count("cannot be read: Too many levels of symbolic links") == 2
    assert written(tmp_path / "out") == results("good")


def test_a_disk_that_is_full_leaves_no_part_of_a_result(predict, tmp_path, capfd):
    write_picture(tmp_path / "room.png", height=300, width=440)
    handler, (soft, hard) = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        assert predict(tmp_path / "room.png") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert "room.npy cannot be written: File too large" in capfd.readouterr().err
    assert not written(tmp_path / "out")


@pytest.mark.parametrize(("inputs", "out"), [([""], "out"), (["room.png", ""], "out"), (["room.png"], "")])
def test_an_empty_path_is_refused(predict, capfd, inputs, out):
    assert predict(*inputs, out=out) == 1
    assert capfd.readouterr().err.startswith("depthart: INPUT or --out is empty")


def test_progress_is_shown_and_a_summary_ends_it(predict, tmp_path, capfd):
    write_picture(tmp_path / "room.png")
    predict(tmp_path / "room.png")
    output, errors = capfd.readouterr()
    assert "1/1" in errors
    assert output.endswith("(toy (torch on cpu, expected), relative)\n")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--scale", "0"], "--scale is 0; expected metres per unit above 0"),
        (["--scale", "nan"], "--scale is nan"),
        (["--scale", "1e39"], "--scale is 1e+39; expected metres per unit above 0, at most 10000"),
        (["--fov-deg", "180"], "--fov-deg is 180; expected between 0 and 180"),
        (["--threads", "0"], "--threads is 0; expected at least 1"),
        (["--device", "toaster"], "device 'toaster' cannot be used by torch"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_sentence(predict, tmp_path, capfd, options, named):
    write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", options=options) == 1
    assert capfd.readouterr().err.startswith(f"depthart: {named}")
    assert not (tmp_path / "out").exists()


def test_a_missing_model_is_one_sentence(predict, tmp_path, capfd):
    assert predict(tmp_path, model="nowhere") == 1
    assert capfd.readouterr().err.startswith("depthart: no model file 'nowhere'")


def test_a_folder_that_cannot_be_made_is_one_sentence(predict, tmp_path, capfd):
    write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", out=tmp_path / "room.png" / "out") == 1
    assert "room.png/out cannot be made" in capfd.readouterr().err


def test_results_that_cannot_be_written_are_one_sentence(predict, tmp_path, capfd):
    write_picture(tmp_path / "room.png")
    (tmp_path / "out" / "room.npy").mkdir(parents=True)
    assert predict(tmp_path / "room.png") == 1
    assert "room.npy cannot be written" in capfd.readouterr().err
