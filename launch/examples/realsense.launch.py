"""The colour stream of a RealSense camera, and depth from it: `ros2 launch depthart_ros realsense.launch.py`.

The camera's own depth is switched off. Its driver is the package realsense2_camera: apt install
ros-DISTRO-realsense2-camera. Arguments of its rs_launch.py (`serial_no` and others of `--show-args`) may be given too;
it warns of ours, which it does not know.
"""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

DEPTH = PathJoinSubstitution([FindPackageShare("depthart_ros"), "launch", "depth.launch.py"])
DRIVER = PathJoinSubstitution([FindPackageShare("realsense2_camera"), "launch", "rs_launch.py"])
CAMERA = [LaunchConfiguration("camera_namespace"), "/", LaunchConfiguration("camera_name")]
COLOR = [LaunchConfiguration("ros_namespace", default=""), "/", *CAMERA, "/color/"]  # PushRosNamespace sets it


def generate_launch_description() -> LaunchDescription:
    """Start the driver and, in the namespace of the camera, the node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "camera_namespace", default_value="camera", description="Its namespace: relative, not empty"
            ),
            DeclareLaunchArgument("camera_name", default_value="camera", description="Its name in that namespace"),
            DeclareLaunchArgument("profile", default_value="640x480x30", description="Size and rate of the colours"),
            DeclareLaunchArgument("scale", default_value="", description="Metres per unit of relative depth"),
            DeclareLaunchArgument(
                "scale_source", default_value="model", description="While scale is empty: model, its own guess"
            ),
            DeclareLaunchArgument("rviz", default_value="true", description="Start RViz too"),
            GroupAction(
                [
                    IncludeLaunchDescription(
                        PythonLaunchDescriptionSource(DRIVER),
                        launch_arguments={
                            "camera_namespace": LaunchConfiguration("camera_namespace"),
                            "camera_name": LaunchConfiguration("camera_name"),
                            "enable_depth": "false",
                            "enable_color": "true",
                            "rgb_camera.color_profile": LaunchConfiguration("profile"),
                        }.items(),
                    )
                ]
            ),
            GroupAction(
                [
                    IncludeLaunchDescription(
                        PythonLaunchDescriptionSource(DEPTH),
                        launch_arguments={
                            "namespace": [*CAMERA, "/depthart"],
                            "image": [*COLOR, "image_raw"],
                            "camera_info": [*COLOR, "camera_info"],
                            "rectified": "false",
                            "fixed_frame": [LaunchConfiguration("camera_name"), "_color_optical_frame"],
                            "scale": LaunchConfiguration("scale"),
                            "scale_source": LaunchConfiguration("scale_source"),
                            "rviz": LaunchConfiguration("rviz"),
                        }.items(),
                    )
                ]
            ),
        ]
    )
