"""A webcam, video or folder of pictures, and its depth: `ros2 launch depthart_ros webcam.launch.py source:=0`.

No camera driver is needed: `depthart camera` publishes the pictures.
"""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

DEPTH = PathJoinSubstitution([FindPackageShare("depthart_ros"), "launch", "depth.launch.py"])


def generate_launch_description() -> LaunchDescription:
    """Start camera, node and RViz."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("source", default_value="0", description="Webcam index, video, folder, or sample"),
            DeclareLaunchArgument("rate", default_value="30", description="Pictures a second"),
            DeclareLaunchArgument("fov_deg", default_value="60", description="Horizontal field of view [deg]"),
            DeclareLaunchArgument(
                "camera_info_url", default_value="", description="Its calibration, a YAML file; wins over fov_deg"
            ),
            DeclareLaunchArgument("rectify", default_value="", description="Undo its distortion: true or false"),
            DeclareLaunchArgument("scale", default_value="", description="Metres per unit of relative depth"),
            DeclareLaunchArgument(
                "scale_source", default_value="model", description="While scale is empty: model, its own guess"
            ),
            DeclareLaunchArgument("rviz", default_value="true", description="Start RViz too"),
            _camera(),
            GroupAction(
                [
                    IncludeLaunchDescription(
                        PythonLaunchDescriptionSource(DEPTH),
                        launch_arguments={
                            "fov_deg": "",  # of our camera, which publishes camera_info
                            "camera_info_url": "",  # likewise
                            "rectified": "false",
                            "rectify": LaunchConfiguration("rectify"),
                            "scale": LaunchConfiguration("scale"),
                            "scale_source": LaunchConfiguration("scale_source"),
                            "rviz": LaunchConfiguration("rviz"),
                        }.items(),
                    )
                ]
            ),
        ]
    )


def _camera() -> Node:
    """Return what publishes the pictures."""
    return Node(
        package="depthart_ros",
        executable="depthart",
        arguments=[
            "camera",
            *("--source", LaunchConfiguration("source"), "--rate", LaunchConfiguration("rate")),
            *("--fov-deg", LaunchConfiguration("fov_deg")),
            *("--camera-info-url", LaunchConfiguration("camera_info_url")),
        ],
        output="screen",
    )
