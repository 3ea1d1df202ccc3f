"""What scripts/rooms answers to bad input; one room by the real renderer where DEPTHART_ROOMS names it."""

import _ctypes
import importlib.util
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training.data.source import open_data

ROOT = Path(__file__).parents[2]
MODULES = ("room.py", "render.py", "scene.py", "textures.py", "pack.py")


@pytest.fixture
def renderer(tmp_path):
    """The files that a renderer has, empty: it is refused before any is needed."""
    folder = tmp_path / "renderer"
    (folder / "pack").mkdir(parents=True)
    for name in (*MODULES, "pack/furniture.npz", "pack/models.json"):
        (folder / name).touch()
    return folder


def render(python, renderer, library, out, *options):
    command = [python, ROOT / "scripts" / "rooms" / "render_kinds.py", "--renderer", renderer, "--lib", library]
    command += ["--out", out, "--first", "900000", "--rooms", "1", *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)


def one_sentence(renderer, library, out, *options):
    done = render(sys.executable, renderer, library, out, *(options or ("--shares", "desk=1")))
    assert done.returncode == 1, done.stderr
    assert not done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("render_kinds.py: ")
    return line


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ("kitchen=1", "'kitchen' is no kind of room, expected one of busy, desk, thing, steep, plain, class"),
        ("desk", "--shares desk: expected KIND=SHARE with a share from 0 on"),
        ("desk=much", "--shares desk=much: expected KIND=SHARE"),
        ("desk=-1", "--shares desk=-1: expected KIND=SHARE"),
        ("desk=nan", "--shares desk=nan: expected KIND=SHARE"),
        ("desk=0", "--shares desk=0: expected a share above 0"),
        ("desk=1 desk=2", "desk is named 2 times, expected once"),
    ],
)
def test_shares_that_say_nothing_are_refused(renderer, tmp_path, shares, words):
    assert words in one_sentence(renderer, "librooms.so", tmp_path / "out", "--shares", *shares.split())


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--step", "0", "--step 0: expected 1 or more"),
        ("--first", "-1", "--first -1: expected 0 or more"),
        ("--samples", "0", "--samples 0: expected 1 or more"),
        ("--rooms", "0", "--rooms 0: expected 1 or more"),
    ],
)
def test_numbers_that_are_too_small_are_refused(renderer, tmp_path, option, value, words):
    assert words in one_sentence(renderer, "librooms.so", tmp_path / "out", "--shares", "desk=1", option, value)


def test_a_folder_that_is_no_renderer_is_named_with_what_it_lacks(renderer, tmp_path):
    (renderer / "room.py").unlink()
    line = one_sentence(renderer, "librooms.so", tmp_path / "out")
    assert f"{renderer} has no room.py, expected the folder of the renderer" in line


def test_a_folder_without_furniture_is_named(renderer, tmp_path):
    line = one_sentence(renderer, "librooms.so", tmp_path / "out", "--shares", "desk=1", "--pack", tmp_path)
    assert f"{tmp_path} has no furniture.npz, models.json, expected the folder of its furniture" in line


@pytest.mark.parametrize("content", [None, b"no library"])
def test_a_library_that_does_not_load_is_named_with_what_makes_it(renderer, tmp_path, content):
    library = tmp_path / "librooms.so"
    if content:
        library.write_bytes(content)
    line = one_sentence(renderer, library, tmp_path / "out")
    assert f"--lib {library} cannot be loaded (" in line
    assert f"expected what {renderer / 'build.sh'} makes, and Embree's folder in LD_LIBRARY_PATH" in line


@pytest.mark.skipif(bool(importlib.util.find_spec("pyoidn")), reason="this Python has pyoidn")
def test_a_python_without_the_denoiser_is_named(renderer, tmp_path):
    library = getattr(_ctypes, "__file__", None)
    if library is None:
        pytest.skip("this Python has no library of its own to load")
    line = one_sentence(renderer, library, tmp_path / "out")
    assert f"No module named 'pyoidn'; expected numpy, pillow and pyoidn in {sys.executable}" in line


def test_an_out_that_is_a_file_is_refused(renderer, tmp_path):
    (out := tmp_path / "out").touch()
    line = one_sentence(renderer, "librooms.so", out)
    assert f"--out {out} cannot be written (File exists), expected a folder" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_out_that_may_not_be_written_is_refused(renderer, tmp_path):
    (out := tmp_path / "out").mkdir(mode=0o500)
    assert f"--out {out} cannot be written (Permission denied)" in one_sentence(renderer, "librooms.so", out)


needs_renderer = pytest.mark.skipif(
    "DEPTHART_ROOMS" not in os.environ,
    reason="needs the renderer, Embree and pyoidn: DEPTHART_ROOMS='PYTHON RENDERER LIBRARY' (scripts/rooms/README.md)",
)


