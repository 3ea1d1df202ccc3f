"""`depthart benchmark`: backends in processes of their own, side by side."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthart_core.backends.measuring import measure, subjects
from depthart_core.store.speeds import read_speeds, write_speeds
from depthart_ros.cli.benchmark import percentiles
from depthart_ros.cli.main import main

for name in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(name, reason=f"{name} is not installed (extra `onnx`)")


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_backends_are_compared_and_the_fastest_is_remembered(tiny_model_path, tmp_path, capsys):
    assert main(["export", str(tiny_model_path)]) == 0
    out = tmp_path / "speed.md"
    command = ["benchmark", str(tiny_model_path), "--backends", "torch", "onnx", "--rounds", "1", "--out", str(out)]
    capsys.readouterr()
    assert main([*command, "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    table = out.read_text()
    assert table in shown + "\n"
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in table.splitlines() if line.startswith("|")}
    agreement = {name: float(rows[name][-1]) for name in ("torch", "onnx")}
    assert agreement["torch"] == 0.0
    assert 0.0 <= agreement["onnx"] < 1e-4
    stages = ("resize", "model", "upsample", "prefix", "scale 1", "scale 2", "decode")
    assert all([len(cell.split("/")) for cell in rows[stage]] == [3, 3] for stage in stages)
    (remembered,) = (tmp_path / "cache").rglob("speeds-expected.json")
    (speeds,) = json.loads(remembered.read_text()).values()
    assert set(speeds) == {"torch", "onnx"}
    assert str(remembered) in shown
    assert main(["benchmark", str(tiny_model_path), "--backends", "torch", "--rounds", "1", "--threads", "1"]) == 0
    (measured,) = json.loads(remembered.read_text()).values()
    assert measured["onnx"] == speeds["onnx"]
    assert measured["torch"] != speeds["torch"]


def test_a_backend_that_does_not_run_any_more_is_not_remembered_as_the_fastest(tiny_model_path, tmp_path, capsys):
    assert main(["export", str(tiny_model_path)]) == 0
    command = ["benchmark", str(tiny_model_path), "--rounds", "1", "--threads", "1", "--backends"]
    assert main([*command, "torch", "onnx"]) == 0
    (remembered,) = (tmp_path / "cache").rglob("speeds-expected.json")
    known = json.loads(remembered.read_text())
    (speeds,) = known.values()
    speeds |= {"tensorrt": 1e-9, "openvino": 1e-8}
    remembered.write_text(json.dumps(known))
    assert main([*command, "torch", "tensorrt"]) == 0
    (measured,) = json.loads(remembered.read_text()).values()
    assert measured.keys() == {"torch", "onnx", "openvino"}
    assert "backend auto takes openvino from now on" in capsys.readouterr().out


def test_speeds_of_a_version_before_are_left_without_a_word(tiny_model_path, caplog):
    path = write_speeds(tiny_model_path, "expected", "auto", {"torch": 1.0})
    path.write_text('{"onnx": 0.06}')
    assert read_speeds(tiny_model_path, "expected", "auto") == {}
    assert not caplog.records


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, ["-", "-", "-"]), (19, ["9.0", "-", "-"]), (20, ["9.5", "18.1", "-"]), (101, ["50.0", "95.0", "99.0"])],
)
def test_a_percentile_that_there_are_too_few_values_for_is_not_told(count, told):
    assert percentiles([number / 1e3 for number in range(count)]) == told


def test_what_cannot_run_is_told_and_the_rest_is_measured(tiny_model_path, tmp_path, capsys):
    assert main(["benchmark", str(tiny_model_path), "--backends", "onnx", "--backends", "torch", "--rounds", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("onnx: backend 'onnx' finds no graph of ")
    assert "| torch |" in shown
    assert not list(tmp_path.rglob("speeds-*"))  # one alone is not the fastest


@pytest.fixture
def shard(tmp_path):
    """Rooms of three noisy pictures with depth that rises downwards."""
    path, generator = tmp_path / "val-000.tar", np.random.default_rng(0)
    codes = np.repeat(np.linspace(1000, 3000, 48).astype(np.uint16)[:, None] << 4, 64, 1)
    camera = json.dumps({"fx": 50.0, "fy": 50.0, "cx": 32.0, "cy": 24.0}).encode()
    with tarfile.open(path, "w") as tar:
        for n in range(3):
            picture = generator.integers(0, 255, (48, 64, 3), np.uint8)
            members = {"webp": cv2.imencode(".webp", picture)[1], "png": cv2.imencode(".png", codes)[1]}
            for suffix, data in {**{name: each.tobytes() for name, each in members.items()}, "json": camera}.items():
                entry = tarfile.TarInfo(f"{n:06}.{suffix}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    return path


def test_another_precision_and_true_depth_are_measured_on_request(tiny_model_path, shard, tmp_path, capsys):
    command = ["benchmark", str(tiny_model_path), "--backends", "torch", "--precision", "bf16", "--rounds", "1"]
    assert main([*command, "--data", f"rooms={shard}", "--limit", "2"]) == 0
    speed, _, accuracy = capsys.readouterr().out.strip().split("\n\n")
    assert [line.split("|")[1].strip() for line in speed.splitlines()[2:]] == ["torch", "torch bf16"]
    head, _, *rows = (line.strip("| ").split(" | ") for line in accuracy.splitlines())
    assert head == ["backend", "AbsRel on rooms (2 pictures)", "against torch"]
    assert [row[0] for row in rows] == ["torch", "torch bf16"]
    assert all(0.0 < float(row[1]) < 2.0 for row in rows)
    assert rows[0][2] == "+0.00%"
    assert not list(tmp_path.rglob("speeds-*"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--data", "rooms"], "--data rooms: expected NAME=PATH"),
        (["--data", "rooms=here", "--limit", "0"], "--limit 0: expected a number of frames from 1 up"),
        (["--data", "rooms=here", "rooms=there"], "--data names rooms 2 times, expected different names"),
        (
            ["absent.safetensors", "--backends", "torch", "onnx"],
            "no backend runs absent.safetensors: no model file 'absent.safetensors'; packaged models: nano\n",
        ),
        (["--rounds", "0"], "rounds must be at least 1, got 0"),
    ],
)
def test_what_cannot_work_is_one_sentence_with_status_1(capsys, options, sentence):
    assert main(["benchmark", *options]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith(f"depthart: {sentence}")
    assert shown.err.count("\n") == 1


def workers():
    """The processes that measure, by number."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"backends.measuring" in entry.read_bytes():
                found.append(int(entry.parent.name))
    return set(found)


