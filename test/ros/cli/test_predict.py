"""`depthart predict`: what it makes of pictures and videos."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from depthart_core import DepthEstimator, Intrinsics


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def results(*stems, beside="", frame=""):
    return [f"{stem}{beside}{frame}.{ending}" for stem in stems for ending in ("npy", "png")]


def test_a_picture_gives_its_depth_at_its_own_size(predict, write_picture, toy_model_path, tmp_path):
    rgb = write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png") == 0
    depth = np.load(tmp_path / "out" / "room.npy")
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, DepthEstimator.load(toy_model_path)(rgb).values)


def test_the_seed_fixes_sampled_depth(predict, write_picture, tmp_path):
    write_picture(tmp_path / "room.png")
    runs = [("first", 1), ("again", 1), ("other", 2)]
    for name, seed in runs:
        options = ("--decode", "sample", "--seed", str(seed))
        assert predict(tmp_path / "room.png", out=tmp_path / name, options=options) == 0
    first, again, other = (np.load(tmp_path / name / "room.npy") for name, _ in runs)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_picture_gives_itself_beside_its_depth(predict, write_picture, tmp_path):
    rgb = write_picture(tmp_path / "room.png")
    predict(tmp_path / "room.png")
    beside = cv2.imread(str(tmp_path / "out" / "room.png"))[..., ::-1]
    assert beside.shape == (30, 88, 3)
    np.testing.assert_array_equal(beside[:, :44], rgb)
    assert beside[:, 44:].std() > 0


def test_with_a_scale_the_depth_is_metres(predict, write_picture, tmp_path):
    write_picture(tmp_path / "room.png")
    predict(tmp_path / "room.png")
    predict(tmp_path / "room.png", out=tmp_path / "metres", options=["--scale", "2.5"])
    relative, metres = (np.load(tmp_path / folder / "room.npy") for folder in ("out", "metres"))
    np.testing.assert_allclose(metres, 2.5 * relative, rtol=1e-6)


def test_with_a_field_of_view_the_depth_is_metres_by_the_models_own_guess(
    predict, write_picture, tmp_path, toy_heads_path
):
    rgb = write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", model=toy_heads_path, options=["--fov-deg", "90"]) == 0
    estimate = DepthEstimator.load(toy_heads_path)(rgb)
    guess = estimate.guess_scale(Intrinsics(44, 30, 22.0, 22.0, 21.5, 14.5))
    np.testing.assert_allclose(np.load(tmp_path / "out/room.npy"), guess.metres_per_unit * estimate.values, rtol=1e-5)


def test_a_field_of_view_is_of_no_use_to_a_model_without_a_guess(predict, write_picture, tmp_path, capsys):
    write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", options=["--fov-deg", "90"]) == 1
    assert "guesses its scale" in capsys.readouterr().err


def test_a_folder_gives_all_its_pictures_and_nothing_else(predict, write_picture, tmp_path):
    for name in ("b.png", "a.jpg", "c.bmp"):
        write_picture(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    assert predict(tmp_path / "in") == 0
    assert written(tmp_path / "out") == results("a", "b", "c")


def test_a_video_gives_its_frames_by_number(predict, write_video, tmp_path):
    write_video(tmp_path / "walk.avi")
    assert predict(tmp_path / "walk.avi") == 0
    assert written(tmp_path / "out") == [name for n in range(3) for name in results("walk", frame=f"_00000{n}")]
    first, last = (np.load(tmp_path / "out" / f"walk_00000{n}.npy") for n in (0, 2))
    assert first.shape == (30, 44)
    assert not np.array_equal(first, last)


@pytest.mark.parametrize("name", ["bad.jpg", "bad.png", "bad.mp4", "bad.txt"])
@pytest.mark.parametrize("content", [b"", b"no picture at all"])
def test_an_unreadable_file_is_named_and_the_others_are_done(predict, write_picture, tmp_path, capfd, name, content):
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


def test_a_grey_picture_and_one_with_transparency_are_read_as_colour(predict, write_picture, tmp_path):
    rgb = write_picture(tmp_path / "room.png")
    cv2.imwrite(str(tmp_path / "grey.png"), rgb[..., 0])
    cv2.imwrite(str(tmp_path / "clear.png"), np.dstack([rgb, np.full((30, 44), 9, np.uint8)]))
    assert predict(tmp_path / "grey.png", tmp_path / "clear.png") == 0
    assert np.load(tmp_path / "out" / "clear.npy").shape == (30, 44)


def test_a_name_that_is_no_utf8_is_read_and_written(predict, write_video, write_picture, toy_model_path, tmp_path):
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
    np.testing.assert_allclose(
        depth, DepthEstimator.load(toy_model_path)(rgb).values, rtol=1e-4
    )  # as many threads or not


@pytest.mark.parametrize(("inputs", "out"), [([""], "out"), (["room.png", ""], "out"), (["room.png"], "")])
def test_an_empty_path_is_refused(predict, capfd, inputs, out):
    assert predict(*inputs, out=out) == 1
    assert capfd.readouterr().err.startswith("depthart: INPUT or --out is empty")


def test_progress_is_shown_and_a_summary_ends_it(predict, write_picture, tmp_path, capfd):
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
        (["--threads", "0"], "threads must be 1 to 256, got 0"),
        (["--device", "toaster"], "device 'toaster' cannot be used by torch"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_sentence(predict, write_picture, tmp_path, capfd, options, named):
    write_picture(tmp_path / "room.png")
    assert predict(tmp_path / "room.png", options=options) == 1
    assert capfd.readouterr().err.startswith(f"depthart: {named}")
    assert not (tmp_path / "out").exists()


def test_a_missing_model_is_one_sentence(predict, tmp_path, capfd):
    assert predict(tmp_path, model="nowhere") == 1
    assert capfd.readouterr().err.startswith("depthart: no model file 'nowhere'")
