"""`depthart camera`: pictures from a webcam, a video, a folder or the package, published like a camera driver does."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from depthart_core import ConfigError
from depthart_ros.driver.sources import open_source
from depthart_ros.inputs.calibration_file import load_calibration
from depthart_ros.spin import run_node

if TYPE_CHECKING:
    from depthart_ros.driver.camera_node import CameraNode

SUMMARY = "publish Image and CameraInfo from a webcam, a video, a folder of pictures or the packaged samples"

LONGEST_HOLD = 86400  # a day
LONGEST_SIDE = 16384  # [px]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the camera; ROS arguments such as `--ros-args -r image:=/camera/image_raw` work too."""
    parser.add_argument(
        "--source",
        default="sample",
        help="webcam index or /dev/videoN, video file, folder of pictures, or `sample` (default)",
    )
    parser.add_argument("--rate", type=float, default=30.0, help="images a second (default %(default)g)")
    parser.add_argument("--width", type=int, help="resize to this many columns; needs --height")
    parser.add_argument("--height", type=int, help="resize to this many rows; needs --width")
    parser.add_argument(
        "--fov-deg", type=float, default=60.0, help="horizontal field of view where intrinsics are unknown (default 60)"
    )
    parser.add_argument(
        "--camera-info-url", default="", help="calibration of the images: path, file:// or package:// of a YAML file"
    )
    parser.add_argument(
        "--hold", type=float, default=1.0, help="seconds that each picture of a folder stays (default %(default)g)"
    )
    parser.add_argument(
        "--loop", action=argparse.BooleanOptionalAction, help="begin again at the end (default for `sample` alone)"
    )
    parser.add_argument("--frame-id", default="camera_optical_frame", help="frame of the images (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Publish until the source ends or a signal comes; returns the exit status.

    Raises:
        ConfigError: an option that makes no sense, or a file that is no calibration.
        ImageError: the source cannot be opened or holds no pictures.
    """
    _check(args)
    size = None if args.width is None else (args.width, args.height)
    loop = args.source == "sample" if args.loop is None else args.loop
    calibration = load_calibration(args.camera_info_url) if args.camera_info_url else None
    source = open_source(args.source, fov_deg=args.fov_deg, size=size, loop=loop, repeats=round(args.hold * args.rate))

    def make() -> CameraNode:
        from depthart_ros.driver.camera_node import CameraNode

        return CameraNode(source, rate=args.rate, frame_id=args.frame_id, calibration=calibration)

    return run_node("depthart camera", make, ["depthart", *args.ros_args])


def _check(args: argparse.Namespace) -> None:
    """Raise ConfigError for an option that makes no sense."""
    if not 0 < args.rate <= 1000:
        raise ConfigError(f"--rate is {args.rate:g}; expected above 0 and at most 1000 images a second")
    if not 0 < args.fov_deg < 180:
        raise ConfigError(f"--fov-deg is {args.fov_deg:g}; expected between 0 and 180")
    if not 0 <= args.hold <= LONGEST_HOLD:
        raise ConfigError(f"--hold is {args.hold:g}; expected 0 to {LONGEST_HOLD} s")
    if (args.width is None) != (args.height is None):
        raise ConfigError("one of --width and --height is given; expected both or neither")
    for name, value in (("--width", args.width), ("--height", args.height)):
        if value is not None and not 1 <= value <= LONGEST_SIDE:
            raise ConfigError(f"{name} is {value}; expected 1 to {LONGEST_SIDE} px")
