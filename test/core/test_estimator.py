"""DepthEstimator: a picture in, relative depth out; what cannot work is named."""

import numpy as np
import pytest
import torch

from depthart_core import BackendError, CheckpointError, DepthEstimator, ImageError
from depthart_core.backends.precision import multiplies_bfloat16


@pytest.fixture(scope="module")
def estimator(toy_model_path):
    return DepthEstimator.load(toy_model_path)


@pytest.mark.parametrize("size", [(64, 64), (48, 70), (300, 20), (1, 1)])
def test_depth_has_the_size_of_the_picture_and_is_finite_and_positive(estimator, size, some_picture):
    values = estimator(some_picture(*size)).values
    assert (values.shape, values.dtype) == (size, np.float32)
    assert np.isfinite(values).all()
    assert values.min() > 0.0


def test_depth_depends_on_the_picture(estimator, some_picture):
    assert np.abs(estimator(some_picture(seed=0)).values - estimator(some_picture(seed=1)).values).max() > 0.01


def test_the_same_picture_gives_the_same_depth(estimator, some_picture):
    np.testing.assert_array_equal(estimator(some_picture()).values, estimator(some_picture()).values)


def test_the_picture_is_left_as_it_is(estimator, some_picture):
    picture = some_picture(64, 64)
    estimator(picture)
    np.testing.assert_array_equal(picture, some_picture(64, 64))


@pytest.mark.filterwarnings("error")
def test_read_only_and_reversed_memory_is_fine(estimator, some_picture):
    picture = some_picture(64, 64)
    frozen = np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.shape)
    np.testing.assert_array_equal(estimator(frozen).values, estimator(picture).values)
    backwards = np.ascontiguousarray(picture[..., ::-1])[..., ::-1]
    np.testing.assert_array_equal(estimator(backwards).values, estimator(picture).values)


def test_channels_are_not_interchangeable(estimator, some_picture):
    assert not np.array_equal(estimator(some_picture()).values, estimator(some_picture()[..., ::-1]).values)


def test_sampling_repeats_with_its_seed(toy_model_path, some_picture):
    first, again, other = (DepthEstimator.load(toy_model_path, decode="sample", seed=seed) for seed in (1, 1, 2))
    depth = first(some_picture()).values
    np.testing.assert_array_equal(again(some_picture()).values, depth)
    assert not np.array_equal(other(some_picture()).values, depth)


def test_argmax_differs_from_expected(toy_model_path, estimator, some_picture):
    argmax = DepthEstimator.load(toy_model_path, decode="argmax")
    assert not np.array_equal(argmax(some_picture()).values, estimator(some_picture()).values)


def test_bfloat16_is_near_float32_and_told_of_where_it_is_slower(toy_heads_path, caplog, some_picture):
    exact, half = (DepthEstimator.load(toy_heads_path, precision=precision) for precision in ("fp32", "bf16"))
    assert half.name == "toy_heads (torch in bf16 on cpu, expected)"
    slower = not multiplies_bfloat16(torch.device("cpu"))
    assert ("cpu has no units for bfloat16: precision bf16 is slower there than fp32" in caplog.text) == slower
    expected, found = exact(some_picture()), half(some_picture())
    assert {values.dtype for values in (found.values, found.confidence)} == {np.dtype(np.float32)}
    assert 0.0 < np.abs(found.values / expected.values - 1.0).mean() < 0.03
    assert 0.0 < np.abs(found.confidence - expected.confidence).mean() < 0.03
    assert found.canonical.metres_per_unit == pytest.approx(expected.canonical.metres_per_unit, rel=0.03)


def test_the_name_tells_model_backend_device_and_decoding(estimator):
    assert estimator.name == "toy (torch on cpu, expected)"


