"""Graphs on the disk: which one is found, and what is told of those that cannot be trusted."""

import json
from dataclasses import replace

import pytest

from depthart_core import BackendError, CheckpointError
from depthart_core.backends import graphs
from depthart_core.estimator import BackendOptions
from depthart_core.model_files import fingerprint

DATA = b"not read by these tests"
RECORD = graphs.Record(
    model="toy",
    weights_sha256="0" * 64,
    graph_sha256="5f8e4a4a1d6e1d2c6c2f8c7b1c5e1b1ad4bbd3ab0e1f4d0a3d0ad0e0b5c6a7f8",
    decode="expected",
    scales=3,
    of_scales=3,
    input_size=64,
    heads=False,
    opset=18,
    versions={"torch": "2"},
    pictures=4,
    deviation={"depth": {"max": 1e-6, "mean": 1e-7}},
)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "depthart"


def stored(graph, record=RECORD):
    graph.parent.mkdir(parents=True, exist_ok=True)
    graph.write_bytes(DATA)
    graphs.record_path(graph).write_text(graphs.to_json(record))
    return graph


def in_cache(model, **changes):
    """A graph where the one of a model belongs."""
    weights = fingerprint(model).sha256
    record = replace(RECORD, **{"weights_sha256": weights, **changes})
    return stored(graphs.graph_folder(weights) / graphs.graph_name("toy", record.decode, record.scales), record)


def test_the_cache_lies_where_the_user_says_and_else_in_the_home_folder(monkeypatch, tmp_path):
    assert graphs.cache_folder() == tmp_path / "depthart"
    for value in ("", "relative/folder"):  # both to be ignored, says the XDG base directory specification
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert graphs.cache_folder() == tmp_path / "home" / ".cache" / "depthart"


def test_a_record_comes_back_as_it_was_written(tmp_path):
    assert graphs.read_record(stored(tmp_path / "a.onnx")) == RECORD


def test_the_graph_of_these_weights_and_options_is_found(toy_model_path):
    every, two = in_cache(toy_model_path), in_cache(toy_model_path, scales=2)
    argmax = in_cache(toy_model_path, decode="argmax")
    assert graphs.find_graph(toy_model_path, BackendOptions()) == every
    assert graphs.find_graph(toy_model_path, BackendOptions(max_scales=3)) == every
    assert graphs.find_graph(toy_model_path, BackendOptions(max_scales=2)) == two
    assert graphs.find_graph(toy_model_path, BackendOptions(decode="argmax")) == argmax


def test_no_graph_is_told_with_the_command_that_makes_it(toy_model_path):
    with pytest.raises(BackendError) as told:
        graphs.find_graph(toy_model_path, BackendOptions(decode="argmax", max_scales=2))
    assert str(told.value).endswith(f"run: depthart export {toy_model_path} --decode argmax --max-scales 2")


def test_a_graph_of_other_weights_is_told(toy_model_path):
    in_cache(toy_model_path, weights_sha256="ab" * 32)
    with pytest.raises(
        BackendError, match=r"was made from other weights \(abababababab\) than those of .*; run: depth"
    ):
        graphs.find_graph(toy_model_path, BackendOptions())


def test_a_missing_model_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="no model file"):
        graphs.find_graph(tmp_path / "absent.safetensors", BackendOptions())


def test_a_missing_graph_is_told(tmp_path):
    with pytest.raises(BackendError, match=r"there is no graph .*absent\.onnx; make it with: depthart export MODEL"):
        graphs.read_record(tmp_path / "absent.onnx")


def test_a_missing_record_is_told(tmp_path):
    graphs.record_path(stored(tmp_path / "a.onnx")).unlink()
    with pytest.raises(BackendError, match=r"a\.json is missing, without which a\.onnx is not trusted; make both anew"):
        graphs.read_record(tmp_path / "a.onnx")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda _: "{", r"a\.json cannot be read \(.*\); make both anew"),
        (lambda _: "[1]", "is not of the format depthart-onnx/1, got 'list'"),
        (lambda record: record | {"format": "other/2"}, "is not of the format depthart-onnx/1, got 'other/2'"),
        (lambda record: record | {"scales": "3"}, "is damaged at scales"),
        (lambda record: record | {"extra": 1}, "is damaged at extra"),
        (lambda record: {name: record[name] for name in record if name != "heads"}, "is damaged at heads"),
    ],
)
def test_a_damaged_record_is_told(tmp_path, change, told):
    graph = stored(tmp_path / "a.onnx")
    changed = change(json.loads(graphs.to_json(RECORD)))
    graphs.record_path(graph).write_text(changed if isinstance(changed, str) else json.dumps(changed))
    with pytest.raises(BackendError, match=told):
        graphs.read_record(graph)


def test_a_graph_that_is_not_the_one_of_its_record_is_told_with_the_command_that_made_it(tmp_path):
    record = replace(RECORD, decode="argmax", scales=2)
    with pytest.raises(
        BackendError, match=r"is damaged: .*; make it anew with: depthart export toy --decode argmax --max"
    ):
        graphs.read_graph(stored(tmp_path / "a.onnx", record), record)
