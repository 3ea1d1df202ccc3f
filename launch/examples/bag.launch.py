"""Depth of a recording while it plays: `ros2 launch depthart_ros bag.launch.py bag:=PATH image:=/camera/image_raw`.

The node follows the clock of the bag and drops no image that comes once it is ready (`delay`). What it has not done yet
waits in memory, so play no faster than it works (`rate`). To write depth into a bag instead, without ROS and faster or
slower than time, see `depthart bag`.
"""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, ExecuteProcess, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

DEPTH = PathJoinSubstitution([FindPackageShare("depthart_ros"), "launch", "depth.launch.py"])


def generate_launch_description() -> LaunchDescription:
    """Play the bag with its clock, and start the node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="Folder of the recording"),
            DeclareLaunchArgument("rate", default_value="1.0", description="Speed of the replay, 1.0 is that of life"),
            DeclareLaunchArgument("delay", default_value="5", description="Seconds until it begins, above 0"),
            DeclareLaunchArgument("image", default_value="/camera/image_raw", description="Topic of the images"),
            DeclareLaunchArgument("camera_info", default_value="/camera/camera_info", description="Their calibration"),
            DeclareLaunchArgument("rectified", default_value="false", description="Whether the images are rectified"),
            DeclareLaunchArgument("scale", default_value="", description="Metres per unit of relative depth"),
            DeclareLaunchArgument(
                "scale_source", default_value="model", description="While scale is empty: model, its own guess"
            ),
            DeclareLaunchArgument("rviz", default_value="true", description="Start RViz too"),
            DeclareLaunchArgument(
                "fixed_frame", default_value="camera_optical_frame", description="RViz: frame_id of the images"
            ),
            _player(),
            GroupAction(
                [
                    IncludeLaunchDescription(
                        PythonLaunchDescriptionSource(DEPTH),
                        launch_arguments={
                            "use_sim_time": "true",
                            "process_all": "true",
                            "image": LaunchConfiguration("image"),
                            "camera_info": LaunchConfiguration("camera_info"),
                            "rectified": LaunchConfiguration("rectified"),
                            "scale": LaunchConfiguration("scale"),
                            "scale_source": LaunchConfiguration("scale_source"),
                            "rviz": LaunchConfiguration("rviz"),
                            "fixed_frame": LaunchConfiguration("fixed_frame"),
                        }.items(),
                    )
                ]
            ),
        ]
    )


def _player() -> ExecuteProcess:
    """Return what plays the bag."""
    return ExecuteProcess(
        cmd=[
            *("ros2", "bag", "play", LaunchConfiguration("bag")),
            *("--clock", "100", "--delay", LaunchConfiguration("delay"), "--rate", LaunchConfiguration("rate")),
        ],
        output="screen",
    )