def test_a_string_is_a_path_too(toy_model_path, estimator, some_picture):
    loaded = DepthEstimator.load(str(toy_model_path), backend="torch", threads=1)
    np.testing.assert_array_equal(loaded(some_picture()).values, estimator(some_picture()).values)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"backend": "magic"}, "backend must be one of auto, torch, onnx, openvino, tensorrt, got 'magic'"),
        ({"decode": "best"}, "decode must be one of expected, argmax, sample, got 'best'"),
        ({"device": "toaster"}, "device 'toaster' cannot be used by torch"),
        ({"device": "cuda:99"}, "device 'cuda:99' cannot be used by torch"),
        ({"device": "meta"}, "device 'meta' cannot be used by torch"),
        ({"threads": 1.5}, "threads must be a whole number, got 1.5"),
        ({"threads": "2"}, "threads must be a whole number, got '2'"),
        ({"max_scales": 2.0}, "max_scales must be a whole number, got 2.0"),
        ({"seed": None}, "seed must be a whole number, got None"),
        ({"seed": 1.5}, "seed must be a whole number, got 1.5"),
        ({"threads": 0}, "threads must be 1 to 256, got 0"),
        ({"threads": 99999999999}, "threads must be 1 to 256, got 99999999999"),
        ({"decode": "sample", "seed": 10**20}, "seed must be 0 to 2147483647, got 1000"),
        ({"seed": -1}, "seed must be 0 to 2147483647, got -1"),
        ({"precision": "fp8"}, "precision must be one of auto, fp32, fp16, bf16, int8, got 'fp8'"),
        ({"precision": "int8"}, "backend 'onnx' finds no graph of .* run: depthart export .* --precision int8$"),
        ({"precision": "int8", "backend": "torch"}, "backend 'torch' computes in fp32 or fp16 or bf16, got 'int8'"),
        (
            {"precision": "fp16"},
            "precision fp16 is for GPUs: a CPU computes in it slower than in float32; ask for fp32",
        ),
    ],
)
def test_an_option_that_cannot_work_is_named(toy_model_path, options, named):
    with pytest.raises(BackendError, match=named):
        DepthEstimator.load(toy_model_path, **options)


@pytest.mark.parametrize("name", ["", "nosuch", "nosuch.onnx", "nosuch.engine", "nosuch/x.onnx"])
@pytest.mark.parametrize("options", [{}, {"device": "cpu"}])
def test_a_model_that_is_not_there_is_named_whatever_it_is_called(name, options):
    with pytest.raises(CheckpointError, match=f"^no model file '{name}'; packaged models: "):
        DepthEstimator.load(name, **options)


@pytest.mark.parametrize("name", [".", "picture.onnx"])
def test_what_is_no_export_is_named_with_its_whole_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.onnx").write_bytes(b"\x89PNG")
    with pytest.raises(BackendError, match=f"there is no {tmp_path}/record.json, without which"):
        DepthEstimator.load(name)


def test_a_device_of_pytorch_is_a_device_too(toy_model_path):
    assert DepthEstimator.load(toy_model_path, device=torch.device("cpu")).name.endswith("(torch on cpu, expected)")


def test_depth_can_be_compared_and_kept_in_a_set(estimator, some_picture):
    depth, other = estimator(some_picture()), estimator(some_picture())
    assert depth == depth
    assert {depth, other, depth} == {other, depth}
    assert depth != other


def test_a_user_without_a_home_folder_gets_pytorch(toy_model_path, monkeypatch):
    def no_entry(_):
        raise KeyError("no such user")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_entry)  # as in a container that runs as a number
    assert DepthEstimator.load(toy_model_path, backend="auto").name == "toy (torch on cpu, expected)"


def test_what_is_no_picture_is_named(estimator):
    with pytest.raises(ImageError, match=r"expected a picture as uint8 \(H, W, 3\)"):
        estimator(np.zeros((4, 4), np.float32))


def test_a_confidence_that_is_not_finite_is_named(toy_heads_path, some_picture):
    estimator = DepthEstimator.load(toy_heads_path, backend="torch")
    estimator.backend.model.confidence_head.layers[-1].bias.data.fill_(torch.nan)
    named = r"^toy_heads \(torch on cpu, expected\) gives confidence from nan to nan; expected finite values$"
    with pytest.raises(BackendError, match=named):
        estimator(some_picture())


def test_every_public_name_is_there():
    import depthart_core

    assert all(hasattr(depthart_core, name) for name in depthart_core.__all__)


def test_threads_stay_as_they_are_where_no_model_can_be_loaded(tmp_path):
    before = torch.get_num_threads()
    with pytest.raises(CheckpointError):
        DepthEstimator.load(tmp_path / "absent.safetensors", backend="torch", threads=before + 1)
    assert torch.get_num_threads() == before
