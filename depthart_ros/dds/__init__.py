"""The machine below ROS: which middleware is installed, and how it carries large images."""
