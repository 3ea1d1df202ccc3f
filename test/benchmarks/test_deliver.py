"""What stands around the numbers of every benchmark."""

import pytest

from benchmarks.deliver import command_line, deliver


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--backend", "onnx", "--int8"], "--backend onnx --int8"),
        (["--data", "rooms=../shared/data/rooms/val-000.tar"], "--data rooms=val-000.tar"),
        (["--data=rooms=/data/rooms/val-000.tar"], "--data=rooms=val-000.tar"),
        (["--reference", "/home/somebody/DepthART/"], "--reference DepthART"),
        (["--data", "bag=../a b.mcap?topic=/camera/image"], "--data 'bag=a b.mcap?topic=/camera/image'"),
        (["--recipe", "training/configs/nano.json"], "--recipe training/configs/nano.json"),
    ],
)
def test_the_command_has_every_option_and_of_files_outside_the_name(given, told):
    assert command_line("benchmarks.x", given) == f"python -m benchmarks.x {told}"


def test_without_arguments_those_of_the_process_count(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.argv", ["x.py", "--rounds", "3"])
    deliver("Something", ["a table"], program="benchmarks.x", argv=None, out=tmp_path / "new" / "x.md")
    text = capsys.readouterr().out
    assert "Command: `python -m benchmarks.x --rounds 3`\n\na table\n" in text
    assert (tmp_path / "new" / "x.md").read_text() + "\n" == text