def test_an_interrupt_ends_the_measurement_with_its_workers(tiny_model_path, tmp_path):
    others = workers()
    code = "import sys; from depthart_ros.cli.main import main; sys.exit(main(sys.argv[1:]))"
    options = ["benchmark", str(tiny_model_path), "--backends", "torch", "--rounds", "1000000"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *options], stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        end = time.monotonic() + 120.0
        while not list(tmp_path.glob("depthart-*/torch.npz")) and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, said = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (130, False), said
    while workers() - others and time.monotonic() < end:
        time.sleep(0.05)
    assert workers() <= others


def test_a_backend_that_ends_midway_is_told_and_nothing_of_it_is_kept(tiny_model_path, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    estimated = []

    def end_the_worker():
        end = time.monotonic() + 300.0
        while not estimated and time.monotonic() < end:  # it answers by then
            estimated.extend(tmp_path.glob("depthart-*/torch.npz"))
            time.sleep(0.05)
        time.sleep(1.0)
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, parent = int(entry.parent.name), int(entry.read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and b"measuring" in (entry.parent / "cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    ending = threading.Thread(target=end_the_worker, daemon=True)
    ending.start()
    chosen = subjects(["torch"], device="cpu", precision="auto", decode="expected", threads=1)
    found, refused = measure(str(tiny_model_path), chosen, [np.zeros((48, 64, 3), np.uint8)], rounds=10**6)
    ending.join()
    assert estimated
    assert not found
    assert refused["torch"].startswith("its process ended at ")
