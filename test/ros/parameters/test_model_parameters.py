"""The parameters of the model, proven: each changes what it says."""

from types import SimpleNamespace

import numpy as np
import pytest

from depthart_core import DepthartError
from depthart_core.backends import tensorrt
from depthart_ros.model_loading import load_estimator
from depthart_ros.parameters.settings import Settings


@pytest.mark.proves("model")
def test_the_model_that_is_named_is_loaded(bench):
    assert load_estimator(Settings(model=str(bench.heads))).heads
    assert not load_estimator(Settings(model=str(bench.toy))).heads


@pytest.mark.proves("backend")
def test_the_backend_that_is_named_runs_the_model(bench):
    assert "torch" in load_estimator(Settings(model=str(bench.toy), backend="torch")).name
    with pytest.raises(DepthartError, match="onnx"):
        load_estimator(Settings(model=str(bench.toy), backend="onnx"))


@pytest.mark.proves("device")
def test_the_device_that_is_named_runs_the_model(bench):
    assert "on cpu" in load_estimator(Settings(model=str(bench.toy))).name
    with pytest.raises(DepthartError, match="abacus"):
        load_estimator(Settings(model=str(bench.toy), device="abacus"))


@pytest.mark.proves("build_engine")
def test_a_missing_engine_is_built_only_where_that_is_asked_for(bench):
    """Asked to build a missing engine, it looks first whether it can be kept; not asked to, it never comes so far."""
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed (extra `graphs`)")
    gpu = SimpleNamespace(name="a GPU that is not here", capability="8.6")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/dev/null/cache")
        patch.setattr(tensorrt, "open_device", lambda _: gpu)
        for build, told in ((False, "there is no engine of"), (True, "cannot be written")):
            settings = Settings(model=str(bench.toy), backend="tensorrt", device="cuda", build_engine=build)
            with pytest.raises(DepthartError, match=told):
                load_estimator(settings)


@pytest.mark.proves("precision")
def test_depth_in_bf16_is_near_that_in_fp32(bench):
    exact, half = (bench.out("depth/relative", {"precision": precision}) for precision in ("fp32", "bf16"))
    assert 0.0 < np.abs(half / exact - 1.0).mean() < 0.03


@pytest.mark.proves("decode")
def test_another_choice_of_codes_gives_other_depth(bench):
    expected, argmax = (bench.out("depth/relative", {"decode": decode}) for decode in ("expected", "argmax"))
    assert not np.allclose(expected, argmax)


@pytest.mark.proves("seed")
def test_a_seed_repeats_its_samples_and_another_gives_others(bench):
    one, same, other = (bench.out("depth/relative", {"decode": "sample", "seed": seed}) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.proves("threads")
def test_the_backend_takes_as_many_threads_as_it_is_given(bench):
    import torch

    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            load_estimator(Settings(model=str(bench.toy), threads=threads, backend="torch"))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.proves("max_scales")
def test_no_more_scales_are_decoded_than_asked_for(bench):
    assert [load_estimator(Settings(model=str(bench.toy), max_scales=scales)).scales for scales in (0, 1, 2)] == [
        3,
        1,
        2,
    ]
