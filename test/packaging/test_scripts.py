"""scripts/setup says in one sentence what it lacks; scripts/demo runs where it is called."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path) -> Path:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "setup.py", tmp_path)
    return tmp_path


def run_setup(checkout, *arguments, **variables):
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "ROS_", "DEPTHART_"))
    }
    environment = inherited | {"PIP_CONFIG_FILE": os.devnull} | variables
    command = [str(checkout / "scripts" / "setup"), *arguments]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=120)


def one_sentence(done):
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("scripts/setup: ")
    return line


def test_without_a_suitable_python_it_says_which_it_tried(checkout):
    assert "no-such-python" in one_sentence(run_setup(checkout, DEPTHART_PYTHON="no-such-python"))


def test_a_python_that_cannot_make_environments_is_named_with_the_cure(checkout):
    crippled = checkout / "crippled-python"
    crippled.write_text(f'#!/bin/sh\ncase "$*" in *venv*|*virtualenv*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    crippled.chmod(0o755)
    line = one_sentence(run_setup(checkout, DEPTHART_PYTHON=str(crippled)))
    assert "crippled-python" in line
    assert "apt install python3-venv" in line


def test_without_a_package_index_it_says_so(checkout):
    nobody = "http://127.0.0.1:9/simple"
    done = run_setup(checkout, DEPTHART_PYTHON=sys.executable, PIP_INDEX_URL=nobody, PIP_RETRIES="0")
    assert "no package index" in one_sentence(done)
    assert not (checkout / ".venv" / "depthart_setup.stamp").exists()


def test_a_torch_that_the_configuration_of_pip_limits_is_taken_where_nobody_has_a_cpu_build(checkout, tmp_path):
    index, limits = tmp_path / "index", tmp_path / "limits.txt"
    index.mkdir()
    (version,) = re.findall(r"^torch==(.*)$", (checkout / "scripts" / "constraints.txt").read_text(), re.MULTILINE)
    about = f"torch-{version}.dist-info"
    with zipfile.ZipFile(index / f"torch-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    limits.write_text(f"torch<={version}.1\n")
    offered = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONSTRAINT": str(limits)}
    done = run_setup(checkout, DEPTHART_PYTHON=sys.executable, **offered)
    assert "pip finds no CPU build of torch" in done.stdout
    assert "installing depthart_ros" in done.stdout, done.stderr  # which this index does not have


def test_an_extra_that_does_not_exist_is_named_with_those_that_do(checkout):
    line = one_sentence(run_setup(checkout, "--extras", "view,onxx"))
    assert "'onxx' is no extra, expected some of " in line
    assert {"ros", "onnx", "view", "dev"} <= set(line.split()[-1].split(","))


def test_an_unknown_argument_is_named(checkout):
    assert "--fast" in one_sentence(run_setup(checkout, "--fast"))


@pytest.mark.parametrize("script", ["setup", "demo", "test", "compare_objectives"])
@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_help_is_answered_before_anything_is_installed(checkout, script, asked):
    command = [str(checkout / "scripts" / script), "--extras", asked]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"scripts/{script} " in done.stdout
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(("script", "option"), [("demo", "--bag-seconds"), ("compare_objectives", "--equal")])
def test_help_lists_every_option_once_the_environment_is_there(script, option):
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("scripts/setup has not run here")
    done = subprocess.run([str(ROOT / "scripts" / script), "--help"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert option in done.stdout


def test_an_environment_that_is_a_link_to_another_one_is_left_as_it_is(checkout):
    other = checkout / "other"
    other.mkdir()
    (checkout / ".venv").symlink_to(other)
    line = one_sentence(run_setup(checkout))
    assert f".venv is a symbolic link to {other}" in line
    assert "remove the link" in line
    assert list(other.iterdir()) == []


def test_the_demo_runs_where_it_is_called_so_that_paths_are_from_there(checkout):
    """With a `depthart` that says what it was told, in a checkout that is set up."""
    (checkout / "scripts" / "setup").write_text("#!/bin/sh\n")
    program = checkout / ".venv" / "bin" / "depthart"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$PWD" "$@"\n')
    program.chmod(0o755)
    place = checkout / "my films"
    place.mkdir()
    done = subprocess.run(["../scripts/demo", "walk.mp4"], cwd=place, capture_output=True, text=True, check=True)
    assert done.stdout == f"{place} demo walk.mp4\n"
