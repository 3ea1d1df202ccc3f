"""Graphs on the disk: which one is found, and what is told of those that cannot be trusted."""

import hashlib
import json
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest

from depthart_core import BackendError, CheckpointError, DepthEstimator
from depthart_core.inference import BackendOptions
from depthart_core.model_files import fingerprint, is_export
from depthart_core.store import exports, locking
from depthart_core.store.cache import cache_folder, weights_folder
from depthart_core.store.records import write_record

pytestmark = pytest.mark.usefixtures("cache")
DATA = b"not read by these tests"
RECORD = exports.Record(
    model="toy",
    weights_sha256="0" * 64,
    files={"step.onnx": hashlib.sha256(DATA).hexdigest()},
    form="stepped",
    precision="fp32",
    decode="expected",
    scales=3,
    of_scales=3,
    input_size=64,
    heads=False,
    opset=20,
    versions={"torch": "2"},
    pictures=4,
    deviation={"depth": {"max": 1e-6, "mean": 1e-7}},
)


def stored(folder, record=RECORD):
    folder.mkdir(parents=True)
    (folder / "step.onnx").write_bytes(DATA)
    write_record(folder / exports.RECORD, record)
    return folder


def in_cache(model, **changes):
    """An export where the one of a model belongs."""
    weights = fingerprint(model).sha256
    record = replace(RECORD, **{"weights_sha256": weights, **changes})
    name = exports.export_name("toy", record.decode, form=record.form, precision=record.precision, scales=record.scales)
    return stored(weights_folder(weights) / name, record)


def found(model, **options):
    return exports.find_exports(model, BackendOptions(**options), backend="onnx")[0]


def opened(model, **options):
    return exports.open_export(model, BackendOptions(**options), backend="onnx")


def test_the_cache_lies_where_the_user_says_and_else_in_the_home_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "depthart"
    for value in ("", "relative/folder"):  # both to be ignored, says the XDG base directory specification
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert cache_folder() == tmp_path / "home" / ".cache" / "depthart"


def test_a_record_comes_back_as_it_was_written(tmp_path):
    assert exports.read_record(stored(tmp_path / "a")) == RECORD


def test_the_export_of_these_weights_and_options_is_found(toy_model_path):
    stepped, argmax = in_cache(toy_model_path), in_cache(toy_model_path, decode="argmax")
    in_cache(toy_model_path, form="whole")
    assert found(toy_model_path) == found(toy_model_path, max_scales=2) == stepped
    assert found(toy_model_path, decode="argmax") == argmax


def test_an_export_decodes_any_number_of_scales_of_its_model(toy_model_path):
    folder = in_cache(toy_model_path)
    assert [opened(folder, max_scales=scales)[2] for scales in (None, 1, 2, 3)] == [3, 1, 2, 3]
    with pytest.raises(BackendError, match="max_scales must be 1 to 3, the scales of this model, got 4"):
        opened(folder, max_scales=4)


def test_onnx_prefers_int8_and_takes_what_is_asked_for(toy_model_path):
    exact, fast = (in_cache(toy_model_path, precision=precision) for precision in ("fp32", "int8"))
    assert found(toy_model_path) == found(toy_model_path, precision="int8") == fast
    assert found(toy_model_path, precision="fp32") == exact
    assert opened(fast)[0] == fast
    with pytest.raises(BackendError, match=r"is int8, backend 'onnx' is to run fp32; run: depthart export toy$"):
        opened(fast, precision="fp32")
    with pytest.raises(BackendError, match=r"is fp32, backend 'onnx' is to run int8; run: .* toy --precision int8$"):
        opened(exact, precision="int8")


def test_openvino_leaves_int8_alone(toy_model_path):
    fast = in_cache(toy_model_path, precision="int8")
    with pytest.raises(BackendError, match=r"'openvino' finds no graph of .* run: depthart export .*safetensors$"):
        exports.find_exports(toy_model_path, BackendOptions(), backend="openvino")
    with pytest.raises(BackendError, match=r"is int8, backend 'openvino' is to run fp32; run: depthart export toy$"):
        exports.open_export(fast, BackendOptions(), backend="openvino")


