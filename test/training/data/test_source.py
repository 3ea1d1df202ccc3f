import argparse
import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest

from training.data.cache import load_into_memory
from training.data.frames import Frames, Joined
from training.data.loader import batches
from training.data.protocol import Protocol
from training.data.sample import DataError, Sample, readable
from training.data.source import KINDS, open_data, open_named, recognise, split_options
from training.scoring.arguments import load_predictor

# The least of each layout that tells it from the others; some hold "rgb" and "depth" folders like a folder of frames.
MARKS = {
    "rooms": "train-000.tar",
    "bag": "metadata.yaml",
    "nyuv2": "nyu_depth_v2_labeled.mat",
    "folder": "info.json",
    "tum": "rgb.txt",
    "ibims1": "ibims1_core_mat/office_01.mat",
    "diode": "val/indoors/scene_00019/scan_00183/a.png",
    "hypersim": "ai_001_001/images/scene_cam_00_final_preview/frame.0000.tonemap.jpg",
    "kitti": "kitti_eigen_test_files_with_gt.txt",
}


@pytest.mark.parametrize("kind", MARKS)
def test_each_layout_is_recognised(tmp_path, kind):
    for file in ("rgb/a.png", "depth/a.png", MARKS[kind]):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert recognise(tmp_path) == kind


def test_scenes_of_eth3d_are_recognised(tmp_path):
    for part in ("images", "ground_truth_depth"):
        (tmp_path / "office" / part / "dslr_images").mkdir(parents=True)
    assert recognise(tmp_path) == recognise(tmp_path / "office") == "eth3d"


@pytest.mark.parametrize(
    ("file", "kind"), [("a.tar", "rooms"), ("a.mcap", "bag"), ("a.db3", "bag"), ("a.mat", "nyuv2")]
)
def test_single_files_are_recognised_by_their_suffix(tmp_path, file, kind):
    (tmp_path / file).touch()
    assert recognise(tmp_path / file) == kind


def test_an_unknown_layout_says_what_all_look_like(tmp_path):
    with pytest.raises(
        DataError, match=r"is no data set that is known, expected one of these. rooms: tar shards.*kitti:"
    ):
        open_data(tmp_path)


def test_a_name_that_is_a_kind_decides_how_the_path_is_read(frame_folder):
    assert open_named(f"desk={frame_folder}").kind == "folder"
    with pytest.raises(DataError, match="holds no sequence of TUM RGB-D"):
        open_named(f"tum={frame_folder}")
    with pytest.raises(DataError, match="expected NAME=PATH"):
        open_named(str(frame_folder))


@pytest.mark.parametrize("name", ["two\nlines", "\udcff", "a|b", "../up", "$x$"])
def test_a_name_that_would_break_tables_and_figures_is_refused_in_one_printable_line(frame_folder, name):
    with pytest.raises(DataError, match=r"^--data '.*': expected a NAME of printable characters other than /") as told:
        open_named(f"{name}={frame_folder}")
    assert str(told.value).isprintable()


def test_a_path_may_have_any_characters(frame_folder):
    odd = frame_folder.rename(frame_folder.with_name("two\nlines\udcff|$"))
    assert len(open_named(f"desk={odd}").samples) == len(open_data(odd))


def test_a_kind_that_does_not_exist_is_refused(frame_folder):
    with pytest.raises(DataError, match="nyu is no kind of data set, expected one of rooms, bag, nyuv2"):
        open_data(frame_folder, "nyu")


def test_a_missing_path_of_a_given_kind_says_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"gone is not there, expected SCENE/images/dslr_images"):
        open_data(tmp_path / "gone", "eth3d")


def test_options_follow_a_question_mark(frame_folder):
    path, options = split_options(Path("/data/run.mcap?image=/camera/color&depth=/camera/depth"))
    assert (path, options) == (Path("/data/run.mcap"), {"image": "/camera/color", "depth": "/camera/depth"})
    with pytest.raises(DataError, match="split is no option of folder, expected part, nearest, cap"):
        open_data(Path(f"{frame_folder}?split=test"))
    with pytest.raises(DataError, match=r"expected PATH\?name=value"):
        open_data(Path(f"{frame_folder}?split"))


