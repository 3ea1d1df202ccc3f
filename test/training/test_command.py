"""How a command ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from training.command import on_stop_signal, run_command
from training.data.sample import DataError

ROOT = Path(__file__).parents[2]


def test_work_that_is_done_is_status_0(capsys):
    assert run_command("training.some", lambda: print("done")) == 0
    assert capsys.readouterr() == ("done\n", "")


def fail(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataError("shard.tar is empty, expected samples"), "training.some: shard.tar is empty, expected samples"),
        (FileNotFoundError(2, "No such file", "a.csv"), "training.some: [Errno 2] No such file: 'a.csv'"),
        (ModuleNotFoundError("No module named 'x'", name="x"), "training.some needs x: scripts/setup, or pip install"),
    ],
    ids=["named error", "file", "package"],
)
def test_an_expected_failure_is_one_sentence_and_status_1(error, sentence, capsys):
    assert run_command("training.some", fail(error)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(sentence)
    assert len(printed.splitlines()) == 1


def test_an_interrupt_is_one_sentence_and_the_status_of_shells(capsys):
    assert run_command("training.some", fail(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "training.some: interrupted\n"


def test_a_warning_of_ours_is_a_sentence():
    program = "import warnings; from training.command import run_command; "
    program += "run_command('training.some', lambda: warnings.warn('skipped 2 frames', stacklevel=1))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "training.some: skipped 2 frames\n"


def test_a_mistake_of_ours_stays_a_traceback():
    with pytest.raises(ZeroDivisionError):
        run_command("training.some", lambda: print(1 / 0))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_does_the_action_alone_and_what_it_did_before_afterwards(number):
    before, done = signal.getsignal(number), []
    with on_stop_signal(lambda: done.append("asked")):
        signal.raise_signal(number)
    assert done == ["asked"]
    assert signal.getsignal(number) is before
