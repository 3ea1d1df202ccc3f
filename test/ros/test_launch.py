"""The launch file: its arguments and, where `launch` is installed, what it starts."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "launch" / "depth.launch.py"
ARGUMENTS = {
    "namespace", "params_file", "model", "backend", "image", "camera_info", "scale", "scale_source", "rviz",
    "autostart", "use_sim_time", "log_level", "fixed_frame", "local_transport",
}  # fmt: skip


def calls(name):
    """Every call of a function in the launch file, as (positional constants, keywords)."""
    for node in ast.walk(ast.parse(FILE.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield [ast.literal_eval(value) for value in node.args], {word.arg: word.value for word in node.keywords}


def test_every_argument_is_declared_with_a_default_and_a_description():
    declared = {positional[0]: keywords for positional, keywords in calls("DeclareLaunchArgument")}
    assert set(declared) == ARGUMENTS
    for name, keywords in declared.items():
        assert set(keywords) == {"default_value", "description"}, name
        assert len(ast.literal_eval(keywords["description"])) > 10, name


def test_every_argument_is_used():
    tree = ast.parse(FILE.read_text())
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for name in ARGUMENTS:
        assert strings.count(name) >= 2, name


def test_it_remaps_the_topics_of_the_node_and_of_the_rviz_layout():
    publishers = pytest.importorskip("depthart_ros.publishers", reason="ROS 2 is not installed", exc_type=ImportError)
    tree = ast.parse(FILE.read_text())
    outputs = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "OUTPUTS"
    )
    assert set(outputs) == set(publishers.OUTPUTS)


def test_the_rviz_layout_shows_our_topics():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    layout = yaml.safe_load((ROOT / "config" / "depth.rviz").read_text())["Visualization Manager"]
    shown = {display["Topic"]["Value"] for display in layout["Displays"] if "Topic" in display}
    assert shown == {"/image", "/points", "/depth/image_color"}
    assert layout["Global Options"]["Fixed Frame"] == "camera_optical_frame"


def test_ros2_launch_would_start_the_node_with_the_given_arguments():
    launch = pytest.importorskip("launch", reason="launch comes with ROS 2 and is not installed", exc_type=ImportError)
    if not hasattr(launch, "LaunchService"):
        pytest.skip("launch comes with ROS 2 and is not installed")
    packages = pytest.importorskip("ament_index_python.packages", reason="ament_index_python comes with ROS 2")
    try:
        packages.get_package_share_directory("depthart_ros")
    except packages.PackageNotFoundError:
        pytest.skip("depthart_ros is not in a sourced install space")
    spec = importlib.util.spec_from_file_location("depth_launch", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    context = launch.LaunchContext()
    context.launch_configurations.update({"image": "/cam/image", "scale": "2", "local_transport": "true"})
    entities = module.generate_launch_description().entities
    for entity in entities[:-1]:
        entity.execute(context)
    (node,) = entities[-1].execute(context)
    assert (node.node_package, node.node_executable) == ("depthart_ros", "depth_node")
