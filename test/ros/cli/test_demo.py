"""The demo as a user runs it: real camera, real node, real DDS, a small random-weight model."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="no ROS 2: neither sourced nor installed (extra `ros`)")
rosbags = pytest.importorskip("rosbags.highlevel", reason="rosbags is not installed (extra `view`)")

pytestmark = pytest.mark.dds
ROOT = Path(__file__).parents[3]
TOPICS = (
    *("/image", "/camera_info", "/depth/relative", "/depth/image_rect", "/depth/camera_info", "/depth/image_color"),
    *("/points", "/diagnostics"),
)


@contextmanager
def started(out, model, domain, *options):
    """The demo as a process; what a failed test left of it is killed."""
    command = [sys.executable, "-m", "depthart_ros.cli.main", "demo", "--out", str(out), "--model", str(model)]
    command += ["--domain", str(domain), "--rate", "10", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for pid in programs_of(out):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def run(out, *arguments):
    """The demo until it ends: exit status, output, errors and the programs that it left."""
    with started(out, *arguments) as process:
        output, errors = process.communicate(timeout=180)
        return process.returncode, output, errors, programs_of(out)


def programs_of(out):
    """Process ids whose output goes into the folder: what the demo started there and did not end."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/1"):
        try:
            if out in link.readlink().parents:
                found.add(int(link.parts[2]))
        except OSError:  # gone, or another user's
            continue
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory, toy_model_path, domain_of_module):
    out = tmp_path_factory.mktemp("demo") / os.fsdecode(b"caf\xe9")  # no UTF-8: OpenCV itself could not write there
    options = ("--seconds", "6", "--bag-seconds", "6", "--patience", "120")
    return out, *run(out, toy_model_path, domain_of_module, *options)


def test_the_demo_ends_with_status_0(finished):
    _, status, output, errors, _ = finished
    assert status == 0, output + errors


@pytest.mark.parametrize("word", ["received", "processed", "p50", "p95", "open next", "depthart.png"])
def test_the_demo_prints(finished, word):
    assert word in finished[2]


def test_the_demo_writes_a_picture(finished):
    data = np.fromfile(finished[0] / "depthart.png", np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture.std() > 10


@pytest.mark.parametrize("topic", TOPICS)
def test_the_bag_of_the_demo_holds(finished, topic):
    with rosbags.AnyReader([finished[0] / "depthart"]) as reader:
        connections = [connection for connection in reader.connections if connection.topic == topic]
        assert connections
        _, _, data = next(reader.messages(connections))
        assert reader.deserialize(data, connections[0].msgtype)


def test_the_demo_leaves_no_process(finished):
    assert finished[4] == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process(tmp_path, toy_model_path, domain, number):
    with started(tmp_path, toy_model_path, domain, "--seconds", "600", "--patience", "600") as process:
        deadline = time.monotonic() + 120
        while len(programs_of(tmp_path)) < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "camera and node did not start"
            time.sleep(0.05)
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 130
        assert "Traceback" not in errors
        assert programs_of(tmp_path) == set()


def test_a_missing_model_is_named_at_once(tmp_path, domain):
    status, _, errors, _ = run(tmp_path, tmp_path / "absent.safetensors", domain, "--patience", "3600")
    assert status == 1  # long before its patience and ours end
    assert "absent.safetensors" in errors
    assert "Traceback" not in errors


def test_a_missing_source_is_named(tmp_path, toy_model_path, domain):
    status, _, errors, left = run(tmp_path, toy_model_path, domain, str(tmp_path / "absent.mp4"))
    assert status == 1
    assert "absent.mp4" in errors
    assert left == set()


def test_logs_that_ros_cannot_write_are_one_sentence(tmp_path, toy_model_path, domain, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "file"))
    status, _, errors, _ = run(tmp_path / "demo", toy_model_path, domain)
    assert status == 1
    assert errors.splitlines()[-1].startswith("depthart: ROS cannot be joined: failed to initialize logging: ")
    assert "Traceback" not in errors
