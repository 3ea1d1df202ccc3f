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

from depthart_ros.dds.transport import local_transport
from depthart_ros.outputs.topics import OUTPUTS
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

ARGUMENTS = {
    "namespace": (None, "", "Namespace of the node and its topics"),
    "params_file": (None, "depth.yaml", "Parameters of the node; the arguments below that are not empty win over it"),
    "model": ("text", "", "Packaged model or path of a model file"),
    "backend": ("text", "", "What runs the model, for example onnx"),
    "device": ("text", "", "Where it runs: auto, cpu, cuda or cuda:N"),
    "precision": ("text", "", "fp32, fp16, bf16 or int8"),
    "max_scales": ("count", "", "At most so many scales of the model"),
    "build_engine": ("truth", "", "Build an engine at start where none fits: true or false"),
    "scale": ("number", "", "Metres per unit of relative depth; wins over scale_source"),
    "scale_source": ("text", "", "given (the argument scale) or model (its own first guess)"),
    "deadline_ms": ("number", "", "From an image to its depth [ms]: fewer scales where needed"),
    "cameras": (None, "", "Several cameras, one model: front,left or [front,left]; topics are NAME/image and so on"),
    "image": (None, "image", "Topic of the images; with `cameras` below each name, or with {camera} in its place"),
    "camera_info": (None, "camera_info", "Topic of their calibration, named likewise"),
    "image_transport": ("text", "", "raw, or compressed (the topic IMAGE/compressed)"),
    "rectified": ("truth", "", "Whether images are rectified: P counts if so, else K"),
    "rectify": ("truth", "", "Undistort images, which are raw then: true or false"),
    "fov_deg": ("number", "", "Without calibration: the horizontal field of view [deg]"),
    "camera_info_url": ("text", "", "Without camera_info: a YAML of camera_calibration"),
    "process_all": ("truth", "", "Process every image in order, for bags: true or false"),
    "autostart": ("truth", "", "Configure and activate at start: true or false"),
    "use_sim_time": ("truth", "", "Take the time from /clock, RViz as well: true or false"),
    "log_level": (None, "info", "debug, info, warn, error or fatal"),
    "rviz": (None, "false", "Start RViz with config/depth.rviz too"),
    "fixed_frame": (None, "camera_optical_frame", "RViz: frame_id of the images, or a tf frame"),
    "local_transport": (None, "false", "Fast DDS with config/fastdds.xml: shared memory, nothing leaves the machine"),
}
"""Argument -> kind, default, description. Those with a kind are parameters of the node as they are."""


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they ask for."""
    declared = [
        DeclareLaunchArgument(
            name, default_value=_config(default) if name == "params_file" else default, description=description
        )
        for name, (_, default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_start)])


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
        parameters=[_read(arguments, "params_file", _parameter_file), _given(arguments)],
        remappings=_inputs(arguments),
        arguments=["--ros-args", "--log-level", arguments["log_level"]],
        additional_env=environment,
        output="screen",
        emulate_tty=True,
    )


def _given(arguments: dict[str, str]) -> dict[str, object]:
    """Return the parameters of the node that arguments give; one left empty leaves its parameter to the file."""
    kinds = {"text": str, "number": float, "count": int, "truth": _is_true}
    given = {
        name: _read(arguments, name, kinds[kind]) for name, (kind, *_) in ARGUMENTS.items() if kind and arguments[name]
    }
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
    """Return the names of a list, with brackets or without.

    Raises:
        ValueError: ROS would take one for a truth value in the file of parameters that launch writes.
    """
    names = [name.strip(" '\"") for name in text.strip("[] ").split(",") if name.strip(" '\"")]
    if taken := [name for name in names if name in ("y", "n", "Y", "N")]:
        raise ValueError(f"cameras:={text}: ROS reads {taken[0]!r} as yes or no; expected a longer name")
    return names


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


def _parameter_file(path: str) -> str:
    """Return the path of a file, `~` for the home folder; config/depth.yaml where none is named.

    Raises:
        ValueError: there is none: ROS would start the node without its parameters.
    """
    file = Path(path or _config("depth.yaml")).expanduser()
    if not file.exists() or file.is_dir():
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
