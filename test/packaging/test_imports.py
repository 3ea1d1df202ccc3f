"""The contracts of pyproject.toml hold: training -> depthart_core <- depthart_ros."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "rclpy", "onnx", "onnxruntime", "tensorrt", "sensor_msgs", "depthart_ros", "training")


def test_every_import_contract_is_kept():
    pytest.importorskip("importlinter", reason="import-linter is not installed (extra `dev`)")
    found = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout


def test_importing_depthart_core_loads_neither_torch_nor_ros():
    program = f"import sys, depthart_core; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_pipeline_of_the_node_loads_no_ros_so_that_bags_go_through_it_without():
    program = f"import sys, depthart_ros.pipeline; print([name for name in {HEAVY[:-2]!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_command_line_starts_without_loading_torch_or_ros():
    program = """import sys
from depthart_ros.cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
print([name for name in ("torch", "rclpy") if name in sys.modules])"""
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip().endswith("[]")
