"""The names of the node's outputs. Imports no ROS."""

RELATIVE, DEPTH, CAMERA_INFO, POINTS, COLOR, CONFIDENCE = (
    "depth/relative",
    "depth/image_rect",
    "depth/camera_info",
    "points",
    "depth/image_color",
    "depth/confidence",
)
ORDER = (CAMERA_INFO, DEPTH, RELATIVE, CONFIDENCE, COLOR, POINTS)
"""In which they are made: camera_info before the depth that it belongs to, the most costly ones last."""

METRIC = frozenset({DEPTH, CAMERA_INFO, POINTS})
"""The outputs that hold metres or belong to them: they appear only when the scale is known."""
