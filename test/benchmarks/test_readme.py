"""The list of the benchmarks is complete."""

import re
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_every_benchmark_that_can_be_run_is_listed():
    programs = {path.stem for path in BENCHMARKS.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    text = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    assert programs == set(re.findall(r"^\| `.venv/bin/python -m benchmarks\.(\w+)", text, re.MULTILINE))