@pytest.mark.parametrize(
    ("kind", "choice"),
    [("nyuv2", "split=train"), ("hypersim", "split=train"), ("diode", "split=train"), ("kitti", "list=FILE")],
)
def test_learning_needs_an_option_where_test_data_may_be_among_what_is_read(tmp_path, kind, choice):
    for file in (MARKS[kind], "metadata_images_split_scene_v1.csv"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    sentence = rf"models are scored on, expected an option .* as {tmp_path}\?{choice}"
    for item in (f"{kind}={tmp_path}", f"mine={tmp_path}"):
        with pytest.raises(DataError, match=sentence):
            open_named(item, learning=True)
    arguments = argparse.Namespace(model="mean-map", train=[tmp_path])
    with pytest.raises(DataError, match=sentence):
        load_predictor(arguments)
    with pytest.raises(DataError) as caught:  # the choice is taken, and the empty file refused
        open_data(Path(f"{tmp_path}?{choice}"), learning=True)
    assert "scored" not in str(caught.value)


def test_scenes_of_hypersim_without_a_table_and_a_list_of_kitti_that_is_named_are_learnt_from(tmp_path):
    for kind, path in (("hypersim", tmp_path), ("kitti", tmp_path / "eigen_test_files.txt")):
        assert not KINDS[kind].holds_test_data(path, {})


def test_annotated_depth_of_kitti_is_not_learnt_from_without_a_list(tmp_path):
    """The archive holds drives of the Eigen test split, in val/ and in train/."""
    (tmp_path / "data_depth_annotated").mkdir()
    for item in (f"kitti={tmp_path}", f"mine={tmp_path}"):
        with pytest.raises(DataError, match=r"models are scored on, expected an option .*\?list=FILE"):
            open_named(item, learning=True)


def test_the_documentation_lists_every_kind_with_its_options_and_limits():
    text = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    rows = {
        row[1].strip(" `"): row for row in (line.split("|") for line in text.splitlines() if line.startswith("| `"))
    }
    assert rows.keys() == KINDS.keys()
    for name, (_, _, _, options, counted, _) in rows.items():
        assert all(f"`{option}`" in options for option in KINDS[name].options), name
        assert f"{KINDS[name].protocol.nearest:g}–{KINDS[name].protocol.cap:g} m" in counted, name


def test_parts_of_ones_own_recordings_follow_each_other_and_miss_nothing(frame_folder):
    names = [sample.name for sample in open_data(frame_folder)]
    parts = [open_data(Path(f"{frame_folder}?part={part}")) for part in ("0:40", "40:60", "60:100")]
    assert [sample.name for part in parts for sample in part] == names
    assert [len(part) for part in parts] == [1, 1, 1]


def test_depth_of_ones_own_recordings_can_be_limited(frame_folder):
    """Frame n of the folder is 1 + n metres away."""
    limited = open_named(f"mine={frame_folder}?nearest=1.5&cap=2.5", learning=True).samples
    assert [bool(np.isfinite(sample.depth).any()) for sample in limited] == [False, True, False]
    np.testing.assert_array_equal(limited[1].depth, open_data(frame_folder)[1].depth)
    assert pickle.loads(pickle.dumps(limited))[1].name == limited[1].name


def test_data_sets_above_and_below_a_path_that_is_none_are_named(frame_folder):
    for path in (frame_folder / "rgb", frame_folder.parent):
        with pytest.raises(
            DataError, match=f"{path} is no data set .* expected one of these, as {frame_folder}. rooms:"
        ):
            open_data(path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("part=80", "part=80, expected FROM:TO in percent"),
        ("part=90:10", "part=90:10, expected FROM:TO"),
        ("part=0:1", "part=0:1, in percent, of 3 frames holds none of them"),
        ("cap=far", "cap=far, expected metres"),
        ("nearest=3&cap=2", "nearest=3 and cap=2 leave no depth"),
    ],
)
def test_a_wrong_choice_of_ones_own_frames_is_named(frame_folder, options, sentence):
    with pytest.raises(DataError, match=f"desk: {sentence}"):
        open_data(Path(f"{frame_folder}?{options}"))


