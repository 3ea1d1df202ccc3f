"""Frames of rosbag2 recordings through the node's pipeline, without ROS: the rosbags library reads and writes them."""
