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


EMPTY = (
    "from forms import Place",
    "from places import Top",
    "from room import Builder, Foot, Room, Wall, rect_outline",
    "builder = Builder([900000, 3], pack)",
    "room = Room([(0, 0, 9, 9)], rect_outline(0, 0, 9, 9), 2.7)",
    "parts = builder.s.parts[0]",
    "every = lambda: np.concatenate([part[0] for part in parts])",
    "def clear():",
    "    parts.clear(), builder.foot.clear()",
    "def desk_at(angle):",
    "    desk = Top(Foot(4.5, 4.5, 0.7, 0.35, angle, 0, 0.74), angle, (1.4, 0.74, 0.7))",
    "    builder.foot.append(desk.foot)",
    "    return desk",
)
"""A builder of an empty room of 9 x 9 m, what it has made, and a desk of 1.4 x 0.7 m in the middle."""


def figures(*code):
    """The numbers that such code prints, a line's in a row (N, M)."""
    return np.array([list(map(float, line.split())) for line in real_rooms(*EMPTY, *code).splitlines()])


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
@pytest.mark.parametrize(("height", "reach"), [(1.0, 0.3), (0.2, 0.1), (2.0, 0.4)])
def test_plants_stand_on_the_floor_and_keep_to_their_height_and_reach(height, reach):
    lowest, highest, farthest = figures(
        "from plants import add_plant",
        "for _ in range(25):",
        "    clear()",
        f"    add_plant(builder, np.array([3.0, 0.7, 2.0]), {height}, {reach})",
        "    where = every() - [3.0, 0.7, 2.0]",
        "    print(where[:, 1].min(), where[:, 1].max(), np.hypot(where[:, 0], where[:, 2]).max())",
    ).T
    assert (abs(lowest) < 0.01).all()
    assert ((highest > 0.3 * height) & (highest < height + 0.001)).all()
    assert ((farthest > 0.4 * reach) & (farthest < reach + 0.001)).all()


@needs_renderer
def test_blades_grow_from_the_earth_in_the_pot():
    away = figures(
        "from plants import Pot, _upright",
        "for _ in range(10):",
        "    clear()",
        "    _upright(builder, Place(builder.s, np.zeros(3), 0.0), Pot(0.3, 0.08), 0.7, 0.3)",
        "    bases = every().reshape(-1, 15, 3)[:, 1]",
        "    print(np.hypot(bases[:, 0], bases[:, 2]).max())",
    )
    assert ((away > 0.01) & (away < 0.08)).all()


@needs_renderer
def test_plants_of_floors_and_of_desks_keep_out_of_walls():
    low, high, behind = figures(
        "from desk_things import _plant as on_desk",
        "from living import _plant as on_floor",
        "small = Room([(0, 0, 3, 3)], rect_outline(0, 0, 3, 3), 2.7)",
        "for i in range(40):",
        "    clear()",
        "    foot = on_floor(builder, small)",
        "    low, high = every()[:, ::2].min(), every()[:, ::2].max()",
        "    clear()",
        "    on_desk(builder, desk_at(0.0), 0.1, -0.25)",
        "    print(low, high, every()[:, 2].min())",
    ).T
    assert (low > 0).all()
    assert (high < 3).all()
    assert (behind > 4.5 - 0.35 - 0.001).all()


@needs_renderer
def test_people_are_as_tall_as_people_and_take_the_floor_that_they_are_given():
    made = figures(
        "from living import FORWARD, SITTING, UPRIGHT",
        "from people import add_sitting, add_upright",
        "for i in range(80):",
        "    clear()",
        "    (add_upright, add_sitting)[i % 2](builder, Place(builder.s, np.zeros(3), 0.0))",
        "    (width, _, depth), ahead = (UPRIGHT, SITTING)[i % 2], (0, FORWARD)[i % 2]",
        "    beside, ahead = abs(every()[:, 0]).max() - width / 2, abs(every()[:, 2] - ahead).max() - depth / 2",
        "    print(every()[:, 1].min(), every()[:, 1].max(), beside, ahead)",
    )
    lowest, highest, beside, ahead = made.T
    assert (abs(lowest) < 0.06).all()
    assert ((highest[::2] > 1.35) & (highest[::2] < 2.05)).all()
    assert ((highest[1::2] > 1.0) & (highest[1::2] < 1.55)).all()
    assert (beside < 0.06).all()
    assert (ahead < 0.12).all()
    assert np.mean(np.maximum(beside, ahead) < 0.02) > 0.9


