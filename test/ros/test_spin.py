"""How a process with one node ends while the node is still being made."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["initialised", "before", "after"])
def test_a_signal_before_the_node_spins_ends_the_process_without_a_word(world, number, moment):
    code = f"""
import os, sys, time
import rclpy
if "{moment}" == "initialised":
    initialise = rclpy.init
    rclpy.init = lambda **options: (initialise(**options), os.kill(os.getpid(), {number.value}), time.sleep(0.5))
from rclpy.node import Node
from depthart_ros.spin import run_node

def signalled():
    os.kill(os.getpid(), {number.value})
    while rclpy.ok():
        time.sleep(0.01)

def make():
    if "{moment}" == "before":
        signalled()
    node = Node("interrupted")
    if "{moment}" == "after":
        signalled()
    return node

sys.exit(run_node("interrupted", make))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (0, False), done.stdout + done.stderr


def test_a_second_interrupt_does_not_wait_for_what_takes_long(world):
    code = """
import os, signal, sys, threading, time
from depthart_ros.spin import run_node

def interrupt_twice():
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)

def make():
    threading.Thread(target=interrupt_twice).start()
    time.sleep(1000)

sys.exit(run_node("slow", make))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
