"""What `ros2 launch` makes of the launch files, where it is installed; see test_launch.py for all that needs none."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "launch" / "depth.launch.py"
EXAMPLES = sorted((ROOT / "launch" / "examples").glob("*.launch.py"))
files = pytest.mark.parametrize("file", [FILE, *EXAMPLES], ids=lambda file: file.name)


def load(file):
    """The launch description of a file, or skip where nothing can run it."""
    launch = pytest.importorskip("launch", reason="launch comes with ROS 2 and is not installed")
    if not hasattr(launch, "LaunchService"):
        pytest.skip("launch comes with ROS 2 and is not installed")
    packages = pytest.importorskip("ament_index_python.packages", reason="ament_index_python comes with ROS 2")
    try:
        packages.get_package_share_directory("depthart_ros")
    except packages.PackageNotFoundError:
        pytest.skip("depthart_ros is not in a sourced install space")
    spec = importlib.util.spec_from_file_location("launch_file", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return launch, module.generate_launch_description()


@files
def test_ros2_launch_reads_it(file):
    _, description = load(file)
    assert description.entities


def test_ros2_launch_would_start_the_node_with_the_given_arguments():
    launch, description = load(FILE)
    context = launch.LaunchContext()
    context.launch_configurations.update({"image": "/cam/image", "scale": "2", "local_transport": "true"})
    for entity in description.entities[:-1]:
        entity.execute(context)
    (node,) = description.entities[-1].execute(context)
    assert (node.node_package, node.node_executable) == ("depthart_ros", "depth_node")


@pytest.mark.parametrize(
    ("given", "image", "namespace"),
    [
        ({}, "/camera/camera/color/image_raw", "camera/camera/depthart"),
        (
            {"ros_namespace": "/robot", "camera_namespace": "front", "camera_name": "left"},
            "/robot/front/left/color/image_raw",
            "front/left/depthart",
        ),
    ],
)
def test_the_realsense_example_listens_where_the_driver_publishes(given, image, namespace):
    launch, description = load(ROOT / "launch" / "examples" / "realsense.launch.py")
    from launch.actions import IncludeLaunchDescription
    from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

    context = launch.LaunchContext()
    context.launch_configurations.update(given)
    for entity in description.entities[:-2]:
        entity.execute(context)
    (include,) = (
        part for part in description.entities[-1].get_sub_entities() if isinstance(part, IncludeLaunchDescription)
    )
    passed_on = {
        name: perform_substitutions(context, normalize_to_list_of_substitutions(value))
        for name, value in include.launch_arguments
    }
    assert (passed_on["image"], passed_on["namespace"]) == (image, namespace)
