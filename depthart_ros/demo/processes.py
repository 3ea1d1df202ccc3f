"""The programs that the demo starts, each in a process group of its own so that none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from depthart_ros.dds.transport import local_transport, on_this_machine

PROFILE = Path("config", "fastdds.xml")
STOP_SIGNALS = ((signal.SIGINT, 5.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0))
"""What a program is sent, one after the other, with the seconds it has for each."""
LAST_LINES = 15


class Program:
    """A running command whose output goes to a log file.

    Args:
        name: for messages.
        command: with arguments.
        log: file for stdout and stderr; replaced.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its process id, which is that of its process group too."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it does not run any more."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """End the program and everything it started; an interrupt meanwhile comes after that."""
        with held_interrupts():
            for number, patience in STOP_SIGNALS:
                try:
                    os.killpg(self.pid, number)  # also after the program itself ended: its children may live
                except ProcessLookupError:
                    break
                try:
                    self._process.wait(patience)
                except subprocess.TimeoutExpired:
                    continue
            self._process.wait()

    def last_lines(self) -> str:
        """Return the end of its log, indented."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(f"    {line}" for line in lines)


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP wait for the end of the block, then act as ever.

    Within it a program is started and handed to whoever stops it: an interrupt between the two would leave it behind.
    (Blocking the signals instead would block them in the started program as well.) Python hands signals to the main
    thread alone, so in another one there is nothing to hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set by Python
        if held:
            signal.raise_signal(held[0])


def python_program(module: str, *arguments: str) -> list[str]:
    """Return the command that calls `main` of a module in this Python, however the package is installed.

    Without the folder that it is called from in the way, where modules of other things may lie.
    """
    code = f"import sys; sys.path[:] = filter(None, sys.path); from {module} import main; sys.exit(main())"
    return [sys.executable, "-c", code, *arguments]


def transport_environment(domain: int) -> dict[str, str]:
    """Return environment variables for DDS that stays on this machine and does not lose large images.

    Args:
        domain: ROS_DOMAIN_ID, 0 to 101.
    """
    variables = {"ROS_DOMAIN_ID": str(domain), **on_this_machine(os.environ)}
    profile = _find_profile()
    return variables if profile is None else variables | local_transport(str(profile))


def _find_profile() -> Path | None:
    """Return the path of PROFILE: in a checkout, a Python environment or a colcon install space."""
    share = Path("share", "depthart_ros")
    prefixes = [entry for entry in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if entry]
    candidates = [
        Path(__file__).parents[2] / PROFILE,
        *(Path(prefix) / share / PROFILE for prefix in (*prefixes, sys.prefix)),
    ]
    return next((candidate for candidate in candidates if candidate.is_file()), None)
