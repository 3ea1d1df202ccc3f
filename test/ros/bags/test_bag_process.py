"""`depthart bag` as a process of its own: interrupted and resumed, without ROS."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")

from depthart_ros.bags.message_types import deserialize

MANY = 300  # frames: some seconds of work after the first answers


@pytest.fixture
def start(toy_heads_path):
    """A function that starts the command as a process of its own."""
    command = [sys.executable, "-c", "import sys; from depthart_ros.cli.main import main; sys.exit(main())", "bag"]
    options = ["--model", str(toy_heads_path), "--backend", "torch", "--scale", "2"]
    started = []

    def run(*arguments):
        started.append(
            subprocess.Popen(
                [*command, *map(str, arguments), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def interrupted(process, out, number):
    """Send a signal once some answers are kept; returns the exit status."""
    kept, end = out.with_name(f"{out.name}.unfinished") / "answers", time.monotonic() + 180
    while not (kept.is_file() and kept.stat().st_size > 100_000):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(process.pid, number)
    return process.wait(180)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_goes_on_without_asking_the_model_again(start, bag, write_bag, recording, contents, number):
    source = write_bag(recording(MANY))
    whole, out = source.with_name("whole"), source.with_name("out")
    status = interrupted(start(source, out), out, number)
    assert status == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert not out.exists()
    said, errors = start(source, out).communicate()
    assert 0 < int(said.partition("goes on: ")[2].split()[0]) < MANY, errors
    assert bag(source, whole, "--scale", 2) == 0
    resumed, at_once = contents(out), contents(whole)
    assert [entry[:3] for entry in resumed] == [entry[:3] for entry in at_once]
    for (topic, _, kind, made), (*_, expected) in zip(resumed, at_once, strict=True):
        if topic in ("/depth/image_rect", "/points"):  # sums may differ in their last bit from process to process
            values = [np.asarray(deserialize(data, kind).data).view(np.float32) for data in (made, expected)]
            np.testing.assert_allclose(*values, rtol=1e-5)
        else:
            assert made == expected
    assert sorted(path.name for path in source.parent.iterdir()) == ["in", "out", "whole"]


def test_it_runs_without_ros(tmp_path, write_bag, recording, toy_heads_path):
    source = write_bag(recording(1))
    arguments = ["bag", str(source), str(tmp_path / "out"), "--model", str(toy_heads_path), "--scale", "2"]
    program = f"""import sys
from depthart_ros.cli.main import main
status = main({arguments!r})
print([name for name in ("rclpy", "sensor_msgs", "std_msgs") if name in sys.modules])
sys.exit(status)"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
