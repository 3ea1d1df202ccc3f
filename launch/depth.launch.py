"""depth_node, ready to use: `ros2 launch depthart_ros depth.launch.py image:=/camera/image_raw scale:=1.0`.

Other launch files include it as those of launch/examples do. An argument left empty leaves its parameter to
`params_file`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

from depthart_ros.outputs.topics import OUTPUTS
from depthart_ros.transport import local_transport
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

TEXTS = ("model", "backend", "device", "precision", "camera_info_url", "image_transport", "scale_source")
NUMBERS = ("scale", "deadline_ms", "fov_deg")
COUNTS = ("max_scales",)
TRUTHS = ("autostart", "build_engine", "process_all", "rectified", "rectify", "use_sim_time")


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they ask for."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its topics"),
            DeclareLaunchArgument(
                "params_file",
                default_value=_config("depth.yaml"),
                description="Parameters of the node; the arguments below that are not empty win over it",
            ),
            DeclareLaunchArgument("model", default_value="", description="Packaged model or path of a model file"),
            DeclareLaunchArgument("backend", default_value="", description="What runs the model, for example onnx"),
            DeclareLaunchArgument("device", default_value="", description="Where it runs: auto, cpu, cuda or cuda:N"),
            DeclareLaunchArgument("precision", default_value="", description="fp32, fp16, bf16 or int8"),
            DeclareLaunchArgument("max_scales", default_value="", description="At most so many scales of the model"),
            DeclareLaunchArgument(
                "build_engine", default_value="", description="Build an engine at start where none fits: true or false"
            ),
            DeclareLaunchArgument(
                "scale", default_value="", description="Metres per unit of relative depth; wins over scale_source"
            ),
            DeclareLaunchArgument(
                "scale_source",
                default_value="",
                description="given (the argument scale) or model (its own first guess)",
            ),
            DeclareLaunchArgument(
                "deadline_ms",
                default_value="",
                description="From an image to its depth [ms]: fewer scales where needed",
            ),
            DeclareLaunchArgument(
                "cameras",
                default_value="",
                description="Several cameras, one model: front,left or [front,left]; topics are NAME/image and so on",
            ),
            DeclareLaunchArgument(
                "image",
                default_value="image",
                description="Topic of the images; with `cameras` below each name, or with {camera} in its place",
            ),
            DeclareLaunchArgument(
                "camera_info", default_value="camera_info", description="Topic of their calibration, named likewise"
            ),
            DeclareLaunchArgument(
                "image_transport", default_value="", description="raw, or compressed (the topic IMAGE/compressed)"
            ),
            DeclareLaunchArgument(
                "rectified", default_value="", description="Whether images are rectified: P counts if so, else K"
            ),
            DeclareLaunchArgument(
                "rectify", default_value="", description="Undistort images, which are raw then: true or false"
            ),
            DeclareLaunchArgument(
                "fov_deg", default_value="", description="Without calibration: the horizontal field of view [deg]"
            ),
            DeclareLaunchArgument(
                "camera_info_url", default_value="", description="Without camera_info: a YAML of camera_calibration"
            ),
            DeclareLaunchArgument(
                "process_all", default_value="", description="Process every image in order, for bags: true or false"
            ),
            DeclareLaunchArgument(
                "autostart", default_value="", description="Configure and activate at start: true or false"
            ),
            DeclareLaunchArgument(
                "use_sim_time", default_value="", description="Take the time from /clock, RViz as well: true or false"
            ),
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
    environment = local_transport(_config("fastdds.xml")) if _read(arguments, "local_transport", _is_true) else {}
    nodes = [_depth_node(arguments, environment)]
    if _read(arguments, "rviz", _is_true):
        nodes.append(_rviz(arguments, environment))
    return nodes


def _depth_node(arguments: dict[str, str], environment: dict[str, str]) -> Node:
    """Return the depth node."""
    return Node(
        package="depthart_ros",
        executable="depth_node",
        name="depth_node",
        namespace=arguments["namespace"],
        parameters=[_read(arguments, "params_file", _existing), _given(arguments)],
        remappings=_inputs(arguments),
        arguments=["--ros-args", "--log-level", arguments["log_level"]],
        additional_env=environment,
        output="screen",
        emulate_tty=True,
    )


def _given(arguments: dict[str, str]) -> dict[str, object]:
    """Return the parameters of the node that arguments give; one left empty leaves its parameter to the file."""
    kinds: dict[Callable[[str], object], tuple[str, ...]]
    kinds = {float: NUMBERS, int: COUNTS, _is_true: TRUTHS, str: TEXTS}
    given = {name: _read(arguments, name, kind) for kind, names in kinds.items() for name in names if arguments[name]}
    if "scale" in given:
        given["scale_source"] = "given"
    if cameras := _names(arguments["cameras"]):
        given["cameras"] = cameras
    return given


def _rviz(arguments: dict[str, str], environment: dict[str, str]) -> Node:
    """Return RViz; its configuration names topics without a namespace, so they are remapped into ours.

    Of several cameras it shows the first.
    """
    below = "".join(f"{name}/" for name in _names(arguments["cameras"])[:1])
    image = dict(_inputs(arguments))[f"{below}image"]
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=arguments["namespace"],
        arguments=["-d", _config("depth.rviz"), "-f", arguments["fixed_frame"]],
        parameters=[{name: value for name, value in _given(arguments).items() if name == "use_sim_time"}],
        remappings=[("/image", image), *((f"/{topic}", f"{below}{topic}") for topic in OUTPUTS)],
        additional_env=environment,
    )


def _inputs(arguments: dict[str, str]) -> list[tuple[str, str]]:
    """Return the remappings of the node's inputs, of every camera where there are several."""
    return [
        (f"{camera}/{topic}" if camera else topic, _of_camera(arguments[topic], camera))
        for camera in _names(arguments["cameras"]) or [""]
        for topic in ("image", "camera_info")
    ]


def _of_camera(topic: str, camera: str) -> str:
    """Return the topic of one of several cameras, or of the only one, "".

    Raises:
        ValueError: it would be the same for all of them, or there are none that it could name.
    """
    if "{camera}" in topic:
        if not camera:
            raise ValueError(f"{topic!r} is a topic of several cameras; expected their names: cameras:=front,left")
        return topic.replace("{camera}", camera)
    if camera and topic.startswith("/"):
        raise ValueError(f"{topic!r} is one topic for several cameras; expected {{camera}} where the name stands in it")
    return f"{camera}/{topic}" if camera else topic


def _names(text: str) -> list[str]:
    """Return the names of a list, with brackets or without."""
    return [name.strip(" '\"") for name in text.strip("[] ").split(",") if name.strip(" '\"")]


def _config(name: str) -> str:
    """Return the path of an installed configuration file."""
    return str(Path(get_package_share_directory("depthart_ros"), "config", name))


def _read(arguments: dict[str, str], name: str, kind: Callable[[str], object]) -> object:
    """Return the value of an argument.

    Raises:
        ValueError: it is none of its kind; names the argument.
    """
    try:
        return kind(arguments[name])
    except ValueError as error:
        raise ValueError(f"{name}:={arguments[name]}: {error}") from error


def _existing(path: str) -> str:
    """Return the path of a file, `~` for the home folder.

    Raises:
        ValueError: there is none: ROS would start the node without its parameters.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ValueError("expected the path of a file")
    return str(file)


def _is_true(text: str) -> bool:
    """Return whether a launch argument means yes.

    Raises:
        ValueError: it means neither yes nor no.
    """
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f"{text!r} is no truth value; expected true or false")
    return text.lower() in ("true", "1")
