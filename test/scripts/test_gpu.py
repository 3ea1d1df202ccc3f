"""Files in pieces, and the way of a GPU job on a CPU."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "gpu"))

import travel  # noqa: E402 it stands alone beside the scripts, as it has to where it receives


@pytest.fixture
def cargo(tmp_path):
    """Three files of different sizes, one of them an archive with a file in it."""
    rng = np.random.default_rng(0)
    files = {}
    for name, size in (("data/a.tar", 300_000), ("b.light", 70_000)):
        files[name] = tmp_path / Path(name).name
        files[name].write_bytes(rng.bytes(size))
    (tmp_path / "inside.txt").write_text("here")
    with tarfile.open(tmp_path / "site.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "inside.txt", "site/inside.txt")
    return {**files, "site.tar.xz": tmp_path / "site.tar.xz"}


def test_folders_are_full_but_never_beyond_the_limit(cargo, tmp_path):
    folders = travel.pack(cargo, tmp_path / "out", limit=200_000)
    sizes = [sum(file.stat().st_size for file in folder.iterdir()) for folder in folders]
    assert len(sizes) == 3
    assert max(sizes) <= 200_000
    assert min(sizes[:-1]) > 130_000


def test_what_was_packed_arrives_whatever_the_order(cargo, tmp_path):
    folders = travel.pack(cargo, tmp_path / "out", limit=200_000)
    first = [travel.receive(folder, tmp_path / "there") for folder in reversed(folders)]
    assert first[0] == ["data/a.tar"]
    assert first[-1] == []
    for name in ("data/a.tar", "b.light"):
        assert (tmp_path / "there" / name).read_bytes() == cargo[name].read_bytes()
    assert (tmp_path / "there" / "site" / "inside.txt").read_text() == "here"


def test_the_same_folder_twice_does_no_harm(cargo, tmp_path):
    folder, *_ = travel.pack(cargo, tmp_path / "out", limit=10_000_000)
    assert [travel.receive(folder, tmp_path / "there") for _ in range(2)] == [[], []]


def test_equal_files_arrive_in_every_place_they_are_for(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    names = ("data/a", "data/b")
    [folder] = travel.pack(dict.fromkeys(names, tmp_path / "file"), tmp_path / "out", limit=200_000)
    assert travel.receive(folder, tmp_path / "there") == []
    assert [(tmp_path / "there" / name).read_bytes() for name in names] == [b"content"] * 2


def test_a_changed_piece_is_refused_by_the_name_of_its_file(cargo, tmp_path):
    folder, *_ = travel.pack(cargo, tmp_path / "out", limit=10_000_000)
    (folder / "part-000").write_bytes(b"something else")
    with pytest.raises(travel.TravelError, match=r"data/a\.tar: .* after the journey"):
        travel.receive(folder, tmp_path / "there")


def test_a_receiver_that_waits_for_more_says_so_with_a_status_of_its_own(cargo, tmp_path, capsys):
    folders = travel.pack(cargo, tmp_path / "out", limit=200_000)
    said = {}
    for folder in folders:
        status = travel.main(["receive", str(folder), "--into", str(tmp_path / "there")])
        said[capsys.readouterr().out.partition(": ")[2].partition(" ")[0]] = status
    assert said == {"still": travel.INCOMPLETE, "everything": 0}


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    assert travel.main(["receive", str(tmp_path), "--into", str(tmp_path / "there")]) == 1


def test_more_than_one_call_holds_is_refused_on_the_way_back(cargo, tmp_path, capsys):
    files = [f"{name}={path}" for name, path in cargo.items()]
    assert travel.main(["pack", *files, "--out", str(tmp_path / "out"), "--limit-mib", "0.2", "--one-call"]) == 1
    assert "expected one" in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(travel.TravelError, match="gone"):
        travel.pack({"a": tmp_path / "gone"}, tmp_path / "out", limit=1_000_000)


def test_a_shard_that_is_not_there_ends_the_packing(tmp_path):
    command = [str(ROOT / "scripts" / "gpu" / "pack"), "train", "--without-cv2", "--shards", str(tmp_path / "gone.tar")]
    environment = {**os.environ, "PYTHON": sys.executable, "DEPTHART_GPU_PIECES": str(tmp_path / "pieces")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "gone.tar: expected files" in done.stderr
    assert "one call after the other" not in done.stdout


def run_script(name, *arguments, root=ROOT, **variables):
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    command = [str(root / "scripts" / "gpu" / name), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)


def test_every_shard_arrives_under_a_name_that_jobs_look_for_and_that_no_other_has(tmp_path):
    """Rooms that were rendered later are numbered anew in a folder of their own, or lie in a file for each room."""
    shards = [tmp_path / name for name in ("rooms/train-000.tar", "new/train-000.tar", "raw/910000.tar")]
    for shard in shards:
        shard.parent.mkdir()
        shard.write_text(f"of {shard.parent.name}")
    done = run_script("pack", "train", "--without-cv2", "--shards", *shards, DEPTHART_GPU_PIECES=str(tmp_path / "way"))
    assert done.returncode == 0, done.stderr
    travel.receive(tmp_path / "way" / "call-1", tmp_path / "there")
    arrived = sorted((tmp_path / "there" / "data" / "rooms").glob("train-*.tar"))
    assert [path.read_text() for path in arrived] == ["of rooms", "of new", "of raw"]


def test_a_file_of_the_checkout_that_was_removed_does_not_end_the_packing(tmp_path):
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts" / "gpu", root / "scripts" / "gpu")
    (root / "removed").touch()
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "."], check=True)
    (root / "removed").unlink()
    (shard := tmp_path / "train-000.tar").touch()
    done = run_script("pack", "train", "--without-cv2", "--init", shard, "--shards", shard, root=root)
    assert done.returncode == 0, done.stderr
    assert "the tree has 0.0 MiB, so each call takes 63 MiB" in done.stdout


def test_a_checkpoint_of_an_earlier_job_is_left_alone_when_a_model_comes_back(tmp_path):
    (model := tmp_path / "half.safetensors").write_bytes(b"a model")
    travel.pack({"transformer.safetensors": model}, tmp_path / "out", limit=1_000_000)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "transformer.light").write_bytes(b"of an earlier job")
    done = run_script("unpack", tmp_path / "out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "transformer.safetensors").read_bytes() == b"a model"


@pytest.mark.parametrize("name", ["pack", "receive", "train", "compare", "nano", "unpack"])
def test_a_script_without_arguments_says_its_usage(name):
    done = run_script(name)
    assert done.returncode != 0
    assert f"usage: scripts/gpu/{name} " in done.stderr


def test_files_that_are_not_there_are_named(tmp_path):
    done = run_script("unpack", tmp_path / "nowhere", tmp_path / "run")
    assert done.returncode == 1
    assert f"scripts/gpu/unpack: no manifest.json in {tmp_path / 'nowhere'}" in done.stderr


def test_nano_is_not_trained_on_from_the_checkpoint_of_another_run(tmp_path):
    (tmp_path / "run").mkdir()
    (checkpoint := tmp_path / "run" / "heads.checkpoint").write_bytes(b"of another model")
    variables = {"DEPTHART_GPU_STATE": str(tmp_path), "OUT": str(tmp_path), "INIT": "other.safetensors"}
    done = run_script("nano", "no recipe.json", 0, 0, 1, **variables)
    assert f"{checkpoint} is there, which goes before other.safetensors" in done.stderr
    resumed = run_script("nano", "no recipe.json", 0, 0, 1, **variables, RESUME="1")
    skipped = run_script("nano", "no recipe.json", 0, 1, 0, **variables)
    assert done.returncode == 1
    for other in (resumed, skipped):
        assert "is there" not in other.stderr
        assert "no recipe.json" in other.stderr


def test_nano_starts_from_the_model_that_came_along_unless_another_is_named(tmp_path):
    (tmp_path / "run").mkdir()
    for path in (tmp_path / "run" / "heads.checkpoint", sent := tmp_path / "init.safetensors"):
        path.touch()
    variables = {"DEPTHART_GPU_STATE": str(tmp_path), "OUT": str(tmp_path)}
    assert f"which goes before {sent}:" in run_script("nano", "no recipe.json", 0, 0, 1, **variables).stderr
    named = run_script("nano", "no recipe.json", 0, 0, 1, **variables, INIT="other.safetensors")
    assert "which goes before other.safetensors:" in named.stderr


def test_why_nano_failed_has_been_said_when_it_ends(tmp_path):
    """The machine ends whatever a command left running, such as the reader of a pipe."""
    environment = {**os.environ, "PYTHON": sys.executable, "DEPTHART_GPU_STATE": str(tmp_path), "OUT": str(tmp_path)}
    command = [str(ROOT / "scripts" / "gpu" / "nano"), "no recipe.json", "0", "0", "1"]
    with (tmp_path / "said").open("w") as said:
        done = subprocess.run(command, env=environment, stderr=said, timeout=180)
    assert done.returncode == 1
    assert "no recipe.json is no readable recipe" in (tmp_path / "said").read_text()


@pytest.fixture
def endless(tmp_path, shard_of):
    """Options of nano that would train one stage for ten minutes, in a state in which its pictures have arrived."""
    recipe = json.loads((ROOT / "scripts" / "gpu" / "toy.json").read_text())
    recipe["transformer"]["steps"] = 10**6
    (tmp_path / "toy.json").write_text(json.dumps(recipe))
    (rooms := tmp_path / "data" / "rooms").mkdir(parents=True)
    shutil.copy(shard_of(4), rooms)
    return [tmp_path / "toy.json", 0, 10, 0, "--device", "cpu", "--precision", "fp32", "--threads", "1"]


def test_nano_ends_by_itself_before_the_call_does_and_brings_back_what_it_has_learnt(endless, tmp_path):
    variables = {"DEPTHART_GPU_STATE": str(tmp_path), "OUT": str(tmp_path / "out")}
    for limit in ("45", "300"):
        done = run_script("nano", *endless, **variables, LIMIT=limit)
        if (tmp_path / "run" / "transformer.checkpoint").exists():  # else a busy machine had not begun by then
            break
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "out").iterdir()
    assert travel.receive(folder, tmp_path / "here") == []
    assert (tmp_path / "here" / "transformer.safetensors").stat().st_size > 1_000_000


def test_nano_begins_no_stage_for_which_no_time_is_left(endless, tmp_path):
    done = run_script("nano", *endless, DEPTHART_GPU_STATE=str(tmp_path), OUT=str(tmp_path / "out"), LIMIT="0")
    assert done.returncode == 1
    assert "of LIMIT=0 seconds none is left for transformer" in done.stderr


def test_a_training_job_goes_its_whole_way_on_a_cpu(shard_of):
    command = [str(ROOT / "scripts" / "gpu" / "dry-run"), str(shard_of(4)), "1"]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"transformer.checkpoint", "transformer.safetensors"} <= set(done.stdout.split())
    assert json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"step"')))["step"] == 2
