"""Four cameras that run already, one model in one node: `ros2 launch depthart_ros four_cameras.launch.py`.

Each camera NAME is expected to publish /NAME/image_raw and /NAME/camera_info; depth comes on /NAME/depth/image_rect and
/NAME/points.
"""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

DEPTH = PathJoinSubstitution([FindPackageShare("depthart_ros"), "launch", "depth.launch.py"])


def generate_launch_description() -> LaunchDescription:
    """Start the node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("cameras", default_value="front,left,rear,right", description="Names of the cameras"),
            DeclareLaunchArgument("image", default_value="/{camera}/image_raw", description="Topic of their images"),
            DeclareLaunchArgument(
                "camera_info", default_value="/{camera}/camera_info", description="Topic of their calibrations"
            ),
            DeclareLaunchArgument("rectified", default_value="false", description="Whether the images are rectified"),
            DeclareLaunchArgument("scale", default_value="", description="Metres per unit of relative depth"),
            DeclareLaunchArgument(
                "scale_source", default_value="model", description="While scale is empty: model, its own guess"
            ),
            GroupAction(
                [
                    IncludeLaunchDescription(
                        PythonLaunchDescriptionSource(DEPTH),
                        launch_arguments={
                            "cameras": LaunchConfiguration("cameras"),
                            "image": LaunchConfiguration("image"),
                            "camera_info": LaunchConfiguration("camera_info"),
                            "rectified": LaunchConfiguration("rectified"),
                            "scale": LaunchConfiguration("scale"),
                            "scale_source": LaunchConfiguration("scale_source"),
                        }.items(),
                    )
                ]
            ),
        ]
    )
