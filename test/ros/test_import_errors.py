"""What programs say where a library cannot be imported."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("program", "arguments"),
    [("depthart_ros.cli.depth_node", ()), ("depthart_ros.cli.main", ("camera",)), ("depthart_ros.cli.main", ("demo",))],
    ids=["depth_node", "camera", "demo"],
)
def test_without_rclpy_one_sentence_says_how_to_get_it(program, arguments):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('rclpy', 'sensor_msgs', 'diagnostic_msgs', 'rcl_interfaces')))\n"
        f"from {program} import main\nsys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs ROS 2" in done.stderr
    assert "source /opt/ros/DISTRO/setup.bash" in done.stderr
    assert "pip install ros-kilted-rclpy" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_python_module_is_named_as_what_it_is():
    code = "import sys; sys.modules['cv2'] = None\nfrom depthart_ros.cli.depth_node import main\nsys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("depth_node needs the Python module cv2 (")


@pytest.mark.parametrize(
    ("program", "arguments"),
    [("depthart_ros.cli.depth_node", ()), ("depthart_ros.cli.main", ("doctor", "--skip-model"))],
)
def test_an_opencv_made_for_another_numpy_is_told_with_its_cure(program, arguments, tmp_path):
    (tmp_path / "cv2.py").write_text("raise ImportError('numpy.core.multiarray failed to import')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom {program} import main\nsys.exit(main())"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "compiled for NumPy 1" in done.stderr
    assert "pip install 'numpy<2'" in done.stderr


def test_an_interrupt_while_a_library_is_loaded_ends_a_node_without_a_word(dds, domain):
    code = (
        "import sys; from depthart_ros.spin import run_node\n"
        "def make(): raise ImportError('initialization failed') from KeyboardInterrupt()\n"
        "sys.exit(run_node('depth_node', make))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