def test_an_export_is_named_by_a_graph_in_it_too(tmp_path):
    folder = stored(tmp_path / "a")
    assert opened(folder / "step.onnx")[0] == opened(folder)[0] == folder


def test_an_export_of_another_form_is_told(toy_model_path):
    whole = in_cache(toy_model_path, form="whole")
    with pytest.raises(BackendError, match=r"is whole, backend 'onnx' runs stepped graphs; run: depthart export toy$"):
        opened(whole)
    with pytest.raises(BackendError, match=r"is whole, .*; run: depthart export toy --decode argmax$"):
        opened(whole, decode="argmax")


def test_no_export_is_told_with_the_command_that_makes_it(toy_model_path):
    with pytest.raises(BackendError) as told:
        found(toy_model_path, decode="argmax", max_scales=2)
    assert str(told.value).endswith(f"run: depthart export {toy_model_path} --decode argmax")


def test_an_export_of_other_weights_is_told(toy_model_path):
    in_cache(toy_model_path, weights_sha256="ab" * 32)
    with pytest.raises(BackendError, match=r"was made from other weights than those of .*; run: depth"):
        found(toy_model_path)


def test_an_export_of_other_weights_does_not_hide_the_right_one(toy_model_path):
    right = in_cache(toy_model_path)
    in_cache(toy_model_path, weights_sha256="ab" * 32, precision="int8")
    assert found(toy_model_path) == right


def test_a_missing_model_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="no model file"):
        found(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("name", ["absent.onnx", "folder"])
def test_a_missing_record_is_told(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(BackendError, match=r"there is no .*record\.json, without which nothing there is trusted; make"):
        opened(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda _: "{", r"record\.json cannot be read \(.*\); make it anew"),
        (lambda _: "[1]", "is not of the format depthart-onnx/2, got 'list'"),
        (lambda record: record | {"format": "other/2"}, "is not of the format depthart-onnx/2, got 'other/2'"),
        (lambda record: record | {"scales": "3"}, "is damaged at scales"),
        (lambda record: record | {"extra": 1}, "is damaged at extra"),
        (lambda record: {name: record[name] for name in record if name != "heads"}, "is damaged at heads"),
    ],
)
def test_a_damaged_record_is_told(tmp_path, change, told):
    folder = stored(tmp_path / "a")
    changed = change(asdict(RECORD))
    (folder / exports.RECORD).write_text(changed if isinstance(changed, str) else json.dumps(changed))
    with pytest.raises(BackendError, match=told):
        exports.read_record(folder)


def test_a_file_that_is_not_the_one_of_the_record_is_told_with_the_command_that_made_it(tmp_path):
    folder = stored(tmp_path / "a", replace(RECORD, decode="argmax"))
    (folder / "step.onnx").write_bytes(DATA[:-1])
    with pytest.raises(BackendError, match=r"step\.onnx is damaged: .*; make it anew with: depthart export toy"):
        opened(folder, decode="argmax")
    (folder / "step.onnx").unlink()
    with pytest.raises(BackendError, match=r"step\.onnx cannot be read: No such file .*; make it anew with: depthart"):
        opened(folder, decode="argmax")