def real_rooms(*code):
    """What Python code prints that has the generator's modules and a furniture ``pack``."""
    python, renderer, _ = shlex.split(os.environ["DEPTHART_ROOMS"])
    start = f"import sys; sys.path[:0] = [{str(ROOT / 'scripts' / 'rooms')!r}, {renderer!r}]; from pack import Pack"
    lines = [start, "import numpy as np", f"pack = Pack({str(Path(renderer) / 'pack')!r})", *code]
    done = subprocess.run([python, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_renderer
def test_a_room_is_read_as_a_data_set_and_not_rendered_twice(tmp_path):
    python, renderer, library = shlex.split(os.environ["DEPTHART_ROOMS"])
    options = ("--samples", "1", "--shares", "desk=1")
    done = render(python, renderer, library, tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    [sample, *_] = open_data(tmp_path / "out")
    assert sample.rgb.shape == (256, 256, 3)
    assert 0.2 < np.nanmedian(sample.depth) < 10
    again = render(python, renderer, library, tmp_path / "out", *options)
    assert (again.returncode, again.stdout) == (0, "")


@needs_renderer
@pytest.mark.parametrize("kind", ["busy", "desk", "thing", "class"])
def test_every_kind_that_has_plants_and_people_gives_pictures(tmp_path, kind):
    python, renderer, library = shlex.split(os.environ["DEPTHART_ROOMS"])
    done = render(python, renderer, library, tmp_path / "out", "--samples", "1", "--shares", f"{kind}=1")
    assert done.returncode == 0, done.stderr
    assert f"900000 {kind}: " in done.stdout
    assert len(list(open_data(tmp_path / "out"))) >= 4


@needs_renderer
def test_plants_stand_in_their_pots_and_reach_about_as_far_as_asked():
    printed = real_rooms(
        "from room import Builder",
        "from plants import add_plant",
        "builder = Builder([900000, 3], pack)",
        "for _ in range(40):",
        "    builder.s.parts[0].clear()",
        "    add_plant(builder, np.array([3.0, 0.7, 2.0]), 1.0, 0.3)",
        "    where = np.concatenate([part[0] for part in builder.s.parts[0]]) - [3.0, 0.7, 2.0]",
        "    print(where[:, 1].min(), where[:, 1].max(), np.hypot(where[:, 0], where[:, 2]).max(), len(where))",
    )
    figures = np.array([list(map(float, line.split())) for line in printed.splitlines()])
    lowest, highest, reach, _ = figures.T
    assert (lowest > -0.9).all()
    assert ((highest > 0.5) & (highest < 1.6)).all()
    assert (reach < 1.0).all()


@needs_renderer
def test_people_are_as_tall_as_people_and_stand_on_the_floor():
    printed = real_rooms(
        "from room import Builder",
        "from forms import Place",
        "from people import add_sitting, add_upright",
        "builder = Builder([900000, 3], pack)",
        "for i in range(40):",
        "    builder.s.parts[0].clear()",
        "    (add_upright, add_sitting)[i % 2](builder, Place(builder.s, np.array([3.0, 0.0, 2.0]), i / 6))",
        "    where = np.concatenate([part[0] for part in builder.s.parts[0]]) - [3.0, 0.0, 2.0]",
        "    print(where[:, 1].min(), where[:, 1].max(), np.hypot(where[:, 0], where[:, 2]).max())",
    )
    lowest, highest, reach = np.array([list(map(float, line.split())) for line in printed.splitlines()]).T
    assert (abs(lowest) < 0.06).all()
    assert ((highest[::2] > 1.35) & (highest[::2] < 2.05)).all()
    assert ((highest[1::2] > 1.0) & (highest[1::2] < 1.65)).all()
    assert (reach < 1.0).all()


@needs_renderer
def test_class_rooms_are_large_and_have_rows_of_desks():
    printed = real_rooms(
        "from classes import ClassRoom",
        "for seed in range(6):",
        "    room = ClassRoom([seed, 3], pack)",
        "    print(*sorted(room.main.rects[0][2:]), len(room.desks))",
    )
    narrow, long, desks = np.array([list(map(float, line.split())) for line in printed.splitlines()]).T
    assert ((narrow >= 4) & (long >= 5) & (long <= 12)).all()
    assert np.median(desks) >= 6


@needs_renderer
@pytest.mark.parametrize(("median", "desk", "other"), [(0.3, False, False), (0.4, True, False), (0.6, True, True)])
def test_desks_may_be_seen_from_nearer_by_than_other_things(median, desk, other):
    printed = real_rooms(
        "from views import near_desk, near_enough",
        f"depth = np.geomspace(0.55, 1.82, 48 * 48).reshape(48, 48).astype(np.float32) * {median}",
        "print(near_desk(depth), near_enough(depth))",
    )
    assert printed.split() == [str(desk), str(other)]


@needs_renderer
def test_furniture_that_cannot_be_read_is_one_sentence(renderer, tmp_path):
    python, real, library = shlex.split(os.environ["DEPTHART_ROOMS"])
    done = render(python, real, library, tmp_path / "out", "--pack", renderer / "pack", "--shares", "desk=1")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"{renderer / 'pack'} cannot be read (" in line
