"""The verdict of /diagnostics where images or their calibration do not come: who publishes what, and the cure."""

import pytest
from running_node import GUESS, NO_SCALE, RELATIVE

from depthart_ros.diagnostics.verdicts import ERROR, OK, STALE, WARN

COMPRESSED = "sensor_msgs/msg/CompressedImage"
BEST_EFFORT = {"reliability": "best_effort"}


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"clock_runs": False}, WARN, "nothing arrives on /clock"),
        (
            {"image": {"publishers": 0, "name": "/cam"}, "ever_received": False},
            WARN,
            "nothing publishes /cam; start the camera, or remap",
        ),
        ({"image": {"publishers": 0}}, STALE, "nothing publishes /image"),
        ({"silence": 5.0, "ever_received": False}, WARN, "1 publisher(s) on /image, but no image for 5 s"),
        ({"silence": 5.0}, STALE, "1 publisher(s) on /image, but no image for 5 s"),
        ({"silence": 5.0, "image": BEST_EFFORT, "ever_received": False}, WARN, "local_transport:=true"),
        (
            {"silence": 5.0, "image": BEST_EFFORT},
            STALE,
            "see whether the camera runs: ros2 topic hz /image; if it does: Fast DDS loses best-effort images above",
        ),
        (
            {"silence": 5.0, "image": BEST_EFFORT, "ever_received": False, "middleware": "rmw_cyclonedds_cpp"},
            WARN,
            "see whether the camera runs: ros2 topic hz /image",
        ),
        ({"silence": 5.0, "interval": 2.0}, OK, "running"),
        ({"silence": 7.0, "interval": 2.0}, STALE, "no image for 7 s"),
        (
            {"silence": 5.0, "problems": {"qos": "another durability"}},
            ERROR,
            "another durability; let both sides agree",
        ),
        ({"has_camera_info": False, "settings": GUESS}, WARN, "relative depth only; no camera_info came"),
        (
            {"has_camera_info": False, "settings": GUESS, "subscribed": RELATIVE},
            OK,
            "nothing publishes it; publish it, or remap: --ros-args -r camera_info:=/its/topic, or set camera_info_url",
        ),
        (
            {"has_camera_info": False},
            WARN,
            "no cloud; no camera_info came on /camera_info: nothing publishes it; publish it, or remap",
        ),
        (
            {"has_camera_info": False, "camera_info": {"publishers": 1}},
            WARN,
            ": 1 publisher(s), which sent none; see",
        ),
        (
            {"has_camera_info": False, "camera_info": {"other_types": ("a/msg/B",)}},
            WARN,
            ": it carries a/msg/B; publish",
        ),
        (
            {
                "has_camera_info": False,
                "camera_info": {"publishers": 1},
                "problems": {"camera_info_qos": "another durability"},
            },
            WARN,
            "no camera_info came on /camera_info: another durability; let both sides agree",
        ),
        (
            {"has_camera_info": False, "settings": NO_SCALE | {"rectify": True}, "subscribed": RELATIVE},
            WARN,
            "not rectified; no camera_info came on /camera_info",
        ),
        (
            {"image": {"publishers": 0, "name": "/a/compressed", "other_types": (COMPRESSED,)}},
            STALE,
            "expected sensor_msgs/msg/Image; set image_transport to compressed, and remap: -r image:=/a",
        ),
        (
            {"image": {"publishers": 0, "name": "/jpeg", "other_types": (COMPRESSED,)}},
            STALE,
            "set image_transport to compressed, and remap: -r image/compressed:=/jpeg",
        ),
        (
            {"image": {"publishers": 0, "name": "/image/compressed"}, "other_transport": "/image"},
            STALE,
            "nothing publishes /image/compressed, but /image is there; set image_transport to raw",
        ),
        (
            {
                "camera": "front",
                "image": {"publishers": 0, "name": "/f/compressed", "other_types": (COMPRESSED,)},
            },
            STALE,
            "and remap: -r front/image:=/f",
        ),
        (
            {
                "image": {"publishers": 0, "name": "/cam/image", "type": COMPRESSED},
                "other_transport": "/cam/image/compressed",
            },
            STALE,
            "remap: --ros-args -r image/compressed:=/cam/image/compressed",
        ),
        ({"problems": {"subscription": "RCL is broken"}}, ERROR, "no image; RCL is broken; see the log"),
        (
            {"image": {"publishers": 0, "other_types": ("std_msgs/msg/String",)}},
            STALE,
            "/image carries std_msgs/msg/String, expected sensor_msgs/msg/Image; remap image",
        ),
        (
            {"image": {"publishers": 0}, "other_transport": "/image/compressed"},
            STALE,
            "nothing publishes /image, but /image/compressed is there; set image_transport to compressed",
        ),
    ],
)
def test_what_does_not_come_is_named_with_cause_and_cure(verdict, changes, level, words):
    result = verdict(**changes)
    assert (result.level, words in result.sentence) == (level, True), result.sentence
    assert bool(result.cure) == (result.state not in ("running", "idle"))
