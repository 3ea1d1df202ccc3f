"""Pictures, exports of small models, made once, and a cache with one of them."""

import shutil

import pytest

from depthart_core.export.agreement import structured_pictures
from depthart_core.store.cache import weights_folder

CASES = {
    "heads": ("toy_heads_path", "expected"),
    "argmax": ("toy_model_path", "argmax"),
    "like VAR": ("small_model_path", "expected"),
    "nano": ("nano", "expected"),
}


@pytest.fixture
def some_pictures(some_picture):
    return [*structured_pictures(50, 2), some_picture()]


@pytest.fixture(scope="session")
def exported(request, tmp_path_factory):
    """Case -> model's path, decoding and what its export gave, made once."""
    from depthart_core.export.onnx import ExportOptions, export_model

    made = {}

    def export(case):
        if case not in made:
            fixture, decode = CASES[case]
            path = request.getfixturevalue(fixture) if fixture.endswith("_path") else fixture
            made[case] = path, decode, export_model(path, tmp_path_factory.mktemp("graphs"), ExportOptions(decode))
        return made[case]

    return export


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache folder for graphs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "depthart"


@pytest.fixture
def cached(exported, cache):
    """The toy model with heads, its export in the cache; returns both paths."""
    path, _, done = exported("heads")
    folder = weights_folder(done.record.weights_sha256) / done.path.name
    shutil.copytree(done.path, folder)
    return path, folder