def test_a_folder_with_the_name_of_a_packaged_model_is_no_export(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nano").mkdir()
    (tmp_path / "export").mkdir()
    assert not is_export("nano")
    assert is_export("export")
    assert is_export(tmp_path / "nano" / "step.onnx")
    (tmp_path / "export.safetensors").write_bytes(b"the model that it was made from")
    assert is_export(tmp_path / "export")


def test_commands_name_the_model_as_the_caller_does_and_quote_it(toy_model_path, tmp_path):
    folder = in_cache(toy_model_path)
    (folder / "step.onnx").write_bytes(b"")
    copy = shutil.copy(toy_model_path, tmp_path / "my model.safetensors")
    with pytest.raises(BackendError, match=rf"is damaged: .* anew with: depthart export '{copy}'$"):
        opened(copy)


def test_a_record_of_an_earlier_version_that_says_less_of_openvino_is_read(tmp_path):
    folder = stored(tmp_path / "a")
    values = asdict(RECORD)
    del values["openvino"]
    (folder / exports.RECORD).write_text(json.dumps(values))
    assert exports.read_record(folder) == RECORD


def test_an_export_that_is_replaced_while_it_is_read_is_read_again(tmp_path):
    folder, other = stored(tmp_path / "a"), b"of another export"
    (folder / "step.onnx").unlink()
    os.mkfifo(folder / "step.onnx")
    record = replace(RECORD, files={"step.onnx": hashlib.sha256(other).hexdigest()})

    def replace_it():
        with (folder / "step.onnx").open("wb") as pipe:  # the record was read
            (tmp_path / "new").write_bytes(other)
            (tmp_path / "new").replace(folder / "step.onnx")
            write_record(folder / exports.RECORD, record)
            pipe.write(other)

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(replace_it)
        assert opened(folder) == (folder, record, 3)
        done.result(60.0)


def test_an_export_that_is_damaged_is_read_once(tmp_path):
    folder, pipe = stored(tmp_path / "a"), tmp_path / "pipe"
    (folder / "step.onnx").unlink()
    os.mkfifo(pipe)
    (folder / "step.onnx").symlink_to(pipe)

    def write_once():
        with pipe.open("wb") as file:
            pipe.unlink()
            file.write(b"damaged")

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(write_once)
        with pytest.raises(BackendError, match="is damaged"):  # the second time there is nothing to read
            opened(folder)
        done.result(60.0)


@pytest.fixture
def replacing():
    """Have an export make way for a new one with the same record, which comes a moment later."""

    def begin(folder):
        gone = threading.Event()

        def replace_it():
            with locking.locked(folder):
                folder.rename(folder.with_suffix(".old"))
                gone.set()
                time.sleep(0.5)
                folder.with_suffix(".old").rename(folder)

        done = threads.submit(replace_it)
        assert gone.wait(60.0)
        return done

    with ThreadPoolExecutor(1) as threads:
        yield begin


def test_an_export_that_makes_way_for_a_new_one_is_waited_for(toy_model_path, replacing):
    exact, fast = (in_cache(toy_model_path, precision=precision) for precision in ("fp32", "int8"))
    stored(exact.with_name(exact.name.replace("toy", "copy")), RECORD)  # of a model file with another name
    done = replacing(fast)
    assert opened(toy_model_path)[0] == fast
    done.result(60.0)
    for name in (exact, exact / "step.onnx"):
        done = replacing(exact)
        assert is_export(name)
        assert opened(name)[0] == exact
        done.result(60.0)


def test_an_export_that_makes_way_is_waited_for_by_whoever_names_it(toy_model_path, replacing):
    folder = in_cache(toy_model_path)
    for name in (folder, folder / "step.onnx"):
        done = replacing(folder)
        with pytest.raises(BackendError, match=r"prefix|onnxruntime"):  # which would run it: it was found
            DepthEstimator.load(name, backend="onnx")
        done.result(60.0)


def test_an_export_that_makes_way_while_its_files_are_read_is_read_again(tmp_path, replacing):
    folder = stored(tmp_path / "a")
    (folder / "step.onnx").unlink()
    os.mkfifo(folder / "step.onnx")

    def write_other():
        with (folder / "step.onnx").open("wb") as pipe:  # the record was read
            (folder / "step.onnx").unlink()
            (folder / "step.onnx").write_bytes(DATA)
            replacing(folder)
            pipe.write(b"of the one before")

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(write_other)
        assert opened(folder) == (folder, RECORD, 3)
        done.result(60.0)


def test_whoever_hangs_while_an_export_makes_way_is_waited_for_no_longer_than_it_should_take(
    toy_model_path, monkeypatch
):
    exact, fast = (in_cache(toy_model_path, precision=precision) for precision in ("fp32", "int8"))
    monkeypatch.setattr(locking, "PATIENCE", 0.1)
    with locking.locked(fast):
        fast.rename(fast.with_suffix(".old"))
        assert opened(toy_model_path)[0] == exact
