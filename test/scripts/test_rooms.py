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
        ("kitchen=1", "'kitchen' is no kind of room, expected one of busy, desk, thing, steep, plain"),
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
def test_furniture_that_cannot_be_read_is_one_sentence(renderer, tmp_path):
    python, real, library = shlex.split(os.environ["DEPTHART_ROOMS"])
    done = render(python, real, library, tmp_path / "out", "--pack", renderer / "pack", "--shares", "desk=1")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"{renderer / 'pack'} cannot be read (" in line
