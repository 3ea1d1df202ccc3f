"""Where `depthart camera` takes its pictures from."""

import dataclasses
import json
import os

import cv2
import numpy as np
import pytest

from depthart_core.errors import ImageError
from depthart_core.geometry import Intrinsics
from depthart_ros.driver.sources import SAMPLES, open_source
from depthart_ros.inputs.camera_model import intrinsics_from_fov


def views(name, **options):
    return open_source(str(name), **{"fov_deg": 90.0, "size": None, "loop": False, "repeats": 1, **options})


@pytest.fixture
def folder(tmp_path):
    """Two pictures of plain colours and a file that is none."""
    for number, name in enumerate(("a.png", "b.png")):
        cv2.imwrite(str(tmp_path / name), np.full((6, 8, 3), 100 * number, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def video(tmp_path):
    """Five frames that grow brighter."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (32, 24))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write videos")
    for number in range(5):
        writer.write(np.full((24, 32, 3), 50 * number, np.uint8))
    writer.release()
    return path


def test_the_samples_come_with_their_intrinsics_at_the_size_of_their_pictures():
    entries = json.loads((SAMPLES / "samples.json").read_text())
    seen = list(views("sample"))
    assert len(seen) == len(entries) >= 8
    for view, entry in zip(seen, entries, strict=True):
        expected = Intrinsics(**{key: entry[key] for key in ("width", "height", "fx", "fy", "cx", "cy")})
        assert view.intrinsics == expected
        assert view.bgr.shape == (expected.height, expected.width, 3)


def test_a_folder_gives_its_pictures_by_name_and_ends(folder):
    assert [int(view.bgr.mean()) for view in views(folder)] == [0, 100]


def test_each_still_is_held_and_the_folder_begins_again_when_asked(folder):
    source = views(folder, loop=True, repeats=2)
    assert [int(next(source).bgr.mean()) for _ in range(6)] == [0, 0, 100, 100, 0, 0]


ENTRY = {"file": "a.png", "width": 8, "height": 6, "fx": 8, "fy": 8, "cx": 4, "cy": 3}


@pytest.mark.parametrize(
    "entry", [{"file": "a.png", "width": 8, "height": 6}, ENTRY | {"width": "wide"}, ENTRY | {"height": 0}, 5, "a.png"]
)
def test_an_index_entry_without_intrinsics_is_named(folder, entry):
    (folder / "samples.json").write_text(json.dumps([entry]))
    with pytest.raises(ImageError, match=r"samples\.json has the entry .*expected file, width"):
        list(views(folder))


@pytest.mark.parametrize("content", ["5", "null", "{}"])
def test_an_index_that_is_no_list_is_named(folder, content):
    (folder / "samples.json").write_text(content)
    with pytest.raises(ImageError, match=r"samples\.json is no list of pictures"):
        list(views(folder))


def test_a_picture_that_cannot_be_read_is_said_once_and_left_out(folder, capsys):
    (folder / "aa.png").write_bytes(b"no picture")
    (folder / "c.jpg").mkdir()
    source = views(folder, loop=True)
    assert [int(next(source).bgr.mean()) for _ in range(6)] == [0, 100, 0, 100, 0, 100]
    said = capsys.readouterr().err
    assert said.count("\n") == said.count("aa.png cannot be read") == 1


def test_the_source_ends_when_nothing_is_left_that_can_be_read(folder):
    source = views(folder, loop=True)
    assert [int(next(source).bgr.mean()) for _ in range(2)] == [0, 100]
    for name in ("a.png", "b.png"):
        (folder / name).unlink()
    with pytest.raises(ImageError, match=r"b\.png cannot be read"):
        next(source)


def test_a_single_picture_is_a_source_too(folder):
    assert [int(view.bgr.mean()) for view in views(folder / "b.png", repeats=3)] == [100] * 3


def test_a_video_gives_its_frames_and_ends(video):
    assert [round(view.bgr.mean() / 50) for view in views(video)] == [0, 1, 2, 3, 4]


def test_a_video_begins_again_when_asked(video):
    source = views(video, loop=True)
    assert [round(next(source).bgr.mean() / 50) for _ in range(7)] == [0, 1, 2, 3, 4, 0, 1]


@pytest.fixture
def cut_video(tmp_path):
    """Frames that grow brighter, some of the ten that its head promises."""
    path, noise = tmp_path / "film.avi", np.random.default_rng(0).integers(0, 25, (48, 64, 3), np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for number in range(10):
        writer.write(noise + np.uint8(20 * number))
    writer.release()
    os.truncate(path, path.stat().st_size * 6 // 10)
    return path


def test_a_video_that_is_cut_off_gives_what_is_there_and_is_named(cut_video):
    seen = []
    with pytest.raises(ImageError, match=r"film.avi gave \d of the 10 frames it announces"):
        seen.extend(views(cut_video))
    assert 1 < len(seen) < 8


def test_a_video_that_is_cut_off_begins_again_when_asked_and_is_named_once(cut_video, capsys):
    source = views(cut_video, loop=True)
    means = [next(source).bgr.mean() for _ in range(20)]
    assert [mean < 20 for mean in means].count(True) >= 3
    said = capsys.readouterr().err
    assert said.count("film.avi gave ") == 1


@pytest.mark.parametrize("name", ["pipe.png", "pipe.mp4", "pipe"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ImageError, match=rf"{name} cannot be read: it is no regular file"):
        views(tmp_path / name)


def test_unknown_intrinsics_follow_from_the_field_of_view(folder):
    assert next(views(folder)).intrinsics == intrinsics_from_fov(8, 6, 90.0)
    assert dataclasses.astuple(intrinsics_from_fov(8, 6, 90.0)) == pytest.approx((8, 6, 4.0, 4.0, 3.5, 2.5))


def test_a_resized_picture_has_resized_intrinsics(folder):
    view = next(views(folder, size=(16, 6)))
    assert view.bgr.shape == (6, 16, 3)
    assert view.intrinsics == intrinsics_from_fov(8, 6, 90.0).scaled(16, 6)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "nowhere.mp4",
            "source 'nowhere.mp4' does not exist; expected `sample`, a webcam index, a video file or a folder",
        ),
        ("987", "webcam 987 cannot be opened"),
        ("/dev/video987", "webcam 987 cannot be opened"),
        ("", "the source is empty; expected `sample`"),
    ],
)
def test_a_source_that_is_not_there_is_named(name, sentence):
    with pytest.raises(ImageError, match=sentence):
        views(name)


def test_a_folder_without_pictures_and_a_file_that_is_no_video_are_named(tmp_path):
    with pytest.raises(ImageError, match="holds no picture that can be read"):
        views(tmp_path)
    (tmp_path / "fake.mp4").write_bytes(b"no video")
    with pytest.raises(ImageError, match=r"video .*fake.mp4 cannot be read"):
        views(tmp_path / "fake.mp4")
    (tmp_path / "fake.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"picture .*fake.png cannot be read"):
        views(tmp_path)
