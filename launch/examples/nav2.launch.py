"""A cloud for the costmaps of Nav2: `ros2 launch depthart_ros nav2.launch.py image:=/camera/image_rect scale:=VALUE`.

The node takes its section of config/nav2_depth.yaml; the layers of the costmaps there are to be added to the parameters
of Nav2, which is started as ever (docs/node.md says how). Of raw images say `rectified:=false`, or `rectify:=true` to
undo their distortion. The scale has to be measured: what the model guesses is not for collisions.
"""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

SHARE = FindPackageShare("depthart_ros")
DEPTH = PathJoinSubstitution([SHARE, "launch", "depth.launch.py"])


def generate_launch_description() -> LaunchDescription:
    """Start the node with a cloud that costmaps can take."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "depth_params_file",  # a launch file of Nav2 has a params_file of its own
                default_value=PathJoinSubstitution([SHARE, "config", "nav2_depth.yaml"]),
                description="Parameters, with a section for depth_node",
            ),
            DeclareLaunchArgument("image", default_value="/camera/image_rect", description="Topic of the images"),
            DeclareLaunchArgument("camera_info", default_value="/camera/camera_info", description="Their calibration"),
            DeclareLaunchArgument("rectified", default_value="", description="Whether the images are rectified"),
            DeclareLaunchArgument("rectify", default_value="", description="Undistort images, which are raw then"),
            DeclareLaunchArgument("scale", description="Metres per unit of relative depth, measured"),
            DeclareLaunchArgument("use_sim_time", default_value="", description="Take the time from /clock"),
            GroupAction(
                [
                    IncludeLaunchDescription(
                        PythonLaunchDescriptionSource(DEPTH),
                        launch_arguments={
                            "params_file": LaunchConfiguration("depth_params_file"),
                            "image": LaunchConfiguration("image"),
                            "camera_info": LaunchConfiguration("camera_info"),
                            "rectified": LaunchConfiguration("rectified"),
                            "rectify": LaunchConfiguration("rectify"),
                            "scale": LaunchConfiguration("scale"),
                            "use_sim_time": LaunchConfiguration("use_sim_time"),
                        }.items(),
                    )
                ]
            ),
        ]
    )