def test_a_protocol_makes_unknown_what_does_not_count(ramp):
    restricted = Protocol(cap=3.0, nearest=1.5).restrict(ramp)
    known = np.isfinite(restricted.depth)
    assert (known == ((ramp.depth >= 1.5) & (ramp.depth <= 3))).all()
    assert (restricted.depth[known] == ramp.depth[known]).all()
    assert (restricted.rgb == ramp.rgb).all()


def test_a_crop_fits_any_size_and_is_named():
    crop = KINDS["nyuv2"].protocol
    assert (crop.crop_name, KINDS["tum"].protocol.crop_name) == ("eigen", "-")
    inside = crop.crop(480, 640)
    assert np.flatnonzero(inside.any(axis=1))[[0, -1]].tolist() == [45, 470]
    assert np.flatnonzero(inside.any(axis=0))[[0, -1]].tolist() == [41, 600]
    inside = crop.crop(240, 320)
    assert np.flatnonzero(inside.any(axis=1))[[0, -1]].tolist() == [22, 234]
    assert np.flatnonzero(inside.any(axis=0))[[0, -1]].tolist() == [20, 299]


class Counting:
    """Reads sample n as a picture of value n; counts how often."""

    def __init__(self):
        self.reads = 0

    def __call__(self, n):
        from depthart_core.geometry import Intrinsics

        self.reads += 1
        return Sample(
            str(n), np.full((2, 2, 3), n, np.uint8), np.ones((2, 2), np.float32), Intrinsics(2, 2, 1, 1, 0, 0)
        )


class Refusing:
    """Reads nothing."""

    def __call__(self, n):
        raise KeyError(n)


def test_warnings_about_many_samples_name_the_first_ten():
    frames = Frames(range(12), Refusing())
    ten = "".join(rf"{n}: KeyError: {n}; expected a frame that can be read; " for n in range(10))
    with pytest.warns(UserWarning, match=f"^skipped 12 of 12 samples: {ten}and 2 more$"):
        assert list(readable(frames)) == []
    with pytest.warns(UserWarning, match=f"^12 of 12 samples cannot be read: {ten}and 2 more$"):
        assert len(load_into_memory(frames, 8)) == 12


def test_slices_select_without_reading():
    read = Counting()
    frames = Frames(range(10), read)[2:8][::2]
    assert (len(frames), read.reads) == (3, 0)
    assert [sample.name for sample in frames] == ["2", "4", "6"]


def test_joined_data_sets_are_one_after_the_other():
    read = Counting()
    joined = Joined([Frames(range(3), read), Frames([], read), Frames(range(10, 12), read)])
    assert (len(joined), read.reads) == (5, 0)
    assert [sample.name for sample in joined] == ["0", "1", "2", "10", "11"]
    assert joined[-1].name == "11"
    assert [sample.name for sample in joined[2:]] == ["2", "10", "11"]
    with pytest.raises(IndexError):
        joined[5]


def test_joined_data_sets_travel_into_worker_processes(frame_folder, shard_of):
    joined = Joined([open_data(frame_folder), open_data(shard_of(2))])
    assert [sample.name for sample in pickle.loads(pickle.dumps(joined))] == [sample.name for sample in joined]
    [batch] = itertools.islice(batches(joined, 5, workers=1, size=32), 1)
    assert sorted(batch.names) == ["desk/0000", "desk/0001", "desk/0002", "train-000/000000", "train-000/000001"]