@needs_renderer
def test_who_stands_has_shoulders_on_the_trunk_and_walks_with_arms_against_legs():
    made = figures(
        "from people import add_upright",
        "ring = lambda part, i: part[0].reshape(-1, 13, 3)[i, :12].mean(0)",
        "for _ in range(80):",
        "    clear()",
        "    add_upright(builder, Place(builder.s, np.zeros(3), 0.0))",
        "    shoulders = [ring(parts[i], 2)[2] for i in (-6, -3)]",
        "    step, reach = (ring(parts[j], 2)[2] - ring(parts[i], 2)[2] for i, j in ((2, 5), (-4, -1)))",
        "    print(max(abs(shoulders - ring(parts[6], 6)[2])), step, reach)",
    )
    off, step, reach = made.T
    assert (off < 0.01).all()
    walking = abs(step) > 0.3
    assert walking.sum() > 10
    assert np.median(reach[walking] * np.sign(step[walking])) < -0.05


@needs_renderer
def test_somebody_at_a_desk_faces_it_and_has_no_arm_in_it():
    before, ahead, crossing = figures(
        "from living import seat_at",
        "for i in range(30):",
        "    clear()",
        "    desk = desk_at(i * 0.7)",
        "    foot = seat_at(builder, room, desk)",
        "    front = desk.foot.ax[1]",
        "    legs, trunk = (np.concatenate([p[0][:, ::2] for p in some]).mean(0) for some in (parts[:6], parts[6:7]))",
        "    edges = np.concatenate([part[0][part[1]] for part in parts[:-1]])",
        "    share = (0.73 - edges[:, :, 1]) / (np.roll(edges, 1, 1)[:, :, 1] - edges[:, :, 1] + 1e-12)",
        "    at = (edges + share[..., None] * (np.roll(edges, 1, 1) - edges))[(share > 0) & (share < 1)]",
        "    crossing = sum(desk.foot.holds(x, z, 0.0) for x, _, z in at)",
        "    print((foot.c - desk.foot.c) @ front, (trunk - legs) @ front, crossing)",
    ).T
    assert (before > 0.35).all()
    assert (ahead > 0.1).all()
    assert not crossing.any()


@needs_renderer
def test_some_rooms_have_plants_and_some_have_people():
    plants, standing, sitting, made = figures(
        "from living import SITTING, UPRIGHT, add_living",
        "for _ in range(100):",
        "    clear()",
        "    heights = [foot.y[1] for foot in add_living(builder, room)]",
        "    standing, sitting = heights.count(UPRIGHT[1]), heights.count(SITTING[1])",
        "    print(len(heights) - standing - sitting, standing, sitting, len(parts))",
    ).T
    assert 25 < (plants > 0).sum() < 55
    assert 18 < (standing + sitting > 0).sum() < 45
    assert (standing > 0).sum() > (sitting > 0).sum() > 3
    assert ((made > 0) == (plants + standing + sitting > 0)).all()


@needs_renderer
def test_a_computer_stands_below_a_desk_where_no_seat_is_or_on_it():
    made = figures(
        "from machines import add_tower",
        "from places import Spots",
        "for i in range(60):",
        "    clear()",
        "    desk, spots = desk_at(0.0), None",
        "    if i % 2:",
        "        builder.foot.append(Foot(4.5, 5.0, 0.7, 0.8, 0.0, 0, 1.4))",
        "    add_tower(builder, desk, Spots(builder, desk), (-1, 1)[i // 2 % 2], desk.foot)",
        "    (x0, y0, z0), (x1, y1, z1) = every().min(0) - [4.5, 0, 4.5], every().max(0) - [4.5, 0, 4.5]",
        "    beside, before = max(abs(x0), abs(x1)) - 0.7, max(abs(z0), abs(z1)) - 0.35",
        "    print(y0, y1, (x0 + x1) * (-1, 1)[i // 2 % 2] / 2, beside, before)",
    )
    low, high, side, beside, before = made.T
    below = high < 0.74
    assert 10 < below[::2].sum() < 28
    assert not below[1::2].any()
    assert (side[below] > 0.3).all()
    assert (low[~below] > 0.74 - 1e-6).all()
    assert (beside < 0).all()
    assert (before < 0.03).all()


