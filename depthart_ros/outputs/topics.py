"""The names of the node's outputs."""

RELATIVE, DEPTH, CAMERA_INFO, POINTS, COLOR, CONFIDENCE = (
    "depth/relative",
    "depth/image_rect",
    "depth/camera_info",
    "points",
    "depth/image_color",
    "depth/confidence",
)
OUTPUTS = {
    RELATIVE: "Image",
    DEPTH: "Image",
    CAMERA_INFO: "CameraInfo",
    POINTS: "PointCloud2",
    COLOR: "Image",
    CONFIDENCE: "Image",
}
"""All of them, each with its message of sensor_msgs."""
METRIC = frozenset({DEPTH, CAMERA_INFO, POINTS})
"""The outputs that hold metres or belong to them: they appear only when the scale is known."""
