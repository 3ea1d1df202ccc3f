"""The programs of the demo end when they should, with everything they started."""

import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from depthart_ros.demo.processes import Program, held_interrupts, transport_environment

SLEEPER = "import time; print('started', flush=True); time.sleep(600)"


def started(tmp_path, source):
    program = Program("test", [sys.executable, "-c", source], tmp_path / "log")
    wait_for(lambda: "started" in program.log.read_text())
    return program


def wait_for(condition, patience=60.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def runs(pid):
    """Whether a process does; one that has ended may stay as a zombie where nobody takes in orphans."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_program_that_runs_is_stopped(tmp_path):
    program = started(tmp_path, SLEEPER)
    assert not program.ended
    program.stop()
    assert program.ended


def test_a_program_that_has_ended_can_be_stopped(tmp_path):
    program = started(tmp_path, "print('started')")
    wait_for(lambda: program.ended)
    program.stop()
    assert program.ended


def test_what_a_program_started_ends_with_it(tmp_path):
    source = f"""import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}], stdout=subprocess.DEVNULL)
print(child.pid, 'started', flush=True)
child.wait()"""
    program = started(tmp_path, source)
    child = int(program.log.read_text().split()[0])
    assert runs(child)
    program.stop()
    wait_for(lambda: not runs(child))


def test_an_interrupt_while_a_program_is_started_waits_until_it_is_known(tmp_path):
    programs = []

    def start_while_interrupted():
        with held_interrupts():
            signal.raise_signal(signal.SIGINT)
            programs.append(started(tmp_path, SLEEPER))

    with pytest.raises(KeyboardInterrupt):
        start_while_interrupted()
    programs[0].stop()
    assert programs[0].ended


def test_an_interrupt_while_a_program_is_stopped_comes_after_its_end(tmp_path):
    stubborn = "import signal; signal.signal(signal.SIGINT, lambda *_: print('not yet', flush=True)); " + SLEEPER
    program = started(tmp_path, stubborn)

    def interrupt_while_it_is_stopped():
        wait_for(lambda: "not yet" in program.log.read_text())
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt_while_it_is_stopped, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        program.stop()
    thread.join()
    assert program.ended


def test_a_program_can_be_stopped_from_another_thread(tmp_path):
    program = started(tmp_path, SLEEPER)
    thread = threading.Thread(target=program.stop)
    thread.start()
    thread.join()
    assert program.ended


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held_interrupts():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_end_of_the_log_is_at_hand(tmp_path):
    program = started(tmp_path, "print(*range(100), 'started', sep='\\n')")
    program.stop()
    assert program.last_lines().splitlines() == [*(f"    {number}" for number in range(86, 100)), "    started"]


@pytest.mark.parametrize(
    ("distribution", "variable"),
    [("jazzy", "FASTRTPS_DEFAULT_PROFILES_FILE"), ("kilted", "FASTDDS_DEFAULT_PROFILES_FILE")],
)
def test_the_transport_profile_goes_by_the_name_that_the_distribution_knows(monkeypatch, distribution, variable):
    monkeypatch.setenv("ROS_DISTRO", distribution)
    named = {name: value for name, value in transport_environment(7).items() if "PROFILES" in name}
    assert list(named) == [variable]
    assert named[variable].endswith("config/fastdds.xml")


@pytest.mark.parametrize(
    ("distribution", "variable", "value"),
    [("humble", "ROS_LOCALHOST_ONLY", "1"), ("jazzy", "ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")],
)
def test_the_demo_talks_to_this_machine_alone(monkeypatch, distribution, variable, value):
    monkeypatch.setenv("ROS_DISTRO", distribution)
    environment = transport_environment(7)
    assert environment["ROS_DOMAIN_ID"] == "7"
    assert {name: value for name, value in environment.items() if "LOCALHOST" in name + value} == {variable: value}
