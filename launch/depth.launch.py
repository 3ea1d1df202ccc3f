"""depth_node, ready to use: `ros2 launch depthart_ros depth.launch.py image:=/camera/image_raw scale:=1.0`."""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

from depthart_ros.transport import local_transport
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

OUTPUTS = ("depth/relative", "depth/image_rect", "depth/camera_info", "points", "depth/image_color", "depth/confidence")


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they ask for."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its outputs"),
            DeclareLaunchArgument(
                "params_file",
                default_value=_config("depth.yaml"),
                description="Parameters of the node; the arguments below that are not empty win over it",
            ),
            DeclareLaunchArgument(
                "model", default_value="", description="Packaged model or path of a .safetensors file"
            ),
            DeclareLaunchArgument("backend", default_value="", description="What runs the model, for example torch"),
            DeclareLaunchArgument("scale", default_value="", description="Metres per unit of relative depth"),
            DeclareLaunchArgument(
                "scale_source",
                default_value="",
                description="given (the argument scale) or model (its own first guess)",
            ),
            DeclareLaunchArgument(
                "autostart", default_value="", description="Configure and activate at start: true or false"
            ),
            DeclareLaunchArgument("image", default_value="image", description="Topic of the images to use"),
            DeclareLaunchArgument("camera_info", default_value="camera_info", description="Topic of their calibration"),
            DeclareLaunchArgument("use_sim_time", default_value="false", description="Take the time from /clock"),
            DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal"),
            DeclareLaunchArgument("rviz", default_value="false", description="Start RViz with config/depth.rviz too"),
            DeclareLaunchArgument(
                "fixed_frame",
                default_value="camera_optical_frame",
                description="RViz: frame_id of the images, or a tf frame",
            ),
            DeclareLaunchArgument(
                "local_transport",
                default_value="false",
                description="Fast DDS with config/fastdds.xml: shared memory, nothing leaves the machine",
            ),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the processes, now that the arguments have values."""
    arguments = context.launch_configurations
    environment = local_transport(_config("fastdds.xml")) if _is_true(arguments["local_transport"]) else {}
    nodes = [_depth_node(arguments, environment)]
    if _is_true(arguments["rviz"]):
        nodes.append(_rviz(arguments, environment))
    return nodes


def _depth_node(arguments: dict[str, str], environment: dict[str, str]) -> Node:
    """Return the depth node; an argument left empty leaves its parameter to the file."""
    given: dict[str, str | bool | float] = {"use_sim_time": _is_true(arguments["use_sim_time"])}
    given |= {name: arguments[name] for name in ("model", "backend", "scale_source") if arguments[name]}
    if arguments["scale"]:
        given["scale"] = float(arguments["scale"])
    if arguments["autostart"]:
        given["autostart"] = _is_true(arguments["autostart"])
    return Node(
        package="depthart_ros",
        executable="depth_node",
        name="depth_node",
        namespace=arguments["namespace"],
        parameters=[arguments["params_file"], given],
        remappings=[("image", arguments["image"]), ("camera_info", arguments["camera_info"])],
        arguments=["--ros-args", "--log-level", arguments["log_level"]],
        additional_env=environment,
        output="screen",
        emulate_tty=True,
    )


def _rviz(arguments: dict[str, str], environment: dict[str, str]) -> Node:
    """Return RViz; its configuration names topics without a namespace, so they are remapped into ours."""
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=arguments["namespace"],
        arguments=["-d", _config("depth.rviz"), "-f", arguments["fixed_frame"]],
        parameters=[{"use_sim_time": _is_true(arguments["use_sim_time"])}],
        remappings=[("/image", arguments["image"]), *((f"/{topic}", topic) for topic in OUTPUTS)],
        additional_env=environment,
    )


def _config(name: str) -> str:
    """Return the path of an installed configuration file."""
    return str(Path(get_package_share_directory("depthart_ros"), "config", name))


def _is_true(text: str) -> bool:
    """Return whether a launch argument means yes.

    Raises:
        ValueError: it means neither yes nor no.
    """
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f"{text!r} is no truth value; expected true or false")
    return text.lower() in ("true", "1")