@needs_renderer
@pytest.mark.parametrize(("deep", "hung"), [(0.2, True), (0.09, True), (0.06, False)])
def test_blinds_hang_inside_windows_that_are_deep_enough(deep, hung):
    made = figures(
        "from walls import add_blind",
        f"hole = {{'kind': 'window', 'u': (1.0, 2.2), 'v': (0.9, 2.1), 'depth': {deep}}}",
        "for i in range(20):",
        "    clear()",
        "    add_blind(builder, Wall((0, 0), (3, 0)), hole, i % 2 == 0, 0)",
        "    print(*every().min(0), *every().max(0)) if parts else print(0)",
    )
    assert (made.shape[1] == 6) == hung
    if hung:
        left, low, outside, right, high, inside = made.T
        assert (left > 1.0).all()
        assert (right < 2.2).all()
        assert (low > 0.9).all()
        assert (high < 2.101).all()
        assert np.ptp(low) > 0.3
        assert (outside > -deep + 0.04).all()
        assert (inside < 0.001).all()


@needs_renderer
def test_flat_ends_of_skins_are_round():
    ends = figures(
        "clear()",
        "Place(builder.s, np.zeros(3), 0.0).skin([(0, 0, 0), (0.3, 0.4, 0.2)], [0.1, 0.1], 0, bulge=0)",
        "for ring, middle in ((1, (0, 0, 0)), (-2, (0.3, 0.4, 0.2))):",
        "    print(*np.linalg.norm(every().reshape(-1, 13, 3)[ring] - middle, axis=1))",
    )
    assert np.allclose(ends, 0.1, atol=1e-4)


@needs_renderer
def test_class_rooms_have_rows_of_desks_chairs_people_windows_and_a_board():
    made = figures(
        "from classes import ClassRoom",
        "from living import SITTING",
        "for seed in range(16):",
        "    own = ClassRoom([seed, 3], pack)",
        "    along = own.floor.foot.ax[1]",
        "    rows = np.unique(np.round([top.foot.c @ along for top in own.desks], 3))",
        "    apart = np.diff([*rows, rows[-1] + 1.5])",
        "    chairs = sum(abs(foot.h[0] - own.seat.size[0] * own.scale / 2) < 1e-6 for foot in own.foot)",
        "    people = sum(foot.y[1] == SITTING[1] for foot in own.living)",
        "    windows = max(sum(hole['kind'] == 'window' for hole in wall.holes) for wall in own.main.walls)",
        "    front = max(own.main.walls, key=lambda wall: wall.n @ along)",
        "    holes = [hole['u'][0] for hole in front.holes]",
        "    hung = [u for u in front.used if u[2] > 0.74 and u[1] - u[0] >= 1.2 and u[3] - u[2] > 0.7]",
        "    boards = [u for u in hung if min(abs(u[0] - x) for x in [*holes, 99]) > 0.06]",
        "    drawers = [foot for foot in own.foot if foot.h[0] == 0.2 and own.look[1]]",
        "    clashes = sum(foot.hits(drawer) for foot in own.living for drawer in drawers)",
        "    sides = sorted(own.main.rects[0][2:])",
        "    found = chairs, people, windows, len(boards), len(drawers), clashes",
        "    print(*sides, len(own.desks), apart.min(), apart.max(), *found)",
    )
    narrow, long, desks, nearest, farthest, chairs, people, windows, boards, drawers, clashes = made.T
    assert ((narrow >= 4) & (long >= 5) & (long <= 12)).all()
    assert np.median(desks) >= 6
    assert ((nearest > 1.349) & (farthest < 2.101)).all()
    assert (chairs + people).sum() > 0.6 * desks.sum()
    assert people.sum() >= 10
    assert (windows >= 3).sum() >= 6
    assert (boards > 0).sum() >= 7
    assert drawers.sum() >= 4
    assert not clashes.any()


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
