"""An engine in a cache of its own, and what is told of one that does not do."""

import pytest
from orin_engine import in_cache

from depthart_core import BackendError


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "depthart"


@pytest.fixture
def engine(cache, toy_model_path):
    return in_cache(toy_model_path)


@pytest.fixture
def told():
    """A function that returns the sentence of the BackendError that an action raises."""

    def sentence_of(action, *arguments):
        with pytest.raises(BackendError) as error:
            action(*arguments)
        sentence = str(error.value)
        assert "\n" not in sentence
        return sentence

    return sentence_of
