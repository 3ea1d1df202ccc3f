"""The README names what there is."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from depthart_ros.cli.main import SUBCOMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_readme_lists_the_subcommand(name):
    assert f"`depthart {name}" in README


def test_the_readme_lists_every_topic():
    publishers = pytest.importorskip("depthart_ros.outputs.publishers", reason="no ROS 2 (extra `ros`)")
    listed = set(re.findall(r"^\| out \| `([^`]+)`", README, re.MULTILINE))
    assert listed == {*publishers.OUTPUT_TYPES, "/diagnostics"}


def test_the_readme_lists_every_extra():
    command = [sys.executable, "-c", EXTRAS]
    extras = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    table = README.split("| extra | for |")[1].split("\n\n")[0]
    # `test` is no choice of a user: colcon looks for it.
    assert set(re.findall(r"`(\w+)`", table)) == set(extras) - {"test"}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w.]+/)+[\w.]+\.\w+)`", README))))
def test_the_readme_names_a_file_that_exists(path):
    assert (ROOT / path).is_file()


def test_the_python_of_the_readme_runs_as_it_stands(monkeypatch, capsys):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CACHE_HOME", "/nonexistent")  # PyTorch runs it, whatever was exported here
    names = {}
    exec(compile(program, "README.md", "exec"), names)
    assert names["depth"].values.shape == names["metres"].shape == (480, 640)
    assert re.search(r"\(480, 640\)\n0\.\d+\n\d\.\d\d m in the middle, off by about \d+%\n", capsys.readouterr().out)


def test_the_camera_of_the_readme_is_that_of_its_picture():
    samples = json.loads((ROOT / "depthart_ros" / "samples" / "samples.json").read_text())
    (name,) = re.findall(r"depthart_ros/samples/(\w+\.jpg)", README)
    (sample,) = [sample for sample in samples if sample["file"] == name]
    (given,) = re.findall(r"Intrinsics\((.*?)\)", README)
    for pair in given.split(", "):
        field, value = pair.split("=")
        assert float(value) == pytest.approx(sample[field], abs=0.1)


EXTRAS = """
import setuptools
setuptools.setup = lambda **fields: print(*fields["extras_require"])
exec(compile(open("setup.py").read(), "setup.py", "exec"))
"""
