"""The command `depthart` itself."""

import os
import subprocess
import sys

import pytest

from depthart_ros.cli.main import SUBCOMMANDS, main, split_ros_args


@pytest.mark.parametrize(
    ("argv", "own", "ros"),
    [
        (["camera", "--rate", "5"], ["camera", "--rate", "5"], []),
        (["camera", "--ros-args", "-r", "a:=b"], ["camera"], ["--ros-args", "-r", "a:=b"]),
        (
            ["camera", "--ros-args", "-r", "a:=b", "--", "--loop"],
            ["camera", "--loop"],
            ["--ros-args", "-r", "a:=b", "--"],
        ),
    ],
)
def test_ros_arguments_are_kept_from_argparse(argv, own, ros):
    assert split_ros_args(argv) == (own, ros)


def test_the_help_names_every_subcommand(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in SUBCOMMANDS)


def test_an_unknown_subcommand_is_refused_with_those_that_exist(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["camra"])
    assert stop.value.code == 2
    shown = capsys.readouterr().err
    assert "camra" in shown
    assert all(name in shown for name in SUBCOMMANDS)


def test_an_interrupt_ends_a_command_with_one_sentence_and_the_status_of_shells(dds, domain):
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")
    code = (
        "import os, signal, sys, threading; from depthart_ros.cli.main import main; "
        "threading.Timer(3.0, os.kill, [os.getpid(), signal.SIGINT]).start(); "
        "sys.exit(main(['doctor', '--skip-model', '--seconds', '50']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (130, ["depthart: interrupted"])
    assert "Traceback" not in done.stderr


def test_an_interrupt_while_a_library_is_loaded_is_one_too(tmp_path, monkeypatch, capsys):
    (tmp_path / "slow_command.py").write_text("raise ImportError('initialization failed') from KeyboardInterrupt()")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(SUBCOMMANDS, "slow", "slow_command")
    assert main(["slow"]) == 130
    assert capsys.readouterr().err == "depthart: interrupted\n"


PROGRAM = "import sys; from depthart_ros.cli.main import main; sys.exit(main())"


@pytest.mark.parametrize("argv", [["--help"], ["predict", "--help"], ["doctor", "--skip-model", "--seconds", "0"]])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_goes_away_ends_a_command_without_a_word(argv, buffered):
    command = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *argv],
        env={**os.environ, "PYTHONUNBUFFERED": buffered}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait(60) in (0, 1)


SUBCOMMAND = """SUMMARY = "say what it is told"
def add_arguments(parser):
    parser.add_argument("text")
def run(args):
    {}
"""


@pytest.fixture
def run_own(tmp_path):
    """A function that runs a subcommand made of one line of Python, and returns its status and errors."""

    def run(line, text, *, before="", stdout=subprocess.PIPE, **environment):
        (tmp_path / "own.py").write_text(SUBCOMMAND.format(line))
        code = (
            f"import sys; sys.path.append({str(tmp_path)!r}); {before}\n"
            "from depthart_ros.cli.main import SUBCOMMANDS, main\nSUBCOMMANDS['own'] = 'own'\nsys.exit(main())"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "own", text],
            stdout=stdout, stderr=subprocess.PIPE, env=os.environ | environment,
        )  # fmt: skip
        return done.returncode, done.stderr.decode()

    return run


@pytest.mark.parametrize("line", ["print(args.text)", "print(args.text, flush=True)", "print(args.text * 100000)"])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_an_output_that_cannot_be_written_is_one_sentence(run_own, tmp_path, line, buffered):
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, -1))"
    with (tmp_path / "shown").open("wb") as shown:
        done = run_own(line, "word", before=full, stdout=shown, PYTHONUNBUFFERED=buffered)
    assert done == (1, "depthart: the output cannot be written: File too large\n")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("raise MemoryError", "there is not enough memory"),
        ("raise MemoryError(args.text)", "there is not enough memory: of it"),
        ("open(args.text)", "of it: No such file or directory"),
        ("raise OSError(args.text)", "of it"),
    ],
)
def test_what_fails_for_the_machine_is_one_sentence(run_own, line, sentence):
    assert run_own(line, "of it") == (1, f"depthart: {sentence}\n")


def test_control_characters_in_a_name_leave_an_error_one_line(run_own):
    assert run_own("open(args.text)", "two\nlines\x1b[2J") == (
        1, r"depthart: two\nlines\x1b[2J: No such file or directory" + "\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--rate", "0"], "--rate is 0; expected above 0"),
        (["--fov-deg", "180"], "--fov-deg is 180; expected between 0 and 180"),
        (["--width", "3"], "one of --width and --height is given; expected both or neither"),
        (["--width", "0", "--height", "4"], "--width is 0; expected 1 to 16384 px"),
        (["--width", "99999999999", "--height", "4"], "--width is 99999999999; expected 1 to 16384 px"),
        (["--hold", "-1"], "--hold is -1; expected 0 to 86400 s"),
        (["--hold", "inf"], "--hold is inf; expected 0 to 86400 s"),
        (["--hold", "nan"], "--hold is nan; expected 0 to 86400 s"),
        (["--source", "99999999999"], "webcam 99999999999 cannot be opened; expected one that OpenCV can read"),
        (["--source", "n" * 300], f"{'n' * 300}: File name too long"),
        (["--camera-info-url", "nowhere.yaml"], "camera_info_url is 'nowhere.yaml': nowhere.yaml cannot be read"),
        (["--source", "nowhere"], "source 'nowhere' does not exist; expected `sample`"),
    ],
)
def test_an_option_of_the_camera_that_makes_no_sense_is_one_sentence_with_status_1(capsys, options, sentence):
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")
    assert main(["camera", *options]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f"depthart: {sentence}")
    assert shown.count("\n") == 1


@pytest.mark.parametrize("given", ["soon", "-1", "inf", "nan"])
def test_seconds_of_the_demo_that_are_no_number_above_0_are_named(capsys, given):
    with pytest.raises(SystemExit):
        main(["demo", "--seconds", given])
    assert f"argument --seconds: {given} is not a number above 0" in capsys.readouterr().err
