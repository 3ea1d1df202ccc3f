"""Model files: what is written comes back, and what is damaged is named."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from depthart_core.checkpoint import load_model, read_tensors, save_model
from depthart_core.errors import CheckpointError
from depthart_core.model_files import FORMAT, model_path, write_atomically


def test_a_saved_model_comes_back_with_its_configuration(toy_model, toy_model_path):
    loaded = load_model(toy_model_path)
    assert loaded.config == toy_model.config
    for name, value in toy_model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_a_loaded_model_only_infers(toy_model_path):
    loaded = load_model(toy_model_path)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_a_model_in_half_precision_is_half_as_large_and_computes_in_float32(toy_model, toy_model_path, tmp_path):
    path = tmp_path / "half.safetensors"
    save_model(toy_model, path, dtype=torch.float16)
    assert path.stat().st_size < 0.52 * toy_model_path.stat().st_size
    for name, value in load_model(path).state_dict().items():
        torch.testing.assert_close(value, toy_model.state_dict()[name], rtol=1e-3, atol=1e-6)


def test_a_weight_beyond_half_precision_is_named_and_nothing_is_written(toy_model_path, tmp_path):
    model, path = load_model(toy_model_path), tmp_path / "half.safetensors"
    model.start[0] = 1e6
    with pytest.raises(CheckpointError, match=r"start reaches 1e\+06, torch\.float16 ends at 65504"):
        save_model(model, path, dtype=torch.float16)
    assert not path.exists()


def test_a_missing_model_is_named_with_those_there_are():
    with pytest.raises(CheckpointError, match="no model file 'nowhere'; packaged models: "):
        load_model("nowhere")


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(CheckpointError, match="no model file"):
        load_model(tmp_path)


def test_the_path_of_a_file_is_taken_as_it_is(toy_model_path):
    assert model_path(str(toy_model_path)) == toy_model_path


@pytest.mark.parametrize("size", [0, 4, 60, 2000, -1])
def test_a_truncated_file_is_named(toy_model_path, tmp_path, size):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(toy_model_path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"cut\.safetensors is not a readable safetensors file"):
        load_model(path)


def test_a_file_without_our_format_points_to_convert(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match=r"is not a depthart/1 model.*depthart convert"):
        load_model(path)


def test_an_unknown_version_of_the_format_is_refused(tmp_path, toy_config):
    path = tmp_path / "future.safetensors"
    save_file({"a": torch.ones(1)}, path, {"format": "depthart/99", "config": toy_config.to_json()})
    with pytest.raises(CheckpointError, match="depthart/99"):
        load_model(path)


def rewritten(source, target, *, config=None, **changes):
    metadata, tensors = read_tensors(source)
    for name, value in changes.items():
        key = name.replace("__", ".")
        tensors = {**tensors, key: value} if value is not None else {k: v for k, v in tensors.items() if k != key}
    save_file(tensors, target, {**metadata, **({"config": config} if config else {})})
    return target


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"transformer__head__bias": None}, r"missing: transformer\.head\.bias$"),
        ({"extra": torch.zeros(2)}, "not understood: extra$"),
        ({"start": torch.zeros(3)}, r"of another shape: start \(3,\) not \(64,\)$"),
    ],
)
def test_tensors_that_do_not_fit_are_named(toy_model_path, tmp_path, changes, named):
    path = rewritten(toy_model_path, tmp_path / "changed.safetensors", **changes)
    with pytest.raises(CheckpointError, match=named):
        load_model(path)


def test_a_configuration_that_is_damaged_is_named_with_its_file(toy_model_path, tmp_path):
    path = rewritten(toy_model_path, tmp_path / "changed.safetensors", config='{"prefix": 1}')
    with pytest.raises(CheckpointError, match=r"changed\.safetensors carries a configuration.*must have"):
        load_model(path)


def test_metadata_names_format_and_configuration(toy_model_path, toy_config):
    assert read_tensors(toy_model_path)[0] == {"format": FORMAT, "config": toy_config.to_json()}


def test_writing_replaces_a_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_to_a_link_writes_what_it_leads_to(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (link := tmp_path / "link").symlink_to("file")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_what_is_no_file_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("link")
    for path in list(tmp_path.iterdir()):
        with pytest.raises(OSError, match="is no file"):
            write_atomically(path, b"new")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "folder", "link"}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, files_of_at_most):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with files_of_at_most(4096), pytest.raises(OSError, match="File too large"):
        write_atomically(path, bytes(100_000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_weights_that_are_no_numbers_are_refused_by_name(toy_model_path, tmp_path):
    metadata, tensors = read_tensors(toy_model_path)
    tensors["start"][0] = float("nan")
    save_file(tensors, tmp_path / "nan.safetensors", metadata)
    with pytest.raises(CheckpointError, match="not finite numbers: start"):
        load_model(tmp_path / "nan.safetensors")


def test_loading_imports_nothing_of_pytorchs_compiler():
    """It takes seconds, and nothing here compiles."""
    code = "import sys; from depthart_core.checkpoint import load_model; load_model('nano'); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "depthart_core.model" in modules
    assert not [name for name in modules if name.startswith(("torch._dynamo", "torch._inductor"))]
