"""The ROS 2 node and the command line around depthart_core."""
