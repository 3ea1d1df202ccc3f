"""The comparison of engines: what its processes load, and what it refuses before it measures for minutes."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_number_of_pictures_that_is_none_is_one_sentence(capsys, limit):
    pytest.importorskip("onnxruntime")
    from benchmarks.engines import main

    assert main(["--limit", limit]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"benchmarks.engines: --limit {limit}: expected a number of frames from 1 up"


def test_the_processes_whose_memory_is_measured_load_no_pytorch():
    pytest.importorskip("onnxruntime")
    code = "import sys, benchmarks.engines; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], timeout=60).returncode == 0
